"""Folders as people name them, and the pictures in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from sightglass.errors import InputError
from sightglass.evaluation.kdpl.dataset import Listed
from sightglass.evaluation.kdpl.known import KnownDataset
from sightglass.evaluation.public_sources import letters_of

_SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})
_WORDNET_ID = re.compile(r"n\d{8}")
_SHOWN = 60


def places_of(root: Path, known: KnownDataset) -> Iterator[Path]:
    """Folders in ``root`` named after the data set, each followed by what its archive adds."""
    for child in subfolders(root):
        if letters_of(child.name) in known.folders:
            yield child
            for inner in subfolders(child):
                if letters_of(inner.name) in {*known.folders, "data"}:
                    yield inner
                    yield from (deep for deep in subfolders(inner) if deep.name == "data")


def subfolders(folder: Path) -> list[Path]:
    """What a person sees as folders in ``folder``, in the order of their names."""
    return sorted(
        child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")
    )


def inner_folder(place: Path, names: Sequence[str]) -> Path | None:
    """The first of ``names`` that is a folder in ``place``; capitals do not matter."""
    for name in names:
        folder: Path | None = place
        for part in Path(name).parts:
            folder = folder and next(
                (one for one in subfolders(folder) if one.name.casefold() == part.casefold()), None
            )
        if folder is not None:
            return folder
    return None


def picture_folder(place: Path, known: KnownDataset) -> Path:
    """Where in ``place`` the pictures lie.

    Raises:
        InputError: If there is no such folder.
    """
    folder = inner_folder(place, known.pictures)
    if folder is None:
        raise InputError(
            f"{known.title}: '{place}' needs the folder '{known.pictures[0]}', has none. "
            f"{known.source.wanted}"
        )
    return folder


def inner_file(place: Path, name: str) -> Path | None:
    """The file ``name`` in ``place``, or None; capitals do not matter."""
    found = (one for one in sorted(place.iterdir()) if one.name.casefold() == name.casefold())
    return next((one for one in found if one.is_file()), None)


def wordnet_folders(folder: Path) -> list[str]:
    """Names of the folders that are WordNet ids, ascending."""
    return [one.name for one in subfolders(folder) if _WORDNET_ID.fullmatch(one.name)]


def pictures_in(folder: Path, *, label: int, below: str) -> Listed:
    """The pictures directly in ``folder`` as ``below/name``, in the order of their names."""
    names = (
        entry.name
        for entry in folder.iterdir()
        if Path(entry.name).suffix.casefold() in _SUFFIXES and not entry.name.startswith(".")
    )
    return tuple((f"{below}/{name}", label) for name in sorted(names))


def stays_inside(path: str) -> bool:
    """Whether a path that a file names stays in the data's folder, on any operating system."""
    plain = PureWindowsPath(path)
    return bool(path) and "\0" not in path and not plain.anchor and ".." not in plain.parts


def check_present(folder: Path, listed: Listed, *, by: Path) -> None:
    """Raise InputError unless every picture that ``by`` lists is in ``folder``."""
    missing = [path for path, _ in listed if not (folder / path).is_file()]
    if missing:
        raise InputError(
            f"{by}: all {len(listed):,} pictures that it lists are needed in '{folder}', "
            f"{len(missing):,} are not there, the first is '{missing[0][:_SHOWN]}'. Complete the "
            f"folder."
        )
