"""A folder that takes its place whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sightglass.errors import InputError, ResultsError
from sightglass.whole_files import only_writer


def check_replaceable(folder: Path, own: Collection[str], *, marker: str) -> None:
    """See that nothing of a person's is lost where ``folder`` is replaced.

    Args:
        folder: May be absent.
        own: Names of the files that we write; a folder with others is refused.
        marker: One of them that nobody else writes; a folder without it must be empty.

    Raises:
        InputError: If the path is no folder, holds a foreign file, or is where the command runs.
    """
    try:
        if not folder.exists():
            return
        if Path.cwd().is_relative_to(folder.resolve()):
            raise InputError(
                f"{folder}: a folder that can be replaced is needed, this is where the command "
                f"runs. Go one folder up, or choose another with --out."
            )
        found = sorted(folder.iterdir())
        foreign = [entry.name for entry in found if entry.name not in own or entry.is_dir()]
        if not foreign and not (folder / marker).is_file():
            foreign = [entry.name for entry in found]
    except OSError as error:
        raise InputError(
            f"{folder}: a folder is needed for the export ({error.strerror}). Choose another with "
            f"--out."
        ) from error
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise InputError(
            f"{folder}: a new folder or an earlier export is needed, this one holds "
            f"'{foreign[0]}'{more}. Choose another with --out."
        )


@contextmanager
def whole_folder(folder: Path, own: Collection[str], *, marker: str) -> Iterator[Path]:
    """An empty folder beside ``folder`` that takes its place when the block ends without error.

    After an error nothing has changed. Killed between two renames, the earlier folder is left
    beside under a name that begins with a dot, and the next call puts it back.

    Args:
        folder: May be absent; see ``check_replaceable``.
        own: As there.
        marker: As there.

    Raises:
        InputError: As for ``check_replaceable``, or if the folder around it cannot be written.
        ResultsError: If another run is writing there, or the folder cannot be put in place.
    """
    place = folder.resolve()
    part, old = (place.with_name(f".{place.name}.{word}") for word in ("part", "old"))
    if old.exists() and not place.exists():
        old.rename(place)
    check_replaceable(place, own, marker=marker)
    try:
        part.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: a folder that can be made is needed for the export ({error.strerror}). "
            f"Choose another with --out."
        ) from error
    with only_writer(part):
        try:
            for left in part.iterdir():  # by a run that was killed
                left.unlink()
            yield part
            check_replaceable(place, own, marker=marker)
            _put(part, place, old)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _put(part: Path, place: Path, old: Path) -> None:
    try:
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        part.rename(place)
    except OSError as error:
        if old.exists() and not place.exists():
            old.rename(place)
        raise ResultsError(
            f"{place}: the export cannot be put in place ({error.strerror}). Choose another "
            f"folder with --out."
        ) from error
    shutil.rmtree(old, ignore_errors=True)
