"""Which references a person brought for which data set: the class names tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sightglass.errors import InputError, closest
from sightglass.evaluation.datasets import class_labels, load_dataset
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.public_sources import letters_of
from sightglass.inputs.labels import name_key


def find_references(
    place: Path, datasets: Mapping[str, Sequence[str]]
) -> dict[str, LabelledPictures]:
    """The references at ``place`` for each data set that has some, labelled in its class order.

    Args:
        place: A parquet file with ``image``, ``label`` and class names; a folder with one folder
            of pictures per class; or a folder with one such folder, or parquet file, for each data
            set and named after it.
        datasets: By data set its class names, spelled as the set spells them.

    Returns:
        By data set; those without references are absent.

    Raises:
        InputError: If there is nothing at ``place``, or its class names are those of no data set.
    """
    if not place.exists():
        raise InputError(
            f"References: a parquet file or a folder is needed, '{place}' does not exist. Check "
            f"the path."
        )
    named = {} if place.is_file() else _named_after(place, datasets)
    if named:
        return {name: _labelled(path, name, datasets[name]) for name, path in named.items()}
    data = load_dataset(place)
    fitting = [name for name, names in datasets.items() if _places(data, names) is not None]
    if not fitting:
        raise InputError(_strangers(place, data, datasets))
    return {name: _labelled(place, name, datasets[name]) for name in fitting}


def _named_after(place: Path, datasets: Mapping[str, Sequence[str]]) -> dict[str, Path]:
    """Entries of a folder that bear a data set's name."""
    entries = sorted(place.iterdir())
    found = {}
    for name in datasets:
        for entry in entries:
            stem = entry.stem if entry.suffix == ".parquet" else entry.name
            if letters_of(stem) == name and (entry.is_dir() or entry.suffix == ".parquet"):
                found[name] = entry
    return found


def _labelled(path: Path, dataset: str, names: Sequence[str]) -> LabelledPictures:
    data = load_dataset(path)
    places = _places(data, names)
    if places is None:
        raise InputError(_strangers(path, data, {dataset: names}))
    return replace(data, class_names=tuple(names), labels=places[data.labels])


def _places(data: LabelledPictures, names: Sequence[str]) -> np.ndarray | None:
    """Of each class of ``data`` its index in ``names``; None if one is not there."""
    by_key: dict[str, int] = {}
    # A whole name goes before a first synonym: ImageNet has two cranes.
    for spelled in (names, class_labels(names)):
        for index, name in enumerate(spelled):
            by_key.setdefault(name_key(name), index)
    found = [by_key.get(name_key(name), -1) for name in data.class_names]
    return None if -1 in found else np.array(found, np.int64)


def _strangers(place: Path, data: LabelledPictures, datasets: Mapping[str, Sequence[str]]) -> str:
    """A sentence about the first class that no data set has."""
    every = [name for names in datasets.values() for name in names]
    keys = {name_key(name) for name in every}
    stranger = next(
        (name for name in data.class_names if name_key(name) not in keys), data.class_names[0]
    )
    near = closest(stranger, every)
    hint = f"Did you mean '{near}'? " if near else ""
    return (
        f"References '{place}': the class names of one of the data sets "
        f"({', '.join(datasets)}) are needed, '{stranger}' is not among them. {hint}Rename it, or "
        f"put the folder of each data set's references into one folder, named after the data set."
    )
