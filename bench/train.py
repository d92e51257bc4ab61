"""Pictures per second of training an encoder, beside a bare loop that does nothing else.

    python bench/train.py            # writes docs/benchmarks/train.md and .csv

Random weights; pictures of about 500 x 375 pixels, read, decoded and cropped while training. The
bare loop has the same towers, batch, precision and optimiser, and takes forward, backward and
update on one batch that lies ready: no reading, no teacher, no parts. Nothing that trains this
student could be faster. Both run in turns in one process, and each row is a process of its own, so
that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from networks import MAPS, WORDS, make_bert, make_resnet, make_teacher
from pictures import FOLDER, SEED, machine, make_photos
from tables import PAGES, markdown, write_records

PICTURES = 1_000
# Steps that are left out after a turn of the bare loop: their batches were made meanwhile.
AHEAD = 2
TURNS = 2
# Name, batch, steps of a turn.
SHAPES = {
    "convolutional + word table, 128 px": (256, 8),
    "convolutional + word table, 128 px, with a teacher": (64, 16),
    "ResNet-50 + BERT-base, 224 px": (32, 2),
}
OWN, TAUGHT, PAPER = SHAPES
ROWS = (
    *((OWN, precision, part) for precision in ("fp32", "bf16") for part in (None, 64)),
    *((TAUGHT, precision, None) for precision in ("fp32", "bf16")),
    *((PAPER, precision, part) for precision in ("fp32", "bf16") for part in (None, 8)),
)


def measure(shape: str, precision: str, part: int | None, steps: int | None) -> dict[str, Any]:
    """Pictures per second of both loops, where the time goes, and the peak of memory."""
    import torch

    from sightglass.distillation.encoder.course import EncoderCourse
    from sightglass.distillation.encoder.ready import make_ready
    from sightglass.distillation.encoder.recipe import recipe_of
    from sightglass.distillation.pairs.ledger import Ledger
    from sightglass.distillation.parallel.processes import Processes
    from sightglass.distillation.trainer import train
    from sightglass.store import open_store

    batch, usual = SHAPES[shape]
    turn = usual if steps is None else steps
    whole = TURNS * (turn + AHEAD)
    content = recipe(shape, batch) | {"precision": precision, "part_size": part}
    content["phases"][0]["pictures"] = whole * batch
    asked = recipe_of(content, where="bench")
    store = open_store(FOLDER / "train.sqlite")
    ready = make_ready(asked, store, out=None, device=torch.device("cpu"))
    watch = _Watch(turn, lambda: _bare_loop(ready.student, asked, turn))
    ready.teaching.image = watch.timed("teacher", ready.teaching.image)
    course = EncoderCourse(
        asked,
        ready.student,
        ready.mix,
        ready.teaching,
        ready.names,
        processes=Processes.alone(),
        ledger=Ledger(),
    )
    course.learn = watch.timed("learn", course.learn)
    watch.begin()
    train(course, clip=asked.optimiser.clip, watch=watch)
    ours, bare = watch.ours, watch.bare
    return {
        "student": shape,
        "precision": precision,
        "batch": batch,
        "part": part or batch,
        "images_per_second": batch / statistics.median(ours),
        "slowest": batch / max(ours),
        "fastest": batch / min(ours),
        "bare_images_per_second": batch / statistics.median(bare),
        "bare_slowest": batch / max(bare),
        "bare_fastest": batch / min(bare),
        "share_of_bare": statistics.median(bare) / statistics.median(ours),
        "step": statistics.median(ours),
        "teacher": statistics.median(watch.teacher),
        "waiting": statistics.median(watch.waiting),
        "steps": len(ours),
        "peak_gb": watch.peak,
    }


@dataclass
class _Watch:
    """A stopwatch on a training; after each turn the bare loop has its own.

    Seconds of ``teacher`` and of ``learn`` are those of the step that is going on.
    """

    turn: int
    bare_loop: Callable[[], list[float]]
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    teacher: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    peak: float = 0.0
    _spent: dict[str, float] = field(default_factory=dict)
    _taken: int = 0
    _mark: float = 0.0

    def begin(self) -> None:
        self._spent = {"teacher": 0.0, "learn": 0.0}
        self._mark = time.perf_counter()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.perf_counter()
            answer = function(*arguments)
            self._spent[name] += time.perf_counter() - began
            return answer

        return run

    def __call__(self, _: Any) -> None:
        seconds = time.perf_counter() - self._mark
        self._taken += 1
        of_turn = (self._taken - 1) % (self.turn + AHEAD)
        if of_turn >= AHEAD:
            self.ours.append(seconds)
            self.teacher.append(self._spent["teacher"])
            # All that is neither learning nor small: the update is in it too.
            self.waiting.append(seconds - self._spent["learn"])
        if of_turn == self.turn + AHEAD - 1:
            # Before the bare loop's copy of the student is there.
            self.peak = self.peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            self.bare += self.bare_loop()
        self.begin()


def _bare_loop(student: Any, asked: Any, steps: int) -> list[float]:
    """Seconds of steps on one batch of noise, the first left out."""
    import copy

    import torch
    from torch.nn import functional

    from sightglass.distillation.encoder.optimiser import make_optimiser

    student = copy.deepcopy(student).train()
    n, (height, width) = asked.batch_size, student.image.image_input.size
    generator = torch.Generator().manual_seed(SEED)
    pixels = torch.randn(n, 3, height, width, generator=generator)
    ids = student.text.tokenise([caption(number) for number in range(n)])
    optimiser, wanted = make_optimiser(student, asked.optimiser), torch.arange(n)
    marks = []
    for _ in range(steps + 1):
        with torch.autocast("cpu", torch.bfloat16, enabled=asked.precision == "bf16"):
            images, texts = student.image(pixels).embeddings, student.text(ids)
        logits = student.contrastive_scale() * images.float() @ texts.float().T
        loss = functional.cross_entropy(logits, wanted) + functional.cross_entropy(logits.T, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        marks.append(time.perf_counter())
    return [after - before for before, after in itertools.pairwise(marks)]


def caption(number: int) -> str:
    """Some words that follow from the number."""
    return "a " + " ".join(WORDS[(number * step + step) % len(WORDS)] for step in (1, 3, 5, 7, 10))


def recipe(shape: str, batch: int) -> dict[str, Any]:
    """A recipe's content, and its files where they are absent."""
    photos = make_photos(PICTURES)
    table = FOLDER / "train.csv"
    lines = [f"pictures/{path.name},{caption(number)}" for number, path in enumerate(photos)]
    table.write_text("image,caption\n" + "\n".join(lines) + "\n", encoding="utf-8")
    content: dict[str, Any] = {
        "data": [{"path": str(table)}],
        "student": {"dim": 384, "text": {"kind": "word_table"}},
        "phases": [{"name": "bench", "losses": {"contrastive": {}}}],
        "batch_size": batch,
    }
    if shape == PAPER:
        content["student"] = {
            "dim": 768,
            "image": {"kind": "transformers", "checkpoint": str(make_resnet())},
            "text": {"kind": "transformers", "checkpoint": str(make_bert())},
        }
        content["optimiser"] = {"kind": "sgd", "lr": 3e-3, "weight_decay": 0.0}
    if shape == TAUGHT:
        teacher = {"model": str(make_teacher()), "features": "features", "logits": "logits"}
        content["teachers"] = {"image": teacher | {"maps": list(MAPS)}}
        content["phases"][0]["losses"] |= {
            **{"features": 1.0, "logits": 0.2, "maps": 1.0, "last_map": 0.5}
        }
    return content


