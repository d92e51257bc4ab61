"""Classify the real photographs that come inside scikit-image and scikit-learn."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from sightglass.cli import main

NAMES = (
    "cat, dog, person, astronaut, cup of coffee, motorcycle, rocket, flower, temple, coins, moon, "
    "horse, brick wall, grass, page of text"
)
# package folder -> photographs in it
PHOTOGRAPHS = {
    "skimage/data": (
        "astronaut.png",
        "brick.png",
        "chelsea.png",
        "coffee.png",
        "coins.png",
        "grass.png",
        "moon.png",
        "motorcycle_left.png",
        "page.png",
        "rocket.jpg",
        # Not among the names above: what does the model say of things it is not asked for?
        "hubble_deep_field.jpg",
        "retina.jpg",
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}


def photographs() -> list[Path]:
    """Where the photographs lie in this Python's packages."""
    paths = []
    for folder, names in PHOTOGRAPHS.items():
        package, _, inside = folder.partition("/")
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            sys.exit(f"demo: the package {package} is needed for its photographs. Run: make demo")
        paths += [Path(spec.origin).parent / inside / name for name in names]
    return paths


def run(folder: Path) -> int:
    """Copy the photographs to ``folder/photos``, classify them, write the results to ``folder``."""
    photos = folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for path in photographs():
        shutil.copyfile(path, photos / path.name)
    arguments = ["classify", str(photos), "--classes", NAMES, "--out", str(folder)]
    return main([*arguments, "--store", str(folder / "store.sqlite")])


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))
