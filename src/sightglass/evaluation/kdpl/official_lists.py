"""Four data sets by the lists of their own authors, where there is no prepared split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import inner_file, inner_folder, stays_inside
from sightglass.evaluation.kdpl.dataset import KdplDataset, Listed
from sightglass.evaluation.kdpl.folders import check_present, picture_folder
from sightglass.evaluation.kdpl.known import KnownDataset
from sightglass.inputs.labels import clean_name
from sightglass.inputs.line_files import read_line_file

# Path and class name of each picture.
_Named = list[tuple[str, str]]
_SHOWN = 60


def read_official_lists(place: Path, known: KnownDataset) -> KdplDataset | None:
    """The data set as its authors divide it, or None where these lists are not in ``place``.

    These are not the splits of the published numbers (FGVCAircraft's are).

    Raises:
        InputError: If a list says something that cannot be, or lists pictures that are not there.
    """
    reader = _READERS.get(known.source.name)
    return None if reader is None else reader(place, known)


def _pets(place: Path, known: KnownDataset) -> KdplDataset | None:
    """``Abyssinian_100 1 1 1``: file without suffix, then the class from 1; breed in lower case."""
    files = _both(inner_folder(place, ("annotations",)), "trainval.txt", "test.txt")
    if files is None:
        return None
    places: dict[str, int] = {}

    def read(file: Path) -> _Named:
        named = []
        for line in _lines(file, known):
            stem, _, rest = line.partition(" ")
            number = rest.partition(" ")[0]
            breed = clean_name(stem.rpartition("_")[0].lower())
            if (
                not breed
                or not number.isdecimal()
                or places.setdefault(breed, int(number)) != int(number)
            ):
                raise _senseless(file, line, "a picture's name with its breed, and its class")
            named.append((f"{stem}.jpg", breed))
        return named

    parts = [read(file) for file in files]
    return _dataset(place, known, files, parts, sorted(places, key=places.__getitem__))


def _food(place: Path, known: KnownDataset) -> KdplDataset | None:
    """``apple_pie/1005649``: class and file without suffix."""
    files = _both(inner_folder(place, ("meta",)), "train.txt", "test.txt")
    return None if files is None else _by_folder(place, known, files, suffix=".jpg")


def _textures(place: Path, known: KnownDataset) -> KdplDataset | None:
    """``banded/banded_0002.jpg``: the first of the ten divisions."""
    files = _both(inner_folder(place, ("labels",)), "train1.txt", "test1.txt")
    return None if files is None else _by_folder(place, known, files, suffix="")


def _aircraft(place: Path, known: KnownDataset) -> KdplDataset | None:
    """``1025794 707-320``: file without suffix, then the variant; classes as in variants.txt."""
    files = _both(place, "images_variant_train.txt", "images_variant_test.txt")
    order = inner_file(place, "variants.txt")
    if files is None or order is None:
        return None
    variants = [clean_name(line) for line in _lines(order, known)]

    def read(file: Path) -> _Named:
        named = []
        for line in _lines(file, known):
            stem, _, variant = line.partition(" ")
            if clean_name(variant) not in variants:
                raise _senseless(file, line, "a picture's number and a variant of variants.txt")
            named.append((f"{stem}.jpg", clean_name(variant)))
        return named

    return _dataset(place, known, files, [read(file) for file in files], variants)


_READERS: Mapping[str, Callable[[Path, KnownDataset], KdplDataset | None]] = {
    "oxford_pets": _pets,
    "food101": _food,
    "dtd": _textures,
    "fgvc_aircraft": _aircraft,
}


def _by_folder(
    place: Path, known: KnownDataset, files: tuple[Path, Path], *, suffix: str
) -> KdplDataset:
    """Classes are the folders that the lists name, in ascending order."""

    def read(file: Path) -> _Named:
        named = []
        for line in _lines(file, known):
            folder, _, rest = line.partition("/")
            if not rest or not clean_name(folder):
                raise _senseless(file, line, "a class, a slash and a picture")
            named.append((line + suffix, clean_name(folder)))
        return named

    parts = [read(file) for file in files]
    return _dataset(
        place, known, files, parts, sorted({name for part in parts for _, name in part})
    )


def _dataset(
    place: Path,
    known: KnownDataset,
    files: tuple[Path, Path],
    parts: list[_Named],
    names: list[str],
) -> KdplDataset:
    index = {name: at for at, name in enumerate(names)}
    folder = picture_folder(place, known)
    listed: list[Listed] = []
    for file, part in zip(files, parts, strict=True):
        for path, _ in part:
            if not stays_inside(path):
                raise _senseless(file, path, "a picture in the data set's folder")
        listed.append(tuple((path, index[name]) for path, name in part))
        check_present(folder, listed[-1], by=file)
    return KdplDataset(
        name=known.source.name,
        class_names=tuple(names),
        template=known.template,
        folder=str(folder),
        train=listed[0],
        test=listed[1],
    )


def _both(folder: Path | None, train: str, test: str) -> tuple[Path, Path] | None:
    if folder is None:
        return None
    first, second = inner_file(folder, train), inner_file(folder, test)
    return None if first is None or second is None else (first, second)


def _lines(file: Path, known: KnownDataset) -> tuple[str, ...]:
    return read_line_file(file, where=known.title)


def _senseless(file: Path, line: str, wanted: str) -> InputError:
    return InputError(
        f"{file}: {wanted} is needed on every line, got '{line[:_SHOWN]}'. Get the file anew."
    )