def write(rows: list[dict[str, Any]]) -> None:
    """The page and the CSV."""
    write_records(PAGES / "train.csv", rows)
    titles = (
        *("student", "precision", "batch", "part"),
        *("images/s", "slowest to fastest", "bare loop, images/s", "slowest to fastest"),
        *("share of bare", "step, s", "teacher, s", "waiting and update, s", "peak, GB"),
    )
    cells = [
        [
            *(row["student"], row["precision"], str(row["batch"]), str(row["part"])),
            f"{row['images_per_second']:.1f}",
            f"{row['slowest']:.1f} to {row['fastest']:.1f}",
            f"{row['bare_images_per_second']:.1f}",
            f"{row['bare_slowest']:.1f} to {row['bare_fastest']:.1f}",
            f"{row['share_of_bare']:.0%}",
            *(f"{row[part]:.2f}" for part in ("step", "teacher", "waiting")),
            f"{row['peak_gb']:.1f}",
        ]
        for row in rows
    ]
    lines = [
        "# Training an encoder: images per second",
        "",
        f"`make bench-train`. Random weights, {PICTURES:,} pictures of about 500 x 375 that are "
        "read, decoded and cropped while",
        "training; medians, each row a process of its own. The bare loop takes forward, backward "
        "and update of the same",
        "student on one batch that lies ready, in turns with ours: the limit. The teacher has "
        "MobileNetEdgeTPU's shape and",
        "gives feature, logits and six maps. In parts smaller than the batch every picture goes "
        "forward twice and backward once,",
        "and only one part's activations are in memory. Memory is the whole process. Of ResNet-50 "
        "four steps are measured,",
        "after one another with the bare ones: a share above 100 % is their spread, not a gain.",
        "",
        machine("torch", "transformers").rstrip(),
        "",
        markdown(titles, "ll" + "r" * (len(titles) - 2), cells),
    ]
    (PAGES / "train.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, help="of each turn; by default as many as suit a row")
    parser.add_argument("--row", type=json.loads, help="measure one row and print it")
    options = parser.parse_args()
    if options.row is not None:
        print(json.dumps(measure(*options.row, options.steps)))
        return
    rows = []
    for row in ROWS:
        command = [sys.executable, __file__, "--row", json.dumps(row)]
        if options.steps is not None:
            command += ["--steps", str(options.steps)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    write(rows)
    print((PAGES / "train.md").read_text())


if __name__ == "__main__":
    main()
