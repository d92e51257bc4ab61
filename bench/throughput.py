"""Pictures per second: ours, its two halves alone, decoding alone, and transformers' pipeline.

    python bench/throughput.py          # writes docs/benchmarks/throughput.md and .csv

Every round runs every row once, each time beginning with another, so that a busy spell of the
machine meets all rows alike. Ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image, features
from pictures import FOLDER, make_photos, mean_kilobytes

from sightglass.checks import usable_processors

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"
NAMES = (
    "cat",
    "dog",
    "person",
    "astronaut",
    "cup of coffee",
    "motorcycle",
    "rocket",
    "flower",
    "temple",
    "coins",
    "moon",
    "horse",
    "brick wall",
    "grass",
    "page of text",
)
OTHER_NAMES = ("animal", "vehicle", "building", "plant", "food", "stone", "sky", "paper")
TEMPLATE = "a photo of a {}"
BATCH = 32
BATCH_OF_PIPELINE = 16
FOLDS_OF_VALUES = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure.

    Attributes:
        run: Does the work once and returns the labels that it gave, or nothing.
        pictures: How many it goes through.
        before: Called first, outside the clock.
    """

    run: Callable[[], Sequence[str] | None]
    pictures: int
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row in one round; both times in seconds. ``processor`` sums over all threads."""

    wall: float
    processor: float
    pictures: int
    labels: Sequence[str] | None

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.wall


Rounds = list[dict[str, Timing]]


def measure(rows: Mapping[str, Row], *, rounds: int) -> Rounds:
    """Per round, the timing of each row; round n begins with row n."""
    names = list(rows)
    measured = []
    for number in range(rounds):
        turn = number % len(names)
        timings = {name: _timed(rows[name]) for name in names[turn:] + names[:turn]}
        measured.append(timings)
        shown = ", ".join(f"{name}: {timings[name].rate:.0f}" for name in names)
        print(f"round {number + 1} of {rounds}, pictures/s: {shown}", file=sys.stderr)
    return measured


def _timed(row: Row) -> Timing:
    row.before()
    wall, processor = time.perf_counter(), time.process_time()
    labels = row.run()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Timing(wall=wall, processor=processor, pictures=row.pictures, labels=labels)


def mini_rows(paths: Sequence[str]) -> dict[str, Row]:
    """Reading, the network, and both together with the bundled model."""
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.read_ahead import ahead, batches
    from sightglass.reading import read_picture
    from sightglass.store import open_store

    encoder = load_dual_encoder("mini")
    threads = usable_processors()

    def decode(workers: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            deque(pool.map(_decode, paths), maxlen=0)

    def read() -> None:
        function = partial(read_picture, store=open_store(None), encoder=encoder)
        deque(ahead(function, paths, threads=threads, window=3 * BATCH), maxlen=0)

    prepared = []
    for path in paths:
        with Image.open(path) as image:
            prepared.append(encoder.prepare(image.convert("RGB")))

    def forward() -> None:
        for batch in batches(prepared, BATCH):
            encoder.encode_images(batch)

    encoder.encode_images(prepared[:BATCH])
    cold, warm = FOLDER / "cold.sqlite", FOLDER / "warm.sqlite"
    _forget(warm)
    _classify(paths, encoder, NAMES, warm)
    n = len(paths)
    return {
        "decoding, 1 thread": Row(run=lambda: deque(map(_decode, paths), maxlen=0), pictures=n),
        f"decoding, {threads} threads": Row(run=lambda: decode(threads), pictures=n),
        "our reading": Row(run=read, pictures=n),
        "network": Row(run=forward, pictures=n),
        "ours": Row(
            run=lambda: _classify(paths, encoder, NAMES, cold),
            pictures=n,
            before=lambda: _forget(cold),
        ),
        "ours, known pictures": Row(
            run=lambda: _classify(paths, encoder, OTHER_NAMES, warm), pictures=n
        ),
    }
