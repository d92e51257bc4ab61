"""Pictures per second: ours, its two halves alone, decoding alone, and transformers' pipeline.

    python bench/throughput.py          # writes docs/benchmarks/throughput.md and .csv

Every round runs every row once, beginning with another, so that a busy spell of the machine meets
all rows alike. Ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

from pictures import FOLDER, machine, make_checkpoint, make_photos, mean_kilobytes
from sightglass import ZeroShotClassifier
from sightglass.checks import usable_processors
from tables import PAGES, markdown, spread, write_csv

CLASSES = (
    "cat,dog,person,astronaut,cup of coffee,motorcycle,rocket,flower,temple,coins,moon,horse,"
    "brick wall,grass,page of text"
)
NAMES = CLASSES.split(",")
OTHER_NAMES = ("animal", "vehicle", "building", "plant", "food", "stone", "sky", "paper")
TEMPLATE = "a photo of a {}"
BATCH, BATCH_OF_PIPELINE = 32, 16

DECODE = "Pillow decodes, 1 thread"
DECODE_IN_THREADS = f"Pillow decodes, {usable_processors()} threads"
READ = "our reading alone"
NETWORK = "mini's network alone"
OURS = "ours, mini"
OURS_KNOWN = "ours, mini, pictures known, other names"
PIPELINE = "pipeline, picture by picture"
PIPELINE_BATCHED = f"pipeline, batch_size={BATCH_OF_PIPELINE}"
# The most that reading and the network can do together when both need every processor.
BOTH = "our reading, then mini's network"
OURS_AUTO = "ours, precision chosen"
OURS_FP32 = "ours, fp32"

exhaust = partial(deque[object], maxlen=0)

# The best class of each picture, and by how much its probability exceeds the second's.
Answers = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to measure: ``run``, and what to do ``before`` it outside the clock."""

    run: Callable[[], Answers | None]
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One row in one round.

    Attributes:
        wall: Seconds that passed.
        processor: Seconds of processor time, all threads together.
        answers: What ``Row.run`` gave.
    """

    pictures: int
    wall: float
    processor: float
    answers: Answers | None

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.wall


Rounds = Sequence[Mapping[str, Timing]]


def measure(rows: Mapping[str, Row], *, pictures: int, rounds: int) -> Rounds:
    """Per round, the timing of each row, which goes through so many pictures."""
    names = list(rows)
    measured = []
    for number in range(rounds):
        turn = number % len(names)
        timings = {name: _timed(rows[name], pictures) for name in names[turn:] + names[:turn]}
        measured.append(timings)
        shown = ", ".join(f"{name} {timings[name].rate:,.0f}" for name in names)
        print(f"round {number + 1} of {rounds}, pictures/s: {shown}", file=sys.stderr)
    return measured


def _timed(row: Row, pictures: int) -> Timing:
    row.before()
    start, processor = time.perf_counter(), time.process_time()
    answers = row.run()
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    return Timing(pictures=pictures, wall=wall, processor=processor, answers=answers)


def mini_rows(paths: Sequence[str]) -> dict[str, Row]:
    """Decoding, our reading, the bundled model's network, and all of it together."""
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.read_ahead import ahead, batches
    from sightglass.reading import read_picture
    from sightglass.store import open_store

    encoder = load_dual_encoder("mini")
    threads = usable_processors()
    prepared = [encoder.prepare(_decode(path)) for path in paths]

    def decode_in_threads() -> None:
        with ThreadPoolExecutor(threads) as pool:
            exhaust(pool.map(lambda path: bool(_decode(path)), paths))

    def read() -> None:
        one = partial(read_picture, store=open_store(None), encoder=encoder)
        exhaust(ahead(one, paths, threads=threads, window=3 * BATCH))

    known, store = FOLDER / "known.sqlite", FOLDER / "store.sqlite"
    known.unlink(missing_ok=True)
    classify(paths, encoder, NAMES, known)
    return {
        DECODE: Row(run=lambda: exhaust(map(_decode, paths))),
        DECODE_IN_THREADS: Row(run=decode_in_threads),
        READ: Row(run=read),
        NETWORK: Row(run=lambda: exhaust(map(encoder.encode_images, batches(prepared, BATCH)))),
        OURS: Row(
            before=lambda: store.unlink(missing_ok=True),
            run=lambda: classify(paths, encoder, NAMES, store),
        ),
        OURS_KNOWN: Row(
            before=lambda: shutil.copyfile(known, store),
            run=lambda: classify(paths, encoder, OTHER_NAMES, store),
        ),
    }


def clip_rows(paths: Sequence[str]) -> dict[str, Row]:
    """The pipeline of transformers and ours with one checkpoint of ViT-B/32's size."""
    from transformers import pipeline
    from transformers.utils import logging

    from sightglass.encoders.hub import load_hub_encoder

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = str(make_checkpoint([TEMPLATE.format(name) for name in NAMES]))
    pipe = pipeline("zero-shot-image-classification", model=folder)
    asked = {"candidate_labels": NAMES, "hypothesis_template": TEMPLATE}

    def batched() -> Iterable[Any]:
        return pipe(paths, batch_size=BATCH_OF_PIPELINE, **asked)

    rows = {
        PIPELINE: Row(run=lambda: [_best(pipe(path, **asked)) for path in paths]),
        PIPELINE_BATCHED: Row(run=lambda: [_best(answer) for answer in batched()]),
    }
    pipe(paths[0], **asked)
    encoders = load_hub_encoder(folder), load_hub_encoder(folder, precision="fp32")
    for name, encoder in zip((OURS_AUTO, OURS_FP32), encoders, strict=True):
        classify(paths[:1], encoder, NAMES, None)
        rows[name] = Row(run=partial(classify, paths, encoder, NAMES, None))
    return rows


