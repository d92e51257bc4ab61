"""What the benchmarks run on: pictures, a model of random weights, and this machine in words.

    python bench/pictures.py            # 2,000 pictures of about 500 x 375 into .bench/pictures

The pictures are JPEG crops of the photographs inside scikit-image and scikit-learn. Which one,
which part, what size and whether mirrored follow from the picture's number alone, so the same
Pillow makes the same bytes every time.
"""

from __future__ import annotations

import functools
import json
import math
import platform
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image, features

FOLDER = Path(__file__).parents[1] / ".bench"
QUALITY = 90  # Pillow's scale; cameras and web sites lie around it
SEED = 20240521
# With CLIP's own initialisation every picture gives nearly the same row and the same few classes
# win. Stronger attention values in the image tower spread the rows out, as training does.
VALUE_GAIN = 8.0

# package folder -> photographs in it; the drawings and test patterns there compress too well
PHOTOGRAPHS = {
    "skimage/data": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "chelsea.png",
        "coffee.png",
        "coins.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "moon.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "retina.jpg",
        "rocket.jpg",
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}


def make_photos(n: int, folder: Path = FOLDER / "pictures") -> list[Path]:
    """``n`` distinct JPEGs of about 500 x 375 pixels, every fourth upright; made where absent."""
    return _make(n, folder, _photo)


def make_small(n: int, folder: Path = FOLDER / "small") -> list[Path]:
    """``n`` distinct JPEGs of 96 x 72 pixels, for where only their number matters."""
    return _make(n, folder, _small)


def photograph(number: int) -> Image.Image:
    """One of the whole photographs; they repeat."""
    photographs = _photographs()
    return photographs[number % len(photographs)]


def mean_kilobytes(paths: Sequence[Path]) -> float:
    """Mean size of the files, in units of 1,000 bytes."""
    return sum(path.stat().st_size for path in paths) / len(paths) / 1000


def make_checkpoint(texts: Sequence[str], folder: Path = FOLDER / "clip-b32") -> Path:
    """A CLIP checkpoint in transformers' format: ViT-B/32's sizes, random weights, fixed seed.

    Args:
        texts: The tokenizer learns its word pieces from these, so that they come out as short as
            with the published vocabulary.
        folder: Where it lies; made where absent.
    """
    if (folder / "tokenizer.json").exists():
        return folder
    import torch
    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    torch.manual_seed(SEED)
    # The defaults are ViT-B/32's; the logit scale is the one that CLIP ends its training with.
    model = CLIPModel(CLIPConfig(logit_scale_init_value=math.log(100)))
    with torch.no_grad():
        for layer in model.vision_model.encoder.layers:
            layer.self_attn.v_proj.weight.mul_(VALUE_GAIN)
    model.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    _tokenizer(texts).save_pretrained(folder)
    return folder


def machine(*packages: str) -> str:
    """Processor, system and versions, as lines of a list; nothing that names this computer."""
    from sightglass.checks import usable_processors

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    versions = ", ".join(f"{package} {_version(package)}" for package in packages)
    return (
        f"- {processor}, {usable_processors()} processors usable\n"
        f"- {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"{versions}\n"
        f"- libjpeg-turbo {features.version('libjpeg_turbo')} in Pillow\n"
        f"- {datetime.now(UTC):%Y-%m-%d}\n"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _tokenizer(texts: Sequence[str]) -> Any:
    """CLIP's kind of tokenizer, with its two special tokens where the model expects them."""
    from tokenizers import pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        # Every word can then be spelled, also one that these texts do not have.
        special_tokens=[f"{letter}</w>" for letter in sorted(letters)],
        show_progress=False,
    )
    learner = CLIPTokenizer().backend_tokenizer
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    vocabulary = {**learned["vocab"], "<|startoftext|>": 49406, "<|endoftext|>": 49407}
    return CLIPTokenizer(vocab=vocabulary, merges=[tuple(pair) for pair in learned["merges"]])


def _make(n: int, folder: Path, picture: Callable[[int], Image.Image]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.jpg" for number in range(n)]
    for number, path in enumerate(paths):
        if not path.exists():
            part = path.with_suffix(".part")
            picture(number).save(part, "JPEG", quality=QUALITY)
            part.replace(path)
    return paths


def _photo(number: int) -> Image.Image:
    draw = random.Random(number)
    width = draw.randint(470, 530)
    size = (width, round(width * draw.uniform(0.70, 0.80)))
    return _crop(number, size[::-1] if number % 4 == 3 else size, draw)


def _small(number: int) -> Image.Image:
    return _crop(number, (96, 72), random.Random(number))


def _crop(number: int, size: tuple[int, int], draw: random.Random) -> Image.Image:
    """A part of a photograph, 60 to 100 % of what fits, at ``size`` (width, height)."""
    photographs = _photographs()
    whole = photographs[number % len(photographs)]
    share = draw.uniform(0.6, 1.0) * min(whole.width / size[0], whole.height / size[1])
    width, height = size[0] * share, size[1] * share
    left = draw.uniform(0, whole.width - width)
    top = draw.uniform(0, whole.height - height)
    part = whole.resize(size, box=(left, top, left + width, top + height))
    mirrored = draw.random() < 0.5
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else part


@functools.cache
def _photographs() -> list[Image.Image]:
    pictures = []
    for folder, names in PHOTOGRAPHS.items():
        package, _, inside = folder.partition("/")
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            sys.exit(f"bench: the package {package} is needed for its photographs. Run: make demo")
        for name in names:
            with Image.open(Path(spec.origin).parent / inside / name) as picture:
                pictures.append(picture.convert("RGB"))
    return pictures


if __name__ == "__main__":
    made = make_photos(2000)
    print(f"{len(made):,} pictures of {mean_kilobytes(made):.0f} kB on average in {made[0].parent}")
