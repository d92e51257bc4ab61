"""How much of the fusion's gain a student keeps that learned from it, at one encoder's cost.

    python bench/fused_student.py STUDENT --unlabelled train.parquet --test test.parquet

STUDENT is a folder that ``sightglass distill encoder`` wrote. Its own export, shown reference
pictures, is the teacher: those in --references, or what ``sightglass harvest`` picks from the
unlabelled ones with the model --harvest-model (the student itself where none is named). The student
begins from the same weights, learns the fusion's answers to the unlabelled pictures, and is then
one network and one pass. No label is read but the test's, and that to count. Beside them stands one
that learned in the same way from names alone: what more pictures bring by themselves is no gain of
the fusion's.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictures import FOLDER, machine
from small_pairs import Labelled, read_parquet, read_unlabelled
from tables import markdown

SEEDS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How one way of classifying does on the test pictures.

    Attributes:
        name: For the table.
        right: Share that gets its own name.
        seconds: Per 1,000 pictures, all that ``classify`` does with nothing stored.
    """

    name: str
    right: float
    seconds: float


def kept(plain: float, fused: float, student: float) -> float:
    """The share of the fusion's gain over the plain encoder that the student has; 1 is all."""
    return (student - plain) / (fused - plain)


def recipe_for(
    asked: argparse.Namespace,
    teacher: dict[str, Any],
    *,
    seed: int,
    scale: float | None,
) -> dict[str, Any]:
    """The student learns the answers of ``teacher`` to the unlabelled pictures."""
    from sightglass.encoders.precision import choose_precision

    return {
        "name": "the fusion's student",
        "seed": seed,
        "precision": choose_precision("auto"),
        "batch_size": 64,
        "average": 0.99,
        "data": [
            {"path": str(path), "captions": "none", "labels": False} for path in asked.unlabelled
        ],
        "student": {"start": str(asked.student)},
        "teachers": {"named": [teacher]},
        # The fusion saw whole pictures. Parts of small ones look otherwise, and a student of parts
        # unlearns some of what it knew of wholes.
        "view": {"area": [asked.area, 1.0], "aspect": 0.1, "flip": True},
        "optimiser": {"lr": asked.lr, "weight_decay": 0.0, "warmup_steps": 20},
        "phases": [
            {
                "name": "fused",
                "epochs": asked.epochs,
                # All that the fusion knows, it has from this student's own rows and features: a
                # head can learn it, and a trunk that learned on so few pictures would forget.
                "freeze": ["text", "trunk"],
                "losses": {"named": 1.0, "name_scale": scale},
            }
        ],
    }


def sightglass(*arguments: object) -> None:
    """One of our commands, as anybody would give it."""
    command = [sys.executable, "-m", "sightglass", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[2:])}: {done.stderr.strip() or done.stdout.strip()}")


