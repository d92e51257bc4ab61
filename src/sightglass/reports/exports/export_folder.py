"""The folder of an export: begun beside its place, carried on if stopped, put in place whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sightglass.errors import InputError, ResultsError
from sightglass.reports.exports.one_run import only_run_on
from sightglass.whole_files import replacing

MARK = ".sightglass-export.json"
FORMAT = "sightglass-export-1"


@contextmanager
def export_folder(out: Path, plan: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder to fill; on leaving it takes the place of ``out``.

    It lies beside ``out``. What a stopped run with the same plan left in it is still there, so
    that only what is missing need be added; another plan's is gone.

    Args:
        out: May be missing, empty, or an earlier export that nobody changed since.
        plan: All that decides what will be in the folder; as JSON.

    Yields:
        The folder, and a record that is written into it at the end.

    Raises:
        InputError: If ``out`` holds anything else, which would be lost.
        ResultsError: If another run is writing there, the disk is full or something cannot be
            written; ``out`` is as it was.
    """
    real = Path(os.path.realpath(out))
    fresh = real.with_name(f".{real.name}.part")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with only_run_on(real):
            _settle_old(real)
            _require_replaceable(real, out)
            fresh.mkdir(exist_ok=True)
            if _mark_of(fresh).get("plan") != plan:
                _clear(fresh)
                _write_mark(fresh, {"format": FORMAT, "plan": plan})
            record: dict[str, Any] = {}
            try:
                yield fresh, record
            except InputError:
                _remove(fresh)  # running again would not help
                raise
            record["contents"] = contents_of(fresh)
            _write_mark(fresh, {"format": FORMAT, "plan": plan} | record)
            _require_replaceable(real, out)  # again: hours may have passed
            _take_place(fresh, real)
    except OSError as error:
        raise ResultsError(
            f"{out}: the export cannot be written ({error.strerror or error}). Free some space or "
            f"choose another folder with --out, and run again: nothing computed is lost."
        ) from error


def contents_of(folder: Path) -> str:
    """Hex digest of what is in ``folder``, the mark aside; the same in whatever order it is listed.

    A link counts by its name, hard links included: hard links without a name outside of ``folder``
    are the last copy of a picture and count as files. A file counts by name, size and last change.
    """
    several = _several_names(folder)
    total = 0
    for name, status, is_link in _files_in(folder):
        has_others = status.st_nlink > several.get(status.st_ino, 1)
        stamp = "link" if is_link or has_others else f"{status.st_size} {status.st_mtime_ns}"
        one = hashlib.sha256(os.fsencode(name) + b"\0" + stamp.encode()).digest()
        total = (total + int.from_bytes(one, "big")) % (1 << 256)
    return f"{total:064x}"


def _several_names(folder: Path) -> dict[int, int]:
    """How many names in ``folder`` a file has, by inode, where it has more than one."""
    linked = array("Q")  # eight bytes for every hard link, for as long as this takes
    for _, status, is_link in _files_in(folder):
        if status.st_nlink > 1 and not is_link:
            linked.append(status.st_ino)
    inodes, counts = np.unique(np.frombuffer(linked, np.uint64), return_counts=True)
    several = counts > 1
    return dict(zip(inodes[several].tolist(), counts[several].tolist(), strict=True))


def _files_in(folder: Path) -> Iterator[tuple[str, os.stat_result, bool]]:
    """(Path within, stamp, whether it is a symbolic link) of all that is no real folder."""
    waiting = [""]
    while waiting:
        within = waiting.pop()
        with os.scandir(folder / within) as entries:
            for entry in entries:
                name = f"{within}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif name != MARK:
                    yield name, entry.stat(follow_symlinks=False), entry.is_symlink()


def _require_replaceable(folder: Path, out: Path) -> None:
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InputError(f"{out}: a folder is needed, this is a file. Choose another with --out.")
    with os.scandir(folder) as entries:
        if next(entries, None) is None:
            return
    mark = _mark_of(folder)
    if mark.get("format") != FORMAT:
        raise InputError(
            f"{out}: an empty folder, a new one or an earlier export is needed, this holds other "
            f"files. Choose another with --out."
        )
    if mark.get("contents") != contents_of(folder):
        raise InputError(
            f"{out}: only an export as it was written can be replaced, this one was changed since, "
            f"or holds the last copy of a picture. Move it away, or choose another with --out."
        )


def _mark_of(folder: Path) -> dict[str, Any]:
    try:
        mark = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return mark if isinstance(mark, dict) else {}


def _write_mark(folder: Path, mark: Mapping[str, Any]) -> None:
    with replacing(folder / MARK) as stream:
        stream.write(json.dumps(mark, indent=1) + "\n")


def _clear(folder: Path) -> None:
    """Empty a folder that an export began: the mark goes last, so that a kill leaves it known."""
    # A kill while the first mark was being written leaves that alone.
    if not _mark_of(folder) and any(path.name != f"{MARK}.part" for path in folder.iterdir()):
        raise InputError(
            f"{folder}: this folder is needed for what is not whole yet, and it holds other files. "
            f"Move it away."
        )
    for entry in sorted(folder.iterdir(), key=lambda path: path.name == MARK):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _settle_old(folder: Path) -> None:
    """Undo or finish what a kill cut off between the two moves of ``_take_place``."""
    old = folder.with_name(f".{folder.name}.old")
    if _mark_of(old):
        if os.path.lexists(folder):
            _remove(old)
        else:
            old.rename(folder)


def _take_place(fresh: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    if _mark_of(old):
        _remove(old)


def _remove(folder: Path) -> None:
    _clear(folder)
    folder.rmdir()
