"""ImageNet and the four sets with shifted pictures: folders by WordNet id, names from a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import (
    inner_file,
    inner_folder,
    subfolders,
    wordnet_folders,
)
from sightglass.evaluation.datasets import class_labels
from sightglass.evaluation.kdpl.dataset import KdplDataset, Listed
from sightglass.evaluation.kdpl.folders import picture_folder, pictures_in
from sightglass.evaluation.kdpl.known import KnownDataset
from sightglass.inputs.labels import clean_name
from sightglass.inputs.line_files import read_line_file

_NAMES, _KAGGLE_NAMES = "classnames.txt", "LOC_synset_mapping.txt"

ByWordnetId = Mapping[str, str]


def read_imagenet(place: Path, known: KnownDataset) -> tuple[KdplDataset, ByWordnetId]:
    """ImageNet with the validation pictures to test on, and the name of every WordNet id.

    Classes are in ascending order of their ids, and those of the folder ``train``.

    Raises:
        InputError: If ``train``, ``val`` or the names are not there, or do not fit together.
    """
    base = _base(place, known)
    ids = wordnet_folders(base / "train")
    names = _names(place, base, known)
    _check_named(ids, names, known)
    unlearnt = sorted(set(wordnet_folders(base / "val")) - set(ids))
    if unlearnt:
        raise InputError(
            f"{known.title}: every class of '{base / 'val'}' is needed in '{base / 'train'}', "
            f"{unlearnt[0]} is not there. Complete the folder."
        )
    dataset = KdplDataset(
        name=known.source.name,
        class_names=tuple(names[one] for one in ids),
        template=known.template,
        folder=str(base),
        train=_by_id(base / "train", ids, below="train/"),
        test=_by_id(base / "val", ids, below="val/"),
    )
    return dataset, names


def read_shifted(
    place: Path, known: KnownDataset, *, imagenet: KdplDataset, names: ByWordnetId
) -> KdplDataset:
    """One of the four targets: a test list only.

    V2 and Sketch are scored over all classes of ImageNet; A and R over those that they have.

    Raises:
        InputError: If its folders are not those of ImageNet's classes.
    """
    folder = picture_folder(place, known)
    if known.source.name == "imagenet_v2":
        class_names, test = imagenet.class_names, _by_number(folder, known, imagenet)
    else:
        ids = wordnet_folders(folder)
        if not ids:
            raise InputError(
                f"{known.title}: folders named by WordNet ids are needed in '{folder}', found "
                f"none. {known.source.wanted}"
            )
        _check_named(ids, names, known)
        scored = ids if known.source.name in {"imagenet_a", "imagenet_r"} else _ids_of(imagenet)
        strange = sorted(set(ids) - set(scored))
        if strange:
            raise InputError(
                f"{known.title}: every folder of '{folder}' must be a class of ImageNet's training "
                f"pictures, {strange[0]} is none. Complete ImageNet's folder."
            )
        class_names = tuple(names[one] for one in scored)
        test = _by_id(folder, scored, below="")
    return KdplDataset(
        name=known.source.name,
        class_names=class_names,
        template=known.template,
        folder=str(folder),
        train=(),
        test=test,
    )


def _base(place: Path, known: KnownDataset) -> Path:
    """The folder that holds train and val, each sorted by WordNet id."""
    for name in known.pictures:
        base = inner_folder(place, (name,))
        if base is not None and all((base / part).is_dir() for part in ("train", "val")):
            for part in ("train", "val"):
                if not wordnet_folders(base / part):
                    raise InputError(
                        f"{known.title}: one folder per WordNet id is needed in '{base / part}', "
                        f"found none. Sort its pictures into folders by class."
                    )
            return base
    raise InputError(
        f"{known.title}: '{place}' needs the folders train and val, itself or in 'images'. "
        f"{known.source.wanted}"
    )


def _names(place: Path, base: Path, known: KnownDataset) -> dict[str, str]:
    """WordNet id to name, as the prepared list spells it; of a Kaggle list the first synonym."""
    for file in (_NAMES, _KAGGLE_NAMES):
        for folder in (place, base):
            path = inner_file(folder, file)
            if path is None:
                continue
            lines = [line.partition(" ") for line in read_line_file(path, where=known.title)]
            names = [rest for _, _, rest in lines]
            if file == _KAGGLE_NAMES:
                names = class_labels(names)
            return {one[0]: clean_name(name) for one, name in zip(lines, names, strict=True)}
    raise InputError(
        f"{known.title}: '{place}' needs {_NAMES} or {_KAGGLE_NAMES}, which say what the WordNet "
        f"ids mean; it has neither. {known.source.wanted}"
    )


def _check_named(ids: Sequence[str], names: ByWordnetId, known: KnownDataset) -> None:
    nameless = [one for one in ids if not names.get(one)]
    if nameless:
        raise InputError(
            f"{known.title}: every WordNet id needs a name in ImageNet's list, {nameless[0]} has "
            f"none. Complete the list."
        )


def _by_id(folder: Path, ids: Sequence[str], *, below: str) -> Listed:
    """Pictures of every id; a folder that is not there has none."""
    return tuple(
        one
        for label, wordnet_id in enumerate(ids)
        if (folder / wordnet_id).is_dir()
        for one in pictures_in(folder / wordnet_id, label=label, below=f"{below}{wordnet_id}")
    )


def _ids_of(imagenet: KdplDataset) -> list[str]:
    return wordnet_folders(Path(imagenet.folder) / "train")


def _by_number(folder: Path, known: KnownDataset, imagenet: KdplDataset) -> Listed:
    """Folders ``0`` to ``999``: places of the classes in ascending order of their WordNet ids."""
    n_classes = len(imagenet.class_names)
    found: list[tuple[str, int]] = []
    numbers = [one.name for one in subfolders(folder) if one.name.isdecimal()]
    for name in sorted(numbers, key=int):
        if int(name) >= n_classes:
            raise InputError(
                f"{known.title}: the folders of '{folder}' must be below {n_classes}, the number "
                f"of ImageNet's classes, got '{name}'. Complete ImageNet's folder."
            )
        found += pictures_in(folder / name, label=int(name), below=name)
    return tuple(found)
