"""Soft labels against hard ones where captions are wrong: four losses of method C, five seeds each.

    python bench/noisy_captions.py     # writes docs/results/contrastive.md, .csv and .png

Both towers begin at random. Digits come with scikit-learn; CIFAR-100 is used too where the
environment variable SIGHTGLASS_CIFAR100 names its training pictures as a parquet file. Every trial
that is done is kept in .bench/noisy: a run that was stopped goes on behind it, --fresh begins anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from noisy_page import draw, write_page
from pictures import FOLDER
from small_pairs import Labelled, Slice, cifar100, digits, make_slice, pixels
from tables import write_records

PAGES = Path(__file__).parents[1] / "docs" / "results"
KEPT = FOLDER / "noisy" / "trials.jsonl"
LOSSES = ("infonce", "smoothing", "kd", "otter")
SEEDS = (1, 2, 3, 4, 5)
ASKED = "a photo of a {}"  # as sightglass classify asks
_WORDS = "words.safetensors"
_EVERY_NOUN = 12  # of the bundled list: enough words around the classes to tell them apart by


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of pictures: how many are learned from, how long, and what is asked of them.

    With ``n_unseen`` classes kept out, the text tower learns words from the bundled model's before
    any picture is seen, and stays as it is: else it could not say how an unseen name is related.
    """

    name: str
    per_class: int
    held_out: int
    n_unseen: int
    epochs: float
    batch_size: int
    shares: tuple[float, ...]


