"""ImageNet 10K: the ImageNet part of Tencent ML-Images, with each picture's class and ancestors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sightglass.evaluation.data_efficient.dataset import FlatHitDataset, Labelled
from sightglass.evaluation.data_efficient.known import KnownSet
from sightglass.evaluation.data_efficient.lemmas import any_of
from sightglass.evaluation.data_efficient.official_lines import bad_line, first_file, numbered_lines
from sightglass.evaluation.dataset_folders import stays_inside

_DICTIONARIES = ("dictionary_and_semantic_hierarchy.txt", "tencent_classes.txt")
_LISTS = ("tencent_val_image_id_from_imagenet.txt", "val_im_list.txt", "val_urls.txt")
# Older versions have no first column, and the first line of the newest has spaces for a tab.
_CATEGORY = re.compile(r"(?:(\d+)\s+)?(\S+)\s+(-?\d+)\s+(\S.*)")
_HEADING = "category_index"
_LABEL = re.compile(r"(\d+)(?::(\d+(?:\.\d+)?))?")
_IMAGES = "images"


def read_ml_images(place: Path, known: KnownSet) -> FlatHitDataset:
    """The listed pictures in ``place``; candidates are all categories of the dictionary.

    A line of the list is a picture, perhaps its address, then ``index:confidence`` or just
    ``index`` for each of its categories. Every category that is listed with a confidence above 0
    counts.

    Raises:
        InputError: If a file is absent, or says something that cannot be.
    """
    candidates = _categories(first_file(place, _DICTIONARIES, known.source))
    pictures: list[Labelled] = []
    missing = unlabelled = 0
    for listed, labels in _listed(
        first_file(place, _LISTS, known.source), n_classes=len(candidates)
    ):
        path = next((one for one in _spellings(listed) if (place / one).is_file()), None)
        if path is None:
            missing += 1
        elif not labels:
            unlabelled += 1
        else:
            pictures.append((path, labels))
    return FlatHitDataset(
        name=known.name,
        folder=str(place),
        candidates=candidates,
        pictures=lambda: iter(pictures),
        n_pictures=len(pictures),
        missing=missing,
        unlabelled=unlabelled,
    )


def _categories(path: Path) -> tuple[str, ...]:
    """A name for each category index; names that stand twice stay."""
    names: list[str] = []
    for number, line in numbered_lines(path):
        if not line or (number == 1 and line.startswith(_HEADING)):
            continue
        found = _CATEGORY.fullmatch(line)
        name = any_of(found[4]) if found else ""
        if found is None or not name or int(found[1] or len(names)) != len(names):
            wanted = f"category {len(names)} with its id, its parent and its names"
            raise bad_line(path, number, wanted, line)
        names.append(name)
    return tuple(names)


def _listed(path: Path, *, n_classes: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What each line calls the picture, and its category indices."""
    for number, line in numbered_lines(path):
        if not line:
            continue
        picture, *fields = line.split()
        if fields and "://" in fields[0]:
            fields = fields[1:]
        found = [_LABEL.fullmatch(field) for field in fields]
        labels = {int(one[1]) for one in found if one and float(one[2] or 1) > 0}
        inside = "://" in picture or stays_inside(picture)
        if None in found or not inside or not all(label < n_classes for label in labels):
            wanted = f"a picture and its categories below {n_classes:,}, as 12:1 or 12,"
            raise bad_line(path, number, wanted, line)
        yield picture, tuple(sorted(labels))


def _spellings(listed: str) -> Iterator[str]:
    """Where a listed picture may lie, as the downloaders of its authors and others put it."""
    parts = listed.split("/")
    if "://" not in listed:
        yield listed
        yield f"{_IMAGES}/{listed}"
    yield f"{_IMAGES}/{parts[-1]}"
    yield f"{_IMAGES}/{'_'.join(parts[-2:])}"
