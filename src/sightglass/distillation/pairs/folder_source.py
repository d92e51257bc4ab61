"""A folder of pictures: without labels, or with a folder per class."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.distillation.pairs.packed_texts import PackedTexts
from sightglass.distillation.pairs.row import Row
from sightglass.distillation.pairs.some_pictures import hashes_of_some
from sightglass.distillation.picture_order import epoch_order
from sightglass.errors import InputError
from sightglass.inputs.class_folders import check_folder_names
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.file_bytes import read_bytes

if TYPE_CHECKING:
    from jaxtyping import Int64


class FolderSource:
    """All files below a folder, one row each, sorted by path.

    Args:
        name: A folder, a pattern such as ``photos/*.jpg``, or a single file.
        labels: Whether the names of the folders right below say what their pictures show. Files
            that lie in none of these folders, and hidden ones, are then left out.

    Raises:
        InputError: If nothing is found, or the folders' names are no names of classes.
    """

    def __init__(self, name: str, *, labels: bool = False) -> None:
        self.name = name
        self.remarks: tuple[str, ...] = ()
        self.labelled, self.captioned = labels, False
        self.classes = _class_folders(Path(name)) if labels else ()
        folders = [str(Path(name) / one) for one in self.classes] if labels else [name]
        found = [list(find_pictures([folder])) for folder in folders]
        if labels:
            found = [[path for path in paths if not _is_hidden(path, name)] for paths in found]
        self._paths = PackedTexts(path for paths in found for path in paths)
        numbers = np.arange(len(self.classes)) if labels else np.array([-1])
        self._labels = np.repeat(numbers, [len(paths) for paths in found])
        if not len(self):
            raise InputError(f"{name}: at least one picture is needed, got none. Check the path.")

    @cached_property
    def digest(self) -> str:
        """Covers every file's size, the bytes of 256 of them, evenly spread, and the labels.

        What files are called does not count, but for the order that their paths put them in.
        """
        sizes = np.fromiter((_size(self._paths[at]) for at in range(len(self))), np.int64)
        total = hashlib.sha256(repr(self.classes).encode() + self._labels.tobytes())
        total.update(sizes.tobytes() + hashes_of_some(len(self), lambda index: self._paths[index]))
        return total.hexdigest()

    def __len__(self) -> int:
        """How many files."""
        return len(self._paths)

    def epoch_order(self, seed: int, epoch: int) -> Int64[np.ndarray, " rows"]:
        """A plain shuffle."""
        return epoch_order(len(self), seed=seed, epoch=epoch)

    def where(self, index: int) -> str:
        """The file's path."""
        return self._paths[index]

    def captions(self, index: int) -> tuple[str, ...]:  # noqa: ARG002
        """None."""
        return ()

    def read(self, index: int) -> Row:
        """One file.

        Raises:
            PictureError: If it cannot be read.
        """
        data, _ = read_bytes(self._paths[index])
        return Row(
            index=index, image=data, label=int(self._labels[index]), where=self._paths[index]
        )


def _size(path: str) -> int:
    """In bytes; -1 of what is not there."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _class_folders(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        raise InputError(
            f"{root}: a folder with one folder per class is needed, this is none. Check the path, "
            f"or leave labels out."
        )
    names = sorted(one.name for one in root.iterdir() if one.is_dir() and one.name[0] != ".")
    if not names:
        raise InputError(
            f"{root}: one folder per class is needed for labels, got none. Leave labels out, or "
            f"sort the pictures into folders."
        )
    check_folder_names(
        root,
        names,
        folders=f"{root}: the folders",
        why_words="nothing can be learned from what they are called.",
    )
    return tuple(names)


def _is_hidden(path: str, root: str) -> bool:
    return any(part.startswith(".") for part in Path(path).relative_to(root).parts)