DIGIT_PAIRS = Kind(
    name="digits",
    per_class=120,
    held_out=50,
    n_unseen=0,
    epochs=6,
    batch_size=100,
    shares=(0.0, 0.4),
)
# Long enough for a student to learn wrong captions by heart.
LONGER = dataclasses.replace(DIGIT_PAIRS, name="digits, longer", epochs=16, shares=(0.4,))
CIFAR_PAIRS = Kind(
    name="CIFAR-100",
    per_class=150,
    held_out=50,
    n_unseen=20,
    epochs=3,
    batch_size=100,
    shares=(0.4,),
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one student came to.

    Attributes:
        data: Name of the kind.
        wrong: Share of wrong captions.
        loss: As the command line names it.
        seed: Of pictures, captions and student alike.
        seen: Share of held-out pictures of learned classes that get their name.
        unseen: The same of classes that were kept out; None where none were.
        seconds: Of processor time, for training.
    """

    data: str
    wrong: float
    loss: str
    seed: int
    seen: float
    unseen: float | None
    seconds: float


def slice_of(kind: Kind, data: Labelled, folder: Path, *, seed: int, wrong: float) -> Slice:
    """What the students of one seed learn from and are asked; words beside it, for the lessons."""
    from sightglass.distillation.prompts.vocabulary import read_vocabulary

    made = make_slice(
        data,
        folder,
        seed=seed,
        wrong=wrong,
        per_class=kind.per_class,
        held_out=kind.held_out,
        n_unseen=kind.n_unseen,
    )
    words = dict.fromkeys((*data.names, *read_vocabulary().names[::_EVERY_NOUN]))
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")
    return made


def recipe_for(kind: Kind, pairs: Path, *, loss: str, seed: int) -> dict[str, Any]:
    """The recipe of a trial: small towers, and a loss as the command line has it."""
    from sightglass.distillation.encoder.quick_recipe import quick_recipe
    from sightglass.encoders.precision import choose_precision

    losses = quick_recipe([str(pairs)], loss=loss).phases[0].losses
    phase = {"name": loss, "epochs": kind.epochs, "losses": losses.model_dump(mode="json")}
    made: dict[str, Any] = {
        "name": f"{kind.name}, {loss}",
        "seed": seed,
        "precision": choose_precision("auto"),
        "batch_size": kind.batch_size,
        "data": [{"path": str(pairs), "caption_column": "caption"}],
        "student": {
            "dim": 128,
            "image": {
                "kind": "convolutional",
                "size": 32,
                "stages": [[32, 2, 1, 3], [64, 2, 1, 3], [96, 1, 1, 2]],
            },
            "text": {"kind": "word_table", "width": 128, "hidden": 256, "length": 16},
        },
        "optimiser": {"lr": 2e-3, "warmup_steps": 20},
        # Mirrored or cut in half, a digit is another one or none.
        "view": {"area": [0.8, 1.0], "aspect": 0.1, "flip": False},
        "phases": [phase],
    }
    if kind.n_unseen:
        phase["freeze"] = ["text"]
        made["view"] = {"area": [0.6, 1.0], "aspect": 0.2, "flip": True}
        made["words"] = {
            "teachers": [{"model": "mini"}],
            "vocabulary": str(pairs.with_name("words.txt")),
            "pieces": 4_000,
            "steps": 300,
            "batch_size": 256,
        }
    return made


def trial(kind: Kind, made: Slice, folder: Path, *, loss: str, seed: int, wrong: float) -> Trial:
    """Train one student in ``folder``, and ask it."""
    from sightglass.distillation.encoder.recipe import recipe_of
    from sightglass.distillation.encoder.run import distil_encoder

    content = recipe_for(kind, made.pairs, loss=loss, seed=seed)
    began = time.process_time()
    distil_encoder(recipe_of(content, where="bench"), folder, store=None)
    seconds = time.process_time() - began
    return Trial(
        data=kind.name,
        wrong=wrong,
        loss=loss,
        seed=seed,
        seen=accuracy(folder, made.seen),
        unseen=None if made.unseen is None else accuracy(folder, made.unseen),
        seconds=round(seconds, 1),
    )


def accuracy(folder: Path, asked: Labelled) -> float:
    """Share of the pictures that a student gives their own name, of those in ``asked``."""
    import torch

    from sightglass.encoders.towers.student_file import read_student

    student, _ = read_student(folder)
    spec = student.image.image_input
    crops = torch.from_numpy(pixels(asked.files)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (spec.mean, spec.std))
    with torch.no_grad():
        parts = ((crops - mean) / std).split(500)
        pictures = torch.cat([student.image(part).embeddings for part in parts])
        names = student.text_rows([ASKED.format(name) for name in asked.names])
    return float(((pictures @ names.T).argmax(1).numpy() == asked.labels).mean())


def trials(
    kind: Kind,
    data: Labelled,
    folder: Path,
    *,
    seeds: Sequence[int] = SEEDS,
    losses: Sequence[str] = LOSSES,
    done: Sequence[Trial] = (),
) -> Iterator[Trial]:
    """Those of a kind that are not ``done``, one after the other."""
    known = {(one.data, one.wrong, one.loss, one.seed) for one in done}
    for seed, wrong in itertools.product(seeds, kind.shares):
        left = [loss for loss in losses if (kind.name, wrong, loss, seed) not in known]
        place = folder / f"{kind.name}-{wrong:g}-{seed}"
        made = slice_of(kind, data, place, seed=seed, wrong=wrong) if left else None
        for loss in left:
            assert made is not None
            out = place / loss
            out.mkdir()
            # The text tower's own lessons are the same for every loss: taken once.
            if (place / left[0] / _WORDS).exists():
                shutil.copy(place / left[0] / _WORDS, out)
            yield trial(kind, made, out, loss=loss, seed=seed, wrong=wrong)


def kinds() -> list[tuple[Kind, Labelled]]:
    """The kinds of pictures that are here."""
    ten, hundred = digits(), cifar100()
    found = [(DIGIT_PAIRS, ten), (LONGER, ten)]
    return found if hundred is None else [*found, (CIFAR_PAIRS, hundred)]


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="forget the trials that are kept")
    asked = parser.parse_args()
    torch.set_num_threads(1)  # matrices this small are slower on several
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    if asked.fresh:
        KEPT.unlink(missing_ok=True)
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    done = [Trial(**json.loads(line)) for line in lines]
    with tempfile.TemporaryDirectory() as folder, KEPT.open("a") as kept:
        for kind, data in kinds():
            for one in trials(kind, data, Path(folder), done=done):
                done.append(one)
                kept.write(json.dumps(asdict(one)) + "\n")
                kept.flush()
                show(one)
    write(done)


def show(one: Trial) -> None:
    """A trial as a line."""
    unseen = "" if one.unseen is None else f", classes kept out {one.unseen:.3f}"
    print(
        f"{one.data}, {one.wrong:.0%} wrong, {one.loss:9}  seed {one.seed}: "
        f"{one.seen:.3f}{unseen} ({one.seconds:.0f} s)",
        flush=True,
    )


def write(done: Sequence[Trial]) -> None:
    """The page, its figure, and the numbers of every trial."""
    rows = [asdict(one) for one in done]
    write_records(PAGES / "contrastive.csv", rows)
    write_page(rows, PAGES / "contrastive.md", digits=DIGIT_PAIRS, longer=LONGER, cifar=CIFAR_PAIRS)
    draw(rows, PAGES / "contrastive.png")
    print(f"Written: {PAGES / 'contrastive.md'}")


if __name__ == "__main__":
    main()
