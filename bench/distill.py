"""Training steps per second of each host at ViT-B/32's size, and where the time goes.

    python bench/distill.py          # writes docs/benchmarks/distill.md and .csv

1,000 classes, pictures of about 500 x 375 pixels, random weights: speed and memory only. Every row
is a process of its own, so that its peak of memory is its own. The last row is CoOp with texts
padded to 77 tokens, as the code released with the method runs it.
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
from typing import Any

from pictures import FOLDER, machine, make_checkpoint, make_photos
from tables import PAGES, markdown, write_records

CLASSES = 1_000
PUBLISHED_LENGTH = 77
HOSTS = ("coop", "cocoop", "vpt", "maple", "promptsrc")
ROWS = (
    *((host, precision, False) for host in HOSTS for precision in ("fp32", "bf16")),
    ("coop", "bf16", True),
)
PARTS = ("crops", "teacher", "forward", "backward", "update")


def measure(host: str, precision: str, padded: bool, steps: int) -> dict[str, Any]:
    """Seconds of each part, medians over the steps, and the peak of memory."""
    import torch

    from sightglass.distillation.prompts.prompt_run import PromptRun
    from sightglass.distillation.prompts.prompt_teachers import TEACHER_TEMPLATE, clip_teacher
    from sightglass.distillation.prompts.settings import PromptSettings
    from sightglass.distillation.prompts.training import MOMENTUM, WEIGHT_DECAY
    from sightglass.distillation.prompts.vocabulary import read_vocabulary
    from sightglass.distillation.training_pictures import usable_pictures
    from sightglass.encoders.prompted.student import load_student
    from sightglass.encoders.registry import load_dual_encoder
    from sightglass.store import open_store

    names = read_vocabulary().names[::19][:CLASSES]
    checkpoint = make_checkpoint(
        [TEACHER_TEMPLATE.format(name) for name in names], FOLDER / "clip-b32-nouns"
    )
    settings = PromptSettings.of(host, precision=precision)
    n = max(64, (steps + 1) * settings.batch_size)
    pictures, _ = usable_pictures([str(path) for path in make_photos(n)])
    teacher = clip_teacher(
        load_dual_encoder(f"hf:{checkpoint}"),
        names,
        template=TEACHER_TEMPLATE,
        store=open_store(FOLDER / "distill.sqlite"),
    )
    student = load_student(f"hf:{checkpoint}", precision=precision)
    spent = {part: [] for part in PARTS}
    timed = _TimedTeacher(teacher, spent["teacher"])
    run = PromptRun(
        student=student, settings=settings, pictures=pictures, names=names, teacher=timed
    )
    if padded:
        _pad(student.towers, PUBLISHED_LENGTH)
    objective = run.objective
    optimiser = torch.optim.SGD(
        run.host.parameters(), lr=settings.lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    batches = pictures.batches(student.image_input, batch_size=settings.batch_size, seed=1, epoch=0)
    for _ in range(steps + 1):  # the first warms up and is left out
        marks = [time.perf_counter()]
        batch = next(batches)
        marks.append(time.perf_counter())
        loss = objective(batch)
        marks.append(time.perf_counter())
        optimiser.zero_grad()
        loss.backward()
        marks.append(time.perf_counter())
        optimiser.step()
        marks.append(time.perf_counter())
        lengths = [b - a for a, b in itertools.pairwise(marks)]
        spent["crops"].append(lengths[0])
        spent["forward"].append(lengths[1] - spent["teacher"][-1])
        spent["backward"].append(lengths[2])
        spent["update"].append(lengths[3])
    batches.close()
    medians = {part: statistics.median(seconds[1:]) for part, seconds in spent.items()}
    whole = [sum(spent[part][i] for part in PARTS) for i in range(1, steps + 1)]
    return {
        "host": host,
        "precision": precision,
        "tokens": PUBLISHED_LENGTH if padded else run.classes.tokens.ids.shape[1],
        "batch": settings.batch_size,
        "trainable": run.trainable,
        "steps_per_second": 1 / statistics.median(whole),
        "slowest": 1 / max(whole),
        "fastest": 1 / min(whole),
        **medians,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


class _TimedTeacher:
    """The teacher, with a stopwatch."""

    def __init__(self, teacher: Any, seconds: list[float]) -> None:
        self._teacher, self._seconds = teacher, seconds
        self.name, self.n_classes = teacher.name, teacher.n_classes

    def logits(self, batch: Any, *, logit_scale: float) -> Any:
        began = time.perf_counter()
        told = self._teacher.logits(batch, logit_scale=logit_scale)
        self._seconds.append(time.perf_counter() - began)
        return told


def _pad(towers: Any, length: int) -> None:
    """Let the text tower run every position, as the released code does; passes stay as they are."""
    import torch
    from torch.nn.functional import pad
    from torch.utils.checkpoint import checkpoint

    from sightglass.encoders.prompted.towers import CLASSES_PER_PASS

    def text_rows(embedded: Any, ends: Any, deep: Any = ()) -> Any:
        longer = pad(embedded, (0, 0, 0, length - embedded.shape[1]))
        passes = zip(longer.split(CLASSES_PER_PASS), ends.split(CLASSES_PER_PASS), strict=True)
        walk = towers._text_pass
        return torch.cat([checkpoint(walk, *one, *deep, use_reentrant=False) for one in passes])

    towers.text_rows = text_rows


def write(rows: list[dict[str, Any]], steps: int) -> None:
    """The page and the CSV."""
    write_records(PAGES / "distill.csv", rows)
    titles = (
        *("host", "precision", "tokens", "pictures", "trainable", "steps/s", "slowest to fastest"),
        *(f"{part}, s" for part in PARTS),
        "peak, GB",
    )
    cells = [
        [
            *(row["host"], row["precision"], str(row["tokens"]), str(row["batch"])),
            f"{row['trainable']:,}",
            f"{row['steps_per_second']:.3f}",
            f"{row['slowest']:.3f} to {row['fastest']:.3f}",
            *(f"{row[part]:.2f}" for part in PARTS),
            f"{row['peak_gb']:.1f}",
        ]
        for row in rows
    ]
    lines = [
        "# Prompt distillation: steps per second",
        "",
        "`make bench-distill`. Student and teacher have ViT-B/32's size and random weights, "
        f"{CLASSES:,} classes,",
        f"pictures of about 500 x 375; medians of {steps} steps, each row a process of its own,",
        "the published number of pictures per step. The teacher chooses its own precision. Memory "
        "is the whole process.",
        "",
        machine("torch", "transformers").rstrip(),
        "",
        markdown(titles, "ll" + "r" * (len(titles) - 2), cells),
    ]
    by = {(row["host"], row["precision"], row["tokens"] == PUBLISHED_LENGTH): row for row in rows}
    short, long = by["coop", "bf16", False], by["coop", "bf16", True]
    ratio = short["steps_per_second"] / long["steps_per_second"]
    lines += [
        "",
        f"Texts cut to what is read, at most {short['tokens']} tokens here, are {ratio:.1f} times "
        "as fast as padded to 77,",
        "with the same gradients: the text tower is causal and only the end token is read.",
    ]
    (PAGES / "distill.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--row", type=json.loads)
    options = parser.parse_args()
    if options.row is not None:
        print(json.dumps(measure(*options.row, options.steps)))
        return
    rows = []
    for row in ROWS:
        command = [
            sys.executable,
            __file__,
            "--steps",
            str(options.steps),
            "--row",
            json.dumps(row),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    write(rows, options.steps)
    print((PAGES / "distill.md").read_text())


if __name__ == "__main__":
    main()
