"""Labelled data sets from disk, in the two layouts in which people keep them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError, closest
from sightglass.evaluation.image_folder import read_image_folder
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.parquet import find_shards, read_parquet

__all__ = ["LabelledPictures", "class_labels", "first_synonym", "load_dataset"]


def load_dataset(path: str | Path, *, split: str | None = None) -> LabelledPictures:
    """The labelled pictures at ``path``; which layout it is shows by itself.

    Args:
        path: A parquet file; or a folder with parquet shards; or a folder with one folder of
            pictures per class. All as model hubs and torchvision lay them out.
        split: Which split's shards to take, e.g. ``"test"``, where a folder holds several.

    Raises:
        InputError: If there is nothing at ``path``, or it is no labelled data set.
        MissingExtraError: If it is parquet and the extra ``eval`` is not installed.
    """
    place = Path(path)
    if place.is_file():
        return read_parquet((place,))
    if not place.is_dir():
        siblings = place.parent.iterdir() if place.parent.is_dir() else ()
        near = closest(place.name, sorted(sibling.name for sibling in siblings))
        hint = f"Did you mean '{place.parent / near}'?" if near else "Check the path."
        raise InputError(f"Data set: a file or folder is needed, '{place}' does not exist. {hint}")
    shards = find_shards(place, split=split)
    if shards:
        return read_parquet(shards)
    if split is not None:
        place = place / split
        if not place.is_dir():
            raise InputError(
                f"Data set: '{place.parent}' has neither parquet shards nor a folder of the split "
                f"'{split}'. Leave the split out, or give its folder."
            )
    return read_image_folder(place)


def first_synonym(name: str) -> str:
    """The first of a WordNet-style list: "goldfish, Carassius auratus" becomes "goldfish".

    ImageNet and its relatives name a class by all lemmas of its synset, the most usual one first,
    separated by commas. A name without comma stays as it is.
    """
    return name.split(",", maxsplit=1)[0].strip()


def class_labels(class_names: Sequence[str]) -> list[str]:
    """One distinct name per class of a data set: its first synonym.

    Where two classes share it (ImageNet has two maillots and two cranes), all their synonyms are
    kept; where even these are the same, a number tells them apart.
    """
    firsts = Counter(first_synonym(name).casefold() for name in class_names)
    seen: Counter[str] = Counter()
    labels = []
    for name in class_names:
        first = first_synonym(name)
        label = first if firsts[first.casefold()] == 1 else name
        seen[label.casefold()] += 1
        count = seen[label.casefold()]
        labels.append(label if count == 1 else f"{label} ({count})")
    return labels
