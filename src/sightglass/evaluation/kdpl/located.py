"""Which of the fifteen data sets a folder holds, and what is wanted where one is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import inner_file, places_of
from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.imagenet import ByWordnetId, read_imagenet, read_shifted
from sightglass.evaluation.kdpl.known import SHIFTED, SOURCE, KnownDataset, known_datasets
from sightglass.evaluation.kdpl.official_lists import read_official_lists
from sightglass.evaluation.kdpl.split_file import read_split_file

Say = Callable[[str], None]
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What was found.

    Attributes:
        datasets: Those that can be used, by name, in the order asked for.
        remarks: A sentence for each that is absent or cannot be used, and for each that is not
            what the published numbers were made on.
    """

    datasets: Mapping[str, KdplDataset]
    remarks: tuple[str, ...]


def locate(root: Path, names: Sequence[str], *, say: Say = lambda _: None) -> Located:
    """The data sets ``names`` in ``root``, each in a folder named after it.

    One that is absent or damaged is a remark and ends nothing.

    Raises:
        InputError: If there is no such folder.
    """
    if not root.is_dir():
        raise InputError(
            f"Data sets: a folder is needed, '{root}' is none. Give the folder that holds them."
        )
    datasets: dict[str, KdplDataset] = {}
    remarks: list[str] = []
    by_id: ByWordnetId = {}
    # ImageNet first: the sets with shifted pictures have its class names.
    for name in sorted(names, key=lambda name: name != SOURCE):
        known = known_datasets()[name]
        places = list(places_of(root, known.folders))
        if not places:
            remarks.append(f"{known.title}: absent. {known.source.wanted}")
            continue
        say(f"{known.title}: list the pictures")
        try:
            if name == SOURCE:
                datasets[name], by_id = _first(places, partial(read_imagenet, known=known))
            elif name in SHIFTED:
                datasets[name] = _shifted(places, known, datasets.get(SOURCE), by_id)
            else:
                datasets[name], divided = _one_of_ten(places, known)
                remarks += divided
        except (InputError, OSError) as error:
            remarks.append(f"{known.title}: not used. {error}")
            continue
        n_classes = len(datasets[name].class_names)
        if n_classes != known.n_classes:
            remarks.append(
                f"{known.title}: {n_classes:,} classes, the published protocol has "
                f"{known.n_classes:,}; its numbers cannot be compared."
            )
    return Located(
        datasets={name: datasets[name] for name in names if name in datasets},
        remarks=tuple(remarks),
    )


def _first(places: Sequence[Path], read: Callable[[Path], _Read]) -> _Read:
    """The first place that can be read; where none can, what is wrong with the first."""
    errors = []
    for place in places:
        try:
            return read(place)
        except InputError as error:
            errors.append(error)
    raise errors[0]


def _shifted(
    places: Sequence[Path],
    known: KnownDataset,
    imagenet: KdplDataset | None,
    names: ByWordnetId,
) -> KdplDataset:
    if imagenet is None:
        raise InputError("Its class names are those of ImageNet, which is not there. Add ImageNet.")
    return _first(places, lambda place: read_shifted(place, known, imagenet=imagenet, names=names))


def _one_of_ten(places: Sequence[Path], known: KnownDataset) -> tuple[KdplDataset, list[str]]:
    """By the prepared split wherever one is, else by the authors' lists, and a remark of that."""
    for place in places:
        file = known.split_file and inner_file(place, known.split_file)
        if file:
            return read_split_file(file, known), []
    for place in places:
        dataset = read_official_lists(place, known)
        if dataset is not None:
            if known.split_file is None:
                return dataset, []
            return dataset, [
                f"{known.title}: divided by its authors' own lists, the published numbers by "
                f"{known.split_file}; they cannot be compared."
            ]
    raise InputError(
        f"'{places[0]}' has no list of what is for training and what to test on. "
        f"{known.source.wanted}"
    )
