"""Prepared splits: ``{"train": [[path, class index, class name], …], "val": …, "test": …}``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import stays_inside
from sightglass.evaluation.kdpl.dataset import KdplDataset, Listed
from sightglass.evaluation.kdpl.folders import check_present, picture_folder
from sightglass.evaluation.kdpl.known import KnownDataset
from sightglass.inputs.labels import clean_name

_ENTRY = 3
_SHOWN = 80


def read_split_file(path: Path, known: KnownDataset) -> KdplDataset:
    """The data set as its prepared split divides it; ``val`` is left out.

    Classes are in ascending order of their indices.

    Raises:
        InputError: If the file cannot be read, says something that cannot be, names a path that
            leaves the folder of the pictures, or lists pictures that are not there.
    """
    content = _content(path)
    names: dict[int, str] = {}
    parts = [_part(content, name, names, path) for name in ("train", "test")]
    place = {old: new for new, old in enumerate(sorted(names))}
    train, test = (tuple((file, place[old]) for file, old in part) for part in parts)
    folder = picture_folder(path.parent, known)
    check_present(folder, train + test, by=path)
    return KdplDataset(
        name=known.source.name,
        class_names=tuple(names[old] for old in sorted(names)),
        template=known.template,
        folder=str(folder),
        train=train,
        test=test,
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: the split cannot be read ({error.strerror or error}). Check its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: a JSON file is needed, this is none. Get it anew.") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: an object with the lists 'train' and 'test' is needed, got "
            f"{type(content).__name__}. Get it anew."
        )
    return content


def _part(content: dict[str, Any], part: str, names: dict[int, str], path: Path) -> Listed:
    """Path and class index of each entry; what the classes are called goes into ``names``."""
    entries = content.get(part)
    if not isinstance(entries, list) or not entries:
        raise InputError(
            f"{path}: a list '{part}' with [path, class index, class name] for each picture is "
            f"needed, has none. Get it anew."
        )
    listed = []
    for number, entry in enumerate(entries, start=1):
        if not _is_entry(entry):
            raise InputError(
                f"{path}: entry {number} of '{part}' must be [path, class index, class name], got "
                f"{json.dumps(entry)[:_SHOWN]}. Get it anew."
            )
        file, label, name = entry[0], entry[1], clean_name(entry[2])
        if not stays_inside(file):
            raise InputError(
                f"{path}: entry {number} of '{part}' must name a picture in the data set's folder, "
                f"got '{file[:_SHOWN]}'. Use a path that stays there."
            )
        if names.setdefault(label, name) != name:
            raise InputError(
                f"{path}: class {label} must have one name, entry {number} of '{part}' calls it "
                f"'{name}' and an earlier one '{names[label]}'. Get it anew."
            )
        listed.append((file, label))
    return tuple(listed)


def _is_entry(entry: object) -> bool:
    """Whether this is a path, an index and a name."""
    if not isinstance(entry, list) or len(entry) != _ENTRY:
        return False
    file, label, name = entry
    if not isinstance(file, str) or not isinstance(name, str) or not clean_name(name):
        return False
    return type(label) is int and label >= 0
