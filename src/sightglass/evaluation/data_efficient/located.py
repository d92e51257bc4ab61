"""Which of the three data sets a folder holds, and what is wanted where one is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
from sightglass.evaluation.data_efficient.imagenet_21k import read_imagenet_21k
from sightglass.evaluation.data_efficient.known import (
    IMAGENET_10K,
    IMAGENET_21K,
    KNOWN,
    OPEN_IMAGES,
    KnownSet,
)
from sightglass.evaluation.data_efficient.ml_images import read_ml_images
from sightglass.evaluation.data_efficient.open_images import read_open_images
from sightglass.evaluation.dataset_folders import places_of

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What was found.

    Attributes:
        datasets: Those that can be used, by name.
        remarks: A sentence for each that is absent or cannot be used, for what is not counted in
            the others, and for each that is not what the published numbers were made on.
    """

    datasets: Mapping[str, FlatHitDataset]
    remarks: tuple[str, ...]


def locate(root: Path, *, say: Say = lambda _: None) -> Located:
    """The data sets in ``root``, each in a folder named after it.

    One that is absent or damaged is a remark and ends nothing.

    Raises:
        InputError: If there is no such folder.
    """
    if not root.is_dir():
        raise InputError(
            f"Data sets: a folder is needed, '{root}' is none. Give the folder that holds them."
        )
    readers: dict[str, Callable[[Path, KnownSet], FlatHitDataset]] = {
        OPEN_IMAGES: read_open_images,
        IMAGENET_10K: read_ml_images,
        IMAGENET_21K: partial(read_imagenet_21k, root=root),
    }
    datasets: dict[str, FlatHitDataset] = {}
    remarks: list[str] = []
    for name, known in KNOWN.items():
        places = list(places_of(root, known.folders))
        if not places:
            remarks.append(f"{known.title}: absent. {known.source.wanted}")
            continue
        say(f"{known.title}: list the pictures")
        errors = []
        for place in places:
            try:
                datasets[name] = readers[name](place, known)
                break
            except (InputError, OSError) as error:
                errors.append(error)
        if name in datasets:
            remarks += _told(datasets[name], known)
        else:
            remarks.append(f"{known.title}: not used. {errors[0]}")
    return Located(datasets=datasets, remarks=tuple(remarks))


def _told(dataset: FlatHitDataset, known: KnownSet) -> list[str]:
    """What is not counted, and what is not as it was published."""
    told = list(dataset.remarks)
    if dataset.missing:
        told.append(
            f"{dataset.missing:,} listed pictures are not there; the numbers are those of the "
            f"other {dataset.n_pictures:,}."
        )
    if dataset.unlabelled:
        told.append(
            f"{dataset.unlabelled:,} pictures are left out, because no candidate is known to be "
            f"in them."
        )
    n_classes = len(dataset.candidates)
    if n_classes not in known.n_classes:
        published = " or ".join(f"{count:,}" for count in known.n_classes)
        told.append(
            f"{n_classes:,} candidates, the published protocol has {published}; its numbers "
            f"cannot be compared."
        )
    listed = dataset.n_pictures + dataset.missing + dataset.unlabelled
    if known.n_pictures is not None and listed != known.n_pictures:
        told.append(
            f"{listed:,} pictures in all, the published list has {known.n_pictures:,}; its "
            f"numbers cannot be compared."
        )
    return [f"{known.title}: {sentence}" for sentence in told]
