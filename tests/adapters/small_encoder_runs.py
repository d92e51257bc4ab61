"""Training runs of encoders that take a second: data, recipes, and what begins a course."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from pair_layouts import encoded, write_parquet
from sightglass.distillation.encoder.course import EncoderCourse
from sightglass.distillation.encoder.ready import Ready, make_ready
from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.distillation.pairs.ledger import Ledger
from sightglass.distillation.parallel.processes import Processes
from sightglass.store import open_store

SIDE, ROWS, BATCH, STEPS = 32, 17, 6, 3
CLASSES = ("cat", "dog", "red train")
_WORDS = ("cat", "dog", "red", "train", "two", "run", "in", "the", "snow")
CAPTIONS = tuple(
    f"a photo of {_WORDS[number % 9]} {_WORDS[(number * 5 + number // 9) % 9]} {_WORDS[number % 4]}"
    for number in range(ROWS)
)
LABELS = tuple(number % 3 for number in range(ROWS))
WITHOUT_CAPTION, WITHOUT_LABEL = (4, 11), (2, 7)
# The whole picture as it is: what a course sees can be said without its own views.
WHOLE = {"area": [1, 1], "aspect": 0, "flip": False}
SMALL_IMAGE = {"kind": "convolutional", "size": SIDE, "stages": [[8, 2, 1, 1], [12, 2, 1, 1]]}
SMALL_TEXT = {"kind": "word_table", "width": 16, "hidden": 24, "length": 12}


def pixels(number: int) -> np.ndarray:
    """Picture ``number``: (32, 32, 3) uint8, smooth, unlike the others."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def png(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels(number)).save(stream, "PNG")
    return stream.getvalue()


def write_data(
    path: Path,
    *,
    rows: int = ROWS,
    gaps: bool = False,
    without_label: Collection[int] = WITHOUT_LABEL,
    bad: Collection[int] = (),
) -> Path:
    """Pictures, a caption and a label each; ``gaps`` leaves some without one of the two."""
    captions = [
        None if gaps and number in WITHOUT_CAPTION else CAPTIONS[number] for number in range(rows)
    ]
    labels = [
        None if gaps and number in without_label else LABELS[number] for number in range(rows)
    ]
    pictures = [b"no picture" if number in bad else png(number) for number in range(rows)]
    columns = {"image": encoded(pictures), "caption": captions, "label": pa.array(labels)}
    return write_parquet(path, columns, names={"label": CLASSES})


def recipe(
    data: Path,
    losses: Mapping[str, Any] | None = None,
    *,
    student: Mapping[str, Any] | None = None,
    phases: list[dict[str, Any]] | None = None,
    optimiser: Mapping[str, Any] | None = None,
    **more: Any,
) -> Recipe:
    """Three steps of six pictures, unless ``phases`` or ``more`` say otherwise."""
    one = {"name": "only", "pictures": BATCH * STEPS, "losses": dict(losses or {"contrastive": {}})}
    content = {
        "data": [{"path": str(data)}],
        "student": {"dim": 16, "image": SMALL_IMAGE, "text": SMALL_TEXT, **(student or {})},
        "phases": [one] if phases is None else phases,
        "optimiser": {"warmup_steps": 1, **(optimiser or {})},
        "view": WHOLE,
        "batch_size": BATCH,
    }
    return recipe_of(content | more, where="a test")


def begin(
    asked: Recipe,
    folder: Path,
    *,
    processes: Processes | None = None,
    ledger: Ledger | None = None,
) -> tuple[Ready, EncoderCourse]:
    """A run's parts, as ``distil_encoder`` puts them together."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(folder / "store.sqlite")
    ready = make_ready(asked, store, out=None, device=torch.device("cpu"))
    course = EncoderCourse(
        asked,
        ready.student,
        ready.mix,
        ready.teaching,
        ready.names,
        processes=processes or Processes.alone(),
        ledger=ledger or Ledger(),
    )
    return ready, course


def rows_by_step(ready: Ready, seed: int, *, steps: int = STEPS) -> list[list[int]]:
    """Which rows of the only source each step is about."""
    mix, places = ready.mix, ready.mix.places(ready.mix.start())
    drawn = [next(places) for _ in range(steps * BATCH)]
    rows = [int(mix.order(seed, place.source, place.turn)[place.at]) for place in drawn]
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
