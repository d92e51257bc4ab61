"""Small versions of ImageNet, its variants and the ten data sets, in the layouts people have.

A test picture's name says how it is answered by ``planned_learner``: ``L2-0.beta.alpha`` needs a
skill of 2, looks like beta where that may be answered, and is an alpha; 0 is its number.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

# Not in the order of the ids, in which classes are counted.
SYNSETS = {
    "n04254680": "soccer ball",
    "n01440764": "tench",
    "n02085620": "Chihuahua",
    "n01443537": "goldfish",
    "n01484850": "great white shark",
}
NAMES = ("alpha", "beta", "gamma_ray", "delta", "epsilon")
LEVELS = (1, 2, 3, 4)
TRAIN = 3
# Folder, folder of the pictures, prepared split.
PREPARED = {
    "caltech101": ("caltech-101", "101_ObjectCategories", "split_zhou_Caltech101.json"),
    "oxford_pets": ("oxford_pets", "images", "split_zhou_OxfordPets.json"),
    "stanford_cars": ("stanford_cars", ".", "split_zhou_StanfordCars.json"),
    "oxford_flowers": ("oxford_flowers", "jpg", "split_zhou_OxfordFlowers.json"),
    "food101": ("food-101", "images", "split_zhou_Food101.json"),
    "sun397": ("sun397", "SUN397", "split_zhou_SUN397.json"),
    "dtd": ("dtd", "images", "split_zhou_DescribableTextures.json"),
    "eurosat": ("eurosat", "2750", "split_zhou_EuroSAT.json"),
    "ucf101": ("ucf101", "UCF-101-midframes", "split_zhou_UCF101.json"),
}


def _encoded(form: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, form)
    return stream.getvalue()


_BYTES = {".png": _encoded("PNG"), ".jpg": _encoded("JPEG"), ".JPEG": _encoded("JPEG")}


def put_picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_BYTES[path.suffix])
    return path


def stems(levels: Sequence[int], *names: str) -> list[str]:
    """Names that the planned learner reads, one for each level; the true class comes last."""
    return [_stem(level, number, names) for number, level in enumerate(levels)]


def _stem(level: int, number: int, names: Sequence[str]) -> str:
    return ".".join(
        [f"L{level}-{number}", *(name.replace("_", " ").replace(" ", "+") for name in names)]
    )


def write_prepared(
    root: Path,
    dataset: str,
    *,
    names: Sequence[str] = NAMES,
    levels: Sequence[int] = LEVELS,
    looks_like: Mapping[str, str] | None = None,
    train: int = TRAIN,
) -> Path:
    """Pictures and the split; ``looks_like`` says which class a class is first taken for."""
    folder, pictures, split_name = PREPARED[dataset]
    split: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    for label, name in enumerate(names):
        seen = [*filter(None, [(looks_like or {}).get(name)]), name]
        files = {
            "train": [f"train_{number}" for number in range(train)],
            "val": ["val_0"],
            "test": stems(levels, *seen),
        }
        for part, of_part in files.items():
            for one in of_part:
                path = f"{name}/{one}.jpg"
                put_picture(root / folder / pictures / path)
                split[part].append([path, label, name])
    (root / folder / split_name).write_text(json.dumps(split))
    return root / folder


def write_aircraft(root: Path, *, inner: str = ".", names: Sequence[str] = NAMES) -> Path:
    """As its authors publish it: numbers for names, variants in an order of their own."""
    place = root / "fgvc_aircraft" / inner
    variants = [name.replace("_", " ") for name in names]
    lines: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for variant in variants:
        for part, of_part in lines.items():
            for one in stems(LEVELS, variant) if part == "test" else ["a", "b"]:
                file = one if part == "test" else f"{part}{variant.replace(' ', '')}{one}"
                put_picture(place / "images" / f"{file}.jpg")
                of_part.append(f"{file} {variant}")
    (place / "variants.txt").write_text("".join(f"{one}\n" for one in variants))
    for part, of_part in lines.items():
        (place / f"images_variant_{part}.txt").write_text("".join(f"{one}\n" for one in of_part))
    return place


def write_imagenet(
    root: Path,
    *,
    inner: str = "images",
    synsets: Mapping[str, str] = SYNSETS,
    levels: Sequence[int] = LEVELS,
    train: int = TRAIN,
) -> Path:
    """Folders by WordNet id, and the prepared list of names."""
    place = root / "imagenet"
    for wordnet_id, name in synsets.items():
        for number in range(train):
            put_picture(place / inner / "train" / wordnet_id / f"{wordnet_id}_{number}.JPEG")
        for one in stems(levels, name):
            put_picture(place / inner / "val" / wordnet_id / f"{one}.JPEG")
    lines = [f"{wordnet_id} {name}\n" for wordnet_id, name in synsets.items()]
    (place / "classnames.txt").write_text("".join(lines))
    return place


def write_by_id(
    folder: Path,
    ids: Sequence[str],
    *,
    levels: Sequence[int] = LEVELS,
    looks_like: str | None = None,
) -> Path:
    """A set of shifted pictures; ``looks_like`` is what all of them are first taken for."""
    for wordnet_id in ids:
        seen = [*filter(None, [looks_like]), SYNSETS[wordnet_id]]
        for one in stems(levels, *seen):
            put_picture(folder / wordnet_id / f"{one}.jpg")
    return folder


def write_v2(
    root: Path,
    names: Sequence[str] = tuple(SYNSETS[one] for one in sorted(SYNSETS)),
    levels: Sequence[int] = LEVELS,
) -> Path:
    """Folders by number."""
    folder = root / "imagenetv2" / "imagenetv2-matched-frequency-format-val"
    for number, name in enumerate(names):
        for one in stems(levels, name):
            put_picture(folder / str(number) / f"{one}.jpg")
    return folder


def write_world(root: Path) -> Path:
    """All fifteen. The shifted sets differ in how hard they are."""
    ids = sorted(SYNSETS)
    write_imagenet(root)
    write_v2(root, levels=(1, 3, 3, 3))
    write_by_id(root / "imagenet-sketch" / "images", ids, levels=(3, 4))
    # Taken for a soccer ball wherever that is a candidate: it is none of their own classes.
    write_by_id(root / "imagenet-adversarial" / "imagenet-a", ids[:2], looks_like=SYNSETS[ids[4]])
    write_by_id(root / "imagenet-rendition" / "imagenet-r", ids[1:4], levels=(1, 2))
    for number, dataset in enumerate(PREPARED):
        write_prepared(root, dataset, levels=LEVELS if number % 2 else (1, 2, 3, 3))
    write_aircraft(root)
    return root
