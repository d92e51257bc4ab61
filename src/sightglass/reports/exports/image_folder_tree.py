"""ImageFolder: ``out/<class>/`` with that class's pictures, as links or as copies."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from sightglass.errors import InputError, PictureError
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.remote import is_url
from sightglass.inputs.signatures import picture_kind
from sightglass.inputs.url_secrets import without_secrets
from sightglass.reports.exports.chosen_rows import ChosenRows
from sightglass.reports.exports.class_folders import SUFFIXES, class_folders, file_name
from sightglass.reports.prediction import Row

How = Literal["link", "copy"]

# Suffixes of torchvision.datasets.folder.IMG_EXTENSIONS.
_OF_TORCHVISION = frozenset(
    (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
)
_ON_ITS_WAY = ".on-its-way.part"  # becomes the file once it is whole
_HEAD = 4096


def write_image_folder(
    folder: Path, chosen: ChosenRows, numbered: Iterable[tuple[int, Row]], *, how: How
) -> dict[str, Any]:
    """Fill ``folder``; what is there from a stopped run is left as it is.

    Args:
        folder: From ``export_folder``.
        chosen: Is told of pictures that are not there any more.
        numbered: Its rows.
        how: ``link``: hard links, where the file system has none symbolic links, where it has none
            either copies. ``copy``: copies whose bytes are those that were classified.

    Returns:
        What is to be recorded: how many files of each kind, the folder of each class, and how many
        have a format that torchvision passes over.

    Raises:
        InputError: If a picture is to be linked that lies at a URL.
        OSError: If something cannot be written.
    """
    folders = class_folders(chosen.classes)
    made: Counter[str] = Counter()
    passed_over: Counter[str] = Counter()
    for _, row in numbered:
        place = chosen.run.place_of(row)
        if is_url(place) and how == "link":
            raise InputError(
                f"{without_secrets(row['path'])}: a link needs a file on this machine, this is a "
                f"URL. Use --copy, which downloads it."
            )
        try:
            data = read_bytes(place)[0] if how == "copy" else _head(place)
            target = folder / folders[row["label"]] / _name_of(row, data, whole=how == "copy")
            if not os.path.lexists(target):
                target.parent.mkdir(exist_ok=True)
                _put(target, place, data if how == "copy" else None, folder / _ON_ITS_WAY)
        except PictureError as error:
            left = _left_there(folder / folders[row["label"]], row, how)
            if left is None:
                chosen.leave_out(error.detail)
                continue
            target = left
        made[_kind_of(target, place)] += 1
        if target.suffix.casefold() not in _OF_TORCHVISION:
            passed_over[target.suffix.casefold()] += 1
    (folder / _ON_ITS_WAY).unlink(missing_ok=True)
    return {"files": dict(made), "folders": folders, "passed_over": dict(passed_over)}


def _head(path: str) -> bytes:
    """The first bytes of a regular file.

    Raises:
        PictureError: As ``read_bytes`` does.
    """
    try:
        if stat.S_ISREG(Path(path).stat().st_mode):
            with Path(path).open("rb") as stream:
                return stream.read(_HEAD)
    except (OSError, ValueError):
        pass
    return read_bytes(path)[0]  # says why not


def _name_of(row: Row, data: bytes, *, whole: bool) -> str:
    """The file's name, if it is still the picture that was classified."""
    kind = picture_kind(data)
    if kind is None or (whole and hashlib.sha256(data).hexdigest() != row["sha256"]):
        raise PictureError("unreadable", "changed since it was classified")
    return file_name(row["path"], kind)


def _left_there(folder: Path, row: Row, how: How) -> Path | None:
    """The row's picture as a stopped run put it there, though its source is gone or changed since.

    What it put there that is no picture any more, such as a link that leads nowhere, is removed.
    """
    found = None
    for target in sorted({folder / file_name(row["path"], kind) for kind in SUFFIXES}):
        if not os.path.lexists(target):
            continue
        try:
            data = read_bytes(str(target))[0] if how == "copy" else _head(str(target))
            _name_of(row, data, whole=how == "copy")
            found = target
        except PictureError:
            target.unlink()
    return found


def _put(target: Path, place: str, data: bytes | None, on_its_way: Path) -> None:
    """Link the file at ``place``, or write ``data``: whole or not at all."""
    if data is None:
        # A hard link to a symbolic link would be another symbolic link.
        for link, source in ((os.link, os.path.realpath(place)), (os.symlink, place)):
            try:
                link(source, target)
            except (OSError, NotImplementedError):
                continue
            return
        data = read_bytes(place)[0]
    on_its_way.write_bytes(data)
    on_its_way.replace(target)


def _kind_of(target: Path, place: str) -> str:
    if target.is_symlink():
        return "symbolic links"
    there = not is_url(place) and os.path.exists(place)  # noqa: PTH110
    same = there and os.path.samefile(target, place)  # noqa: PTH121
    return "hard links" if same else "copies"
