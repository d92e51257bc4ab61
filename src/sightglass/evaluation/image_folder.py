"""ImageFolder: ``root/<class name>/`` with that class's pictures, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightglass.errors import InputError, PictureError
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.inputs.class_folders import check_folder_names
from sightglass.inputs.file_bytes import read_bytes

_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .jpeg .jpg .png .ppm .tif .tiff .webp".split()  # noqa: SIM905
)


def read_image_folder(root: Path) -> LabelledPictures:
    """The pictures below ``root``, classes in the order of their folders' names.

    Hidden files and folders, and files that are no pictures by their suffix, are left out.

    Raises:
        InputError: If there is no class folder, one has no picture, or the folders' names are
            splits or WordNet ids instead of class names.
    """
    folders = sorted(
        (entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda folder: folder.name,
    )
    names = tuple(folder.name for folder in folders)
    if not folders:
        raise InputError(
            f"Data set: '{root}' needs one folder per class with pictures in it, or parquet files; "
            "it has neither. Check the path."
        )
    check_folder_names(
        root,
        names,
        folders=f"Data set: the folders of '{root}'",
        why_words="a classifier by name cannot know what they mean.",
    )
    pictures = [_pictures_in(folder) for folder in folders]
    for name, found in zip(names, pictures, strict=True):
        if not found:
            raise InputError(
                f"Data set: every class folder of '{root}' needs pictures, '{name}' has none. "
                "Remove it or fill it."
            )
    paths = tuple(path for found in pictures for path in found)

    def read() -> Iterator[bytes | PictureError]:
        for path in paths:
            try:
                yield read_bytes(path)[0]
            except PictureError as error:
                yield error

    return LabelledPictures(
        class_names=names,
        labels=np.repeat(np.arange(len(names)), [len(found) for found in pictures]),
        read=read,
    )


def _pictures_in(folder: Path) -> list[Path]:
    """Every picture below ``folder``, in the order of the paths."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.casefold() in _SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
