"""The folder of harvested references: put in place whole, and only over an earlier harvest."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sightglass.errors import InputError, PictureError, ResultsError
from sightglass.generation.harvest_rule import Harvest
from sightglass.generation.harvesting import AnsweredPicture
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.references import (
    RECORD,
    Provenance,
    ReferenceRecord,
    class_folder,
    read_record,
    write_record,
)
from sightglass.inputs.signatures import picture_kind
from sightglass.inputs.valid_text import as_utf8

_SUFFIX = {
    "AVIF": ".avif",
    "BMP": ".bmp",
    "HEIF": ".heic",
    "JPEG": ".jpg",
    "PNG": ".png",
    "PPM": ".ppm",
    "TIFF": ".tif",
    "WEBP": ".webp",
}
_OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of the copying.

    Attributes:
        record: As written into the folder.
        left_out: Chosen pictures that were not copied: (path, why).
    """

    record: ReferenceRecord
    left_out: tuple[tuple[str, str], ...]


def check_target(out: Path, sources: Sequence[str], found: Sequence[str]) -> None:
    """See that ``out`` may be replaced: no source, and nothing in it but an earlier harvest.

    Args:
        out: Where the references will be; need not exist.
        sources: As the person gave them.
        found: The files in them.

    Raises:
        InputError: If something there would be lost, or a source folder written into.
    """
    real = os.path.realpath(out)
    for source in sources:
        folder = os.path.realpath(source)
        if Path(folder).is_dir() and _is_within(real, folder):
            raise InputError(
                f"{out}: references must lie outside of the folders that are harvested, this is "
                f"within '{source}'. Choose another folder with --out."
            )
    if any(_is_within(os.path.realpath(path), real) for path in found):
        raise InputError(
            f"{out}: references must lie outside of the folders that are harvested, some of the "
            f"pictures lie in it. Choose another folder with --out."
        )
    if not os.path.lexists(real):
        return
    if not Path(real).is_dir():
        raise InputError(f"{out}: a folder is needed, this is a file. Choose another with --out.")
    _require_harvested(Path(real), out)


def write_harvest(
    out: Path,
    harvest: Harvest,
    pictures: Sequence[AnsweredPicture],
    names: Sequence[str],
    *,
    rule: str,
    generator: str,
) -> Written:
    """Copy the chosen pictures to ``out/<class>/`` and write the record; the old ones go.

    The new folder is made beside ``out`` and takes its place when it is whole. A picture whose
    bytes are no longer those that were looked at is left out.

    Args:
        out: See ``check_target``, which comes first.
        harvest: Its indices count in ``pictures``.
        pictures: All that could have been chosen.
        names: Of the classes.
        rule: In words.
        generator: Names of the encoders that chose.

    Raises:
        InputError: If something else has come into ``out`` since.
        ResultsError: If something cannot be written or nothing copied; ``out`` is then as it was.
    """
    real = Path(os.path.realpath(out))
    fresh = real.with_name(f".{real.name}.new-{os.getpid()}")
    try:
        fresh.mkdir(parents=True)
        written = _fill(fresh, harvest, pictures, names, rule=rule, generator=generator)
        _require_some(written)
        if real.exists():
            _require_harvested(real, out)  # again: hours may have passed
        _take_place(fresh, real)
    except OSError as error:
        raise ResultsError(
            f"{out}: the references cannot be written ({error.strerror or error}). Free some "
            f"space or choose another folder with --out, and run again: nothing computed is lost."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return written


def _fill(
    folder: Path,
    harvest: Harvest,
    pictures: Sequence[AnsweredPicture],
    names: Sequence[str],
    *,
    rule: str,
    generator: str,
) -> Written:
    entries: list[Provenance] = []
    left_out: list[tuple[str, str]] = []
    without: dict[str, str] = {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for name, rows, reason in zip(names, harvest.indices, harvest.reasons, strict=True):
        before = len(entries)
        for rank, row in enumerate(rows, start=1):
            one = pictures[row]
            stem = f"{class_folder(name)}/{rank:03d}-{one.content.hex()[:12]}"
            try:
                path = _copy(one, folder, stem)
            except PictureError as error:
                left_out.append((one.path, error.detail))
                continue
            entries.append(
                Provenance(
                    path=path,
                    class_name=name,
                    origin="harvested",
                    sha256=one.content.hex(),
                    generator=generator,
                    source=as_utf8(one.path),
                    filter_score=round(float(harvest.scores[row]), 6),
                    created=now,
                )
            )
        if len(entries) == before:
            without[name] = reason or "none of the chosen pictures could be copied"
    record = ReferenceRecord(rule=rule, pictures=tuple(entries), classes_without=without)
    write_record(folder, record)
    return Written(record=record, left_out=tuple(left_out))


def _require_some(written: Written) -> None:
    if not written.record.pictures:
        path, why = written.left_out[0]
        raise ResultsError(
            f"harvest: none of the chosen pictures could be copied; the first is {path} ({why}). "
            f"Leave the pictures in place, and run again."
        )


def _copy(one: AnsweredPicture, folder: Path, stem: str) -> str:
    """The copy's path within ``folder``; its suffix says what the bytes are."""
    data, _ = read_bytes(one.path)
    if hashlib.sha256(data).digest() != one.content:
        raise PictureError("unreadable", "the file has changed since it was looked at")
    kind = picture_kind(data)
    if kind not in _SUFFIX:
        raise PictureError("unsupported", f"references cannot be of the format {kind}")
    path = f"{stem}{_SUFFIX[kind]}"
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(data)
    return path


def _take_place(fresh: Path, folder: Path) -> None:
    """Put ``fresh`` where ``folder`` is, or put ``folder`` back."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _require_harvested(folder: Path, out: Path) -> None:
    other = _not_harvested(folder)
    if other is not None:
        raise InputError(
            f"{out}: only pictures of an earlier harvest can be replaced, '{other}' is none. Move "
            f"it away, or choose another folder with --out."
        )


def _not_harvested(folder: Path) -> str | None:
    """The first file in ``folder`` that no harvest put there, or that was changed since."""
    harvested = {
        entry.path: entry.sha256
        for entry in read_record(folder).pictures
        if entry.origin == "harvested"
    }
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if path.name in _OF_FILE_MANAGERS or (name == RECORD and harvested):
            continue
        if name not in harvested or _sha256(path) != harvested[name]:
            return name
    return None


def _sha256(path: Path) -> str | None:
    """Of the file's bytes; None where they cannot be read."""
    try:
        return hashlib.sha256(read_bytes(path)[0]).hexdigest()
    except PictureError:
        return None


def _is_within(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)
