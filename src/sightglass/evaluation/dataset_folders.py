"""Folders as people name them, and the pictures in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PureWindowsPath

from sightglass.evaluation.public_sources import letters_of
from sightglass.inputs.class_folders import is_wordnet_id

PICTURE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})


def places_of(root: Path, names: Collection[str]) -> Iterator[Path]:
    """Folders in ``root`` named after a data set, each followed by what its archive adds.

    Args:
        root: Where data sets lie.
        names: Usual names of the data set's folder; lower-case letters and digits only.
    """
    for child in subfolders(root):
        if letters_of(child.name) in names:
            yield child
            for inner in subfolders(child):
                if letters_of(inner.name) in {*names, "data"}:
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


def inner_file(place: Path, name: str) -> Path | None:
    """The file ``name`` in ``place``, or None; capitals do not matter."""
    found = (one for one in sorted(place.iterdir()) if one.name.casefold() == name.casefold())
    return next((one for one in found if one.is_file()), None)


def wordnet_folders(folder: Path) -> list[str]:
    """Names of the folders that are WordNet ids, ascending."""
    return [one.name for one in subfolders(folder) if is_wordnet_id(one.name)]


def picture_names(folder: Path) -> list[str]:
    """Names of the pictures directly in ``folder``, in their order."""
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if Path(entry.name).suffix.casefold() in PICTURE_SUFFIXES and not entry.name.startswith(".")
    )


def stays_inside(path: str) -> bool:
    """Whether a path that a file names stays in the data's folder, on any operating system."""
    plain = PureWindowsPath(path)
    return bool(path) and "\0" not in path and not plain.anchor and ".." not in plain.parts
