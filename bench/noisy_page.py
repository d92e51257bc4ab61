"""The page, and the figure on it, about soft and hard labels where captions are wrong."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictures import machine
from tables import markdown

Rows = Sequence[dict[str, Any]]
HARD = "infonce"
NAMES = {
    "infonce": "InfoNCE",
    "smoothing": "label smoothing 0.1",
    "kd": "self-distillation (EMA)",
    "otter": "OTTER",
}
ASKED = {"seen": "learned classes", "unseen": "classes kept out"}
# Two-sided 95 % of Student's distribution, by degrees of freedom.
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A loss on one question: its own numbers, and against InfoNCE with the same seeds.

    Attributes:
        values: Accuracies in percent, by seed.
        differences: To InfoNCE's of the same seed, in points; empty for InfoNCE itself.
    """

    data: str
    wrong: float
    asked: str
    loss: str
    values: tuple[float, ...]
    differences: tuple[float, ...]

    @property
    def half_width(self) -> float:
        """Of the 95 % interval of the mean difference; infinite for a single seed."""
        n = len(self.differences)
        if n < 2:
            return math.inf
        return _T[n - 1] * statistics.stdev(self.differences) / math.sqrt(n)

    @property
    def verdict(self) -> str:
        """What five seeds can say."""
        mean = statistics.mean(self.differences)
        if abs(mean) <= self.half_width:
            return "not told apart"
        return "better" if mean > 0 else "worse"


def compared(rows: Rows) -> Iterator[Compared]:
    """Every loss on every question that was asked, in the order of the rows."""
    places = dict.fromkeys((row["data"], row["wrong"]) for row in rows)
    for (data, wrong), asked in itertools.product(places, ASKED):
        here = [row for row in rows if (row["data"], row["wrong"]) == (data, wrong)]
        if any(row[asked] is None for row in here):
            continue
        by_loss = {
            loss: {row["seed"]: 100 * row[asked] for row in here if row["loss"] == loss}
            for loss in NAMES
        }
        for loss, values in by_loss.items():
            both = sorted(set(values) & set(by_loss[HARD])) if loss != HARD else []
            yield Compared(
                data=data,
                wrong=wrong,
                asked=asked,
                loss=loss,
                values=tuple(values[seed] for seed in sorted(values)),
                differences=tuple(values[seed] - by_loss[HARD][seed] for seed in both),
            )


def write_page(rows: Rows, path: Path, *, digits: Any, longer: Any, cifar: Any) -> None:
    """The page with its table.

    Args:
        rows: One per trial.
        path: Of the page.
        digits: The settings that digits were learned with.
        longer: Those of the longer runs.
        cifar: Those of CIFAR-100.
    """
    titles = (
        *("pictures", "captions wrong", "asked", "loss", "mean, %", "std", "least to most"),
        *("minus InfoNCE, points", "95 % interval", "better in", ""),
    )
    cells = []
    for one in compared(rows):
        told = [
            *(one.data, f"{100 * one.wrong:.0f} %", ASKED[one.asked], NAMES[one.loss]),
            f"{statistics.mean(one.values):.1f}",
            f"{statistics.stdev(one.values):.1f}" if len(one.values) > 1 else "",
            f"{min(one.values):.1f} to {max(one.values):.1f}",
        ]
        if one.differences:
            mean, half = statistics.mean(one.differences), one.half_width
            wins = sum(difference > 0 for difference in one.differences)
            told += [
                f"{mean:+.1f}",
                f"{mean - half:+.1f} to {mean + half:+.1f}",
                f"{wins} of {len(one.differences)}",
                one.verdict,
            ]
        else:
            told += ["", "", "", ""]
        cells.append(told)
    path.write_text(
        _TEXT.format(
            table=markdown(titles, "lrllrrlrlll", cells),
            machine=machine("torch", "numpy", "scikit-learn"),
            minutes=sum(row["seconds"] for row in rows) / 60,
            median=statistics.median(row["seconds"] for row in rows),
            seeds=len({row["seed"] for row in rows}),
            digits=digits,
            longer=longer,
            cifar=cifar,
        ),
        encoding="utf-8",
    )


def draw(rows: Rows, path: Path) -> None:
    """Differences to InfoNCE, a dot per seed and a bar for the mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = [one for one in compared(rows) if one.differences]
    places = list(dict.fromkeys((one.data, one.wrong, one.asked) for one in found))
    figure, axes = pyplot.subplots(
        1, len(places), figsize=(3.2 * len(places), 3.2), squeeze=False, layout="constrained"
    )
    for axis, place in zip(axes[0], places, strict=True):
        here = [one for one in found if (one.data, one.wrong, one.asked) == place]
        axis.axhline(0, color="0.6", linewidth=1)
        for at, one in enumerate(here):
            axis.plot([at] * len(one.differences), one.differences, "o", color="C0", alpha=0.7)
            axis.plot([at - 0.2, at + 0.2], [statistics.mean(one.differences)] * 2, color="C3")
        axis.set_xticks(range(len(here)), [one.loss for one in here])
        axis.set_xlim(-0.5, len(here) - 0.5)
        axis.set_title(f"{place[0]}, {100 * place[1]:.0f} % wrong\n{ASKED[place[2]]}", fontsize=9)
    axes[0][0].set_ylabel("points over InfoNCE, same seed")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


_TEXT = """\
# Soft labels against hard ones, where captions are wrong

```
make bench-noise     # python bench/noisy_captions.py
```

A dual encoder is trained from random weights on real pictures with captions, of which a stated
share names another class than the picture shows. Then held-out pictures are classified by name.
Four losses, the same {seeds} seeds for each: a seed draws pictures, captions and the student, so
differences are taken between runs that have all but the loss in common.

![Differences to InfoNCE](contrastive.png)

{table}

The interval is Student's, for the mean of the differences. *Not told apart*: it holds 0; more seeds
could still tell. Several rows are compared at once, so one that stands alone may be chance. Every
trial is in [contrastive.csv](contrastive.csv).

What was done:
- **Digits** are scikit-learn's, enlarged to 32 x 32: {digits.per_class} pictures per class with
  captions such as "a picture of the seven.", {digits.epochs:g} epochs ({longer.name}:
  {longer.epochs:g}), batches of {digits.batch_size}; {digits.held_out} others of each class are
  asked. Their names say nothing of how they look, so no class is kept out. Chance is 10 %. Both
  towers learn.
- **CIFAR-100** is used where the environment variable SIGHTGLASS_CIFAR100 names its training
  pictures (never the test's). {cifar.n_unseen} classes, drawn anew for each seed, are in no
  caption. Of the others {cifar.per_class} pictures each are learned from, {cifar.epochs:g} epochs,
  batches of {cifar.batch_size}. {cifar.held_out} other pictures of each class are asked: those of
  learned classes with all learned names (chance 1.25 %), those of classes kept out with these names
  alone (chance 5 %). The text tower first learns words, the class names among them, from `mini`'s
  text tower, whose picture side is not used, and is then frozen.
- The image tower has three small stages at 32 pixels, the text tower is a table of word pieces. The
  losses are those of `sightglass distill encoder --loss`; `kd` and `otter` are half InfoNCE, half
  targets from the student's own moving average. AdamW, highest rate 0.002: the same for all losses,
  and tuned for none.
- Captions that name few classes repeat within a batch. InfoNCE counts the other pictures of the
  same caption as wrong; `otter` can see that they are alike.

What it does not say: how the losses compare on millions of captions from the web. There the authors
of OTTER report a gain for their method and none for self-distillation.

Training took {minutes:.0f} minutes of one processor in all, the median student {median:.0f} s.

{machine}"""