def as_files(contents: Sequence[bytes], folder: Path) -> list[str]:
    """Picture files in a folder, in their order; nothing in a name tells what it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.webp" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def measure(
    name: str, encoder: str, test: Labelled, paths: Sequence[str], **options: Any
) -> Measured:
    """Classify the test pictures; no row of theirs is stored beforehand."""
    from sightglass.pipeline import ZeroShotClassifier

    classifier = ZeroShotClassifier(test.names, model=encoder, store=None, **options)
    began = time.perf_counter()
    answers = classifier.predict(list(paths)).probabilities.argmax(axis=1)
    seconds = time.perf_counter() - began
    return Measured(
        name=name,
        right=float((answers == test.labels).mean()),
        seconds=1000 * seconds / len(paths),
    )


def run(asked: argparse.Namespace) -> None:
    """Export, harvest, measure; then teach and measure a student per seed."""
    import torch

    from sightglass.distillation.encoder.recipe import recipe_of
    from sightglass.distillation.encoder.run import distil_encoder
    from sightglass.encoders.towers.student_file import read_about

    torch.set_num_threads(asked.threads)
    out: Path = asked.out
    test = read_parquet(asked.test, rows=asked.rows)
    paths = as_files(test.files, out / "test")
    as_files(read_unlabelled(asked.unlabelled[0]), out / "unlabelled")
    exported, store = out / "exported", out / "store.sqlite"
    own, vision = f"onnx:{exported}", f"onnx:{exported / 'vision.json'}"
    sightglass("export", asked.student, "--out", exported)
    references = asked.references or out / "references"
    if asked.references is None:
        chooser = asked.harvest_model or own
        sees = f"{chooser}:vision" if chooser == "mini" else vision
        sightglass(
            *("harvest", out / "unlabelled", "--classes", ",".join(test.names)),
            *("--out", references, "--store", store),
            *("--model", chooser, "--vision-model", asked.vision_model or sees),
        )
    shown = {"references": str(references), "vision_model": asked.vision_model or vision}
    plain = measure("names alone", own, test, paths)
    fused = measure("fused with references", own, test, paths, **shown)
    rows = [plain, fused]
    for one in rows:
        print(one, flush=True)
    if fused.right <= plain.right:
        sys.exit("The fusion gains nothing with this student: there is nothing to keep.")
    scale = read_about(asked.student).logit_scale
    by_names = {"model": own, "classes": ",".join(test.names)}
    teachers = {"fusion": by_names | shown, "names": by_names | {"cached": True}}
    runs = [*(("fusion", seed) for seed in asked.seeds), ("names", asked.seeds[0])]
    for taught, seed in runs:
        name = f"taught by {taught}, seed {seed}"
        folder = out / f"{taught}-{seed}"
        content = recipe_for(asked, teachers[taught], seed=seed, scale=scale)
        distil_encoder(recipe_of(content, where="bench"), folder / "student", store=store)
        sightglass("export", folder / "student", "--out", folder / "exported")
        rows.append(measure(name, f"onnx:{folder / 'exported'}", test, paths))
        print(rows[-1], f"{kept(plain.right, fused.right, rows[-1].right):.1%} kept", flush=True)
    page = told(rows, asked)
    print(page)
    if asked.page is not None:
        asked.page.write_text(page, encoding="utf-8")


def told(rows: Sequence[Measured], asked: argparse.Namespace) -> str:
    """The page: every row, and the mean of the students."""
    plain, fused, *students, control = rows
    titles = ("", "top-1, %", "of the fusion's gain", "s per 1,000 pictures")
    cells = [
        (
            one.name,
            f"{100 * one.right:.2f}",
            f"{100 * kept(plain.right, fused.right, one.right):.0f} %",
            f"{one.seconds:.1f}",
        )
        for one in rows
    ]
    mean = statistics.mean(one.right for one in students)
    shares = [kept(plain.right, fused.right, one.right) for one in students]
    references = f"the reference pictures in {asked.references}"
    if asked.references is None:
        by = asked.harvest_model or "itself"
        references = f"the pictures that `sightglass harvest` took from unlabelled ones, by {by}"
    n_test = "all" if asked.rows is None else f"{asked.rows:,} evenly spread"
    return _TEXT.format(
        table=markdown(titles, "lrrr", cells),
        mean=100 * mean,
        control=100 * control.right,
        share=100 * kept(plain.right, fused.right, mean),
        least=100 * min(shares),
        most=100 * max(shares),
        seeds=len(students),
        test=f"{asked.test.name}, {n_test}",
        references=references,
        vision=asked.vision_model or "its own feature",
        unlabelled=", ".join(path.name for path in asked.unlabelled),
        asked=asked,
        view="whole pictures" if asked.area == 1 else f"parts of {asked.area:g} and more",
        machine=machine("torch", "onnxruntime"),
    )


_TEXT = """\
# A student of the fusion

```
python bench/fused_student.py STUDENT --unlabelled train.parquet --test test.parquet
```

{table}

The students of the fusion have {mean:.2f} % in the mean of {seeds} seeds and keep
**{share:.0f} %** of its gain ({least:.0f} to {most:.0f} %), in one pass of one network and without
the references. Taught in the same way by names alone, the student has {control:.2f} %, so
much comes of seeing these pictures without the fusion.

The teacher is the student's own export with {references},
fused as `classify --references` does by default, the third opinion in the space of {vision}. The
student begins from the same weights (`student.start`) and learns the fusion's answers to
unlabelled pictures ({unlabelled}): loss `named`, {asked.epochs:g} epochs, highest rate
{asked.lr:g}, {view}; only the image tower's head learns (`freeze: [text, trunk]`). That and
the rate were chosen by how well students of 2,000 of these pictures agree with their teacher on the
other 500, without a label. Asked: {test}; its labels only count.

{machine}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("student", type=Path, help="folder that distill encoder wrote")
    parser.add_argument(
        "--unlabelled", type=Path, action="append", required=True, help="harvested from: the first"
    )
    parser.add_argument("--references", type=Path, help="folder of references per class")
    parser.add_argument("--harvest-model", help="that harvests; the student's own export")
    parser.add_argument("--vision-model", help="for the third opinion; the student's own feature")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--rows", type=int, help="of the test, evenly spread; all")
    parser.add_argument("--epochs", type=float, default=10.0)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--area", type=float, default=1.0, help="least share of a picture")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER / "fused")
    parser.add_argument("--page", type=Path, help="write the result there too")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