def classify(
    paths: Sequence[str], encoder: Any, names: Sequence[str], store: Path | None
) -> Answers:
    """Our answers, by the public interface, forced to choose as the pipeline is."""
    classifier = ZeroShotClassifier(
        names, model=encoder, store=store, unknown=False, batch_size=BATCH
    )
    decisions = [prediction.decision for prediction in classifier.predict(paths)]
    classifier.store.close()
    return [(decision.label, decision.margin) for decision in decisions if decision is not None]


def _best(answer: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
    return answer[0]["label"], answer[0]["score"] - answer[1]["score"]


def _decode(path: str) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def rate_table(rounds: Rounds) -> str:
    """Each row's pictures per second and the processor time that one picture takes."""
    rows = []
    for name in rounds[0]:
        timings = [timings[name] for timings in rounds]
        costs = (1000 * timing.processor / timing.pictures for timing in timings)
        rows.append((name, spread(t.rate for t in timings), spread(costs, ".1f")))
    return markdown(("", "pictures/s", "processor time, ms a picture"), "lrr", rows) + "\n"


def ratio_table(rounds: Rounds, pairs: Iterable[tuple[str, str]]) -> str:
    """How many times faster the first row of each pair is than the second, within a round."""
    rows = []
    for name, other in pairs:
        ratios = (_rate(timings, name) / _rate(timings, other) for timings in rounds)
        rows.append((name, other, spread(ratios, ".2f")))
    return markdown(("", "times as fast as", ""), "llr", rows) + "\n"


def _rate(timings: Mapping[str, Timing], name: str) -> float:
    if name != BOTH:
        return timings[name].rate
    return 1 / (1 / timings[READ].rate + 1 / timings[NETWORK].rate)


def agreement(timings: Mapping[str, Timing]) -> str:
    """How often our best class is the pipeline's, and each picture where it is not."""
    theirs = timings[PIPELINE].answers or ()
    margins = [margin for _, margin in theirs]
    told = (
        f"{len(theirs)} pictures, {len(NAMES)} classes, of which the pipeline gives "
        f"{len(dict(theirs))} as best at least once. Between its best and its second class lie "
        f"{statistics.median(margins):.3f} of probability in the median, {min(margins):.5f} at "
        "least.\n"
    )
    rows = []
    for name in (PIPELINE_BATCHED, OURS_FP32, OURS_AUTO):
        pairs = list(zip(theirs, timings[name].answers or (), strict=True))
        flips = [margin for (label, margin), (other, _) in pairs if label != other]
        shown = ", ".join(f"{margin:.5f}" for margin in sorted(flips)) or "–"
        rows.append((name, f"{len(pairs) - len(flips)} of {len(pairs)}", shown))
    titles = ("", "same best class", "smallest difference in probability where not")
    return f"{told}\n{markdown(titles, 'lrl', rows)}\n"


def write_rounds(path: Path, rounds: Rounds) -> None:
    """One line per row and round: everything that the tables are made of."""
    rows = (
        [number, name, one.pictures, round(one.wall, 4), round(one.processor, 4)]
        for number, timings in enumerate(rounds, start=1)
        for name, one in timings.items()
    )
    write_csv(path, ["round", "row", "pictures", "seconds", "processor_seconds"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure pictures per second.")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--subset", type=int, default=200, help="pictures for the larger model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=PAGES)
    options = parser.parse_args()
    files = make_photos(options.pictures)
    paths = [str(path) for path in files]
    mini = measure(mini_rows(paths), pictures=len(paths), rounds=options.rounds)
    some = paths[: options.subset]
    clip = measure(clip_rows(some), pictures=len(some), rounds=options.rounds)
    ours_and_theirs = product((OURS_AUTO, OURS_FP32), (PIPELINE, PIPELINE_BATCHED))
    page = f"""# Throughput

Made by `make bench-throughput`; what the rows mean is in [benchmarks](../benchmarks.md). Medians of
{options.rounds} rounds, in brackets the smallest and the largest.

{machine("sightglass", "numpy", "pillow", "onnxruntime", "torch", "transformers")}
## The bundled model: {len(paths):,} JPEGs of about 500 × 375, {mean_kilobytes(files):.0f} kB each

{rate_table(mini)}
{ratio_table(mini, [(OURS, row) for row in (BOTH, DECODE, DECODE_IN_THREADS, READ, NETWORK)])}
## A checkpoint of ViT-B/32's size: {len(some)} of them

{rate_table(clip)}
{ratio_table(clip, ours_and_theirs)}
{agreement(clip[-1])}"""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "throughput.md").write_text(page, encoding="utf-8")
    both = [{**a, **b} for a, b in zip(mini, clip, strict=True)]
    write_rounds(options.out / "throughput.csv", both)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
