"""ImageNet-21k+1k: every synset of ImageNet, then ILSVRC's names; one class per picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset, Labelled
from sightglass.evaluation.data_efficient.known import KnownSet
from sightglass.evaluation.data_efficient.synsets import synsets_of_1k, synsets_of_21k
from sightglass.evaluation.dataset_folders import (
    inner_folder,
    picture_names,
    places_of,
    wordnet_folders,
)
from sightglass.evaluation.kdpl.known import SOURCE, known_datasets
from sightglass.inputs.class_folders import is_wordnet_id

_BASES = (".", "images", "train")
_FLAT = "images"
_VALIDATION = ("val", "images/val", "ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val", "CLS-LOC/val")


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of pictures.

    Attributes:
        path: Where it is.
        wordnet_id: Of all its pictures; None where each begins its name with its own.
    """

    path: Path
    wordnet_id: str | None

    def pictures(self) -> Iterator[tuple[str, str]]:
        """Name and WordNet id of each picture, in the order of the names."""
        for name in picture_names(self.path):
            yield name, self.wordnet_id or name.partition("_")[0]


def read_imagenet_21k(place: Path, known: KnownSet, *, root: Path) -> FlatHitDataset:
    """All pictures of ImageNet-21k in ``place``, and ILSVRC's validation pictures in ``root``.

    Candidates are the synsets and behind them the names of ILSVRC's 1,000 classes, although these
    are among the synsets too. A picture of ImageNet-21k shows its synset, one of ILSVRC the class
    behind.

    Raises:
        InputError: If a list is absent, or says something that cannot be.
    """
    folders, found = _folders(place)
    ilsvrc = [*places_of(root, known_datasets()[SOURCE].folders)]
    validation = next(filter(None, (inner_folder(one, _VALIDATION) for one in ilsvrc)), None)
    seen = [] if validation is None else wordnet_folders(validation)
    synsets = synsets_of_21k(place, found)
    ids, names = synsets_of_1k((place, *ilsvrc), seen) or ((), ())
    index = {one: (at,) for at, one in enumerate(synsets)}
    behind = {one: (at,) for at, one in enumerate(ids, start=len(synsets))}
    parts = [(folder, index) for folder in folders]
    if validation is not None:
        parts += [(_Folder(validation / one, one), behind) for one in seen]

    def pictures() -> Iterator[Labelled]:
        for folder, labels in parts:
            below = folder.path.relative_to(root).as_posix()
            for name, wordnet_id in folder.pictures():
                if wordnet_id in labels:
                    yield f"{below}/{name}", labels[wordnet_id]

    labelled = [one in labels for folder, labels in parts for _, one in folder.pictures()]
    return FlatHitDataset(
        name=known.name,
        folder=str(root),
        candidates=(*synsets.values(), *names),
        pictures=pictures,
        n_pictures=sum(labelled),
        unlabelled=len(labelled) - sum(labelled),
        remarks=_remarks(names, validation),
    )


def _folders(place: Path) -> tuple[list[_Folder], list[str]]:
    """Where the pictures are, and their WordNet ids, ascending."""
    for name in _BASES:
        base = inner_folder(place, (name,))
        ids = [] if base is None else wordnet_folders(base)
        if base is not None and ids:
            return [_Folder(base / one, one) for one in ids], ids
    flat = inner_folder(place, (_FLAT,))
    if flat is not None:
        folder = _Folder(flat, None)
        ids = sorted({one for _, one in folder.pictures() if is_wordnet_id(one)})
        if ids:
            return [folder], ids
    raise InputError(
        f"'{place}' needs one folder of pictures per WordNet id, or the folder images with "
        f"pictures such as n01440764_1.JPEG, has neither. Check the folder."
    )


def _remarks(names: Sequence[str], validation: Path | None) -> tuple[str, ...]:
    if not names:
        return ("the names of ILSVRC's 1,000 classes are not there; ranked without them.",)
    if validation is None:
        return ("the pictures of ILSVRC are not there; its names are candidates all the same.",)
    return ()
