"""Figure 5's points: look-alike classes of CIFAR-10 in two dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import require_extra
from sightglass.evaluation.yin_jiang.embedded import evenly
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.evaluation.yin_jiang.scenes import Subject
from sightglass.evaluation.yin_jiang.told import Told

if TYPE_CHECKING:
    from jaxtyping import Float

    Rows = Float[np.ndarray, "n dim"]

PAIRS = (("cat", "dog"), ("automobile", "truck"))
PICTURES_PER_CLASS = 150
_SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One scatter plot.

    Attributes:
        title: Which points, in which space.
        classes: The two names.
        labels: Of each point 0 or 1.
        kinds: Of each point what it is.
        places: ``(n, 2)``, exactly as t-SNE gives them.
    """

    title: str
    classes: tuple[str, str]
    labels: tuple[int, ...]
    kinds: tuple[str, ...]
    places: Float[np.ndarray, "n 2"]


def panels_of(subject: Subject, told: Told, references: ReferenceRows | None) -> list[Panel]:
    """Per pair: names and pictures; references and pictures; the same in the vision-only space.

    Raises:
        MissingExtraError: If scikit-learn is not installed.
    """
    names = [name.casefold() for name in subject.names]
    return [
        panel
        for pair in PAIRS
        if set(pair) <= set(names)
        for panel in _of_pair(
            pair, (names.index(pair[0]), names.index(pair[1])), subject, told, references
        )
    ]


def perplexity_of(n: int) -> int:
    """``min(n - 1, max(5, n // 5))``, the paper's."""
    return min(n - 1, max(5, n // 5))


def _of_pair(
    pair: tuple[str, str],
    classes: tuple[int, int],
    subject: Subject,
    told: Told,
    references: ReferenceRows | None,
) -> Iterator[Panel]:
    pictures = subject.pictures
    rows = [np.flatnonzero(pictures.labels == label) for label in classes]
    rows = [of_class[evenly(len(of_class), PICTURES_PER_CLASS)] for of_class in rows]
    tested, labels = np.concatenate(rows), np.repeat([0, 1], [len(each) for each in rows])
    if len(tested) < 3:
        return
    title = " and ".join(pair)
    text = told.classes[list(classes)]
    yield _panel(
        f"{title}: class names, text-image space",
        pair,
        (text, [0, 1], "class names"),
        (pictures.image[tested], labels.tolist(), "test pictures"),
    )
    if references is None:
        return
    refs = references.of_classes(classes)
    if not len(refs):
        return
    # A picture that is itself a reference is shown once, as what it is here.
    free = ~np.isin(tested, refs.own)
    left = labels[free].tolist()
    yield _panel(
        f"{title}: references, text-image space",
        pair,
        (refs.image, refs.labels.tolist(), "references"),
        (pictures.image[tested[free]], left, "test pictures"),
    )
    if pictures.vision is not None and refs.vision is not None:
        yield _panel(
            f"{title}: references, vision-only space",
            pair,
            (refs.vision, refs.labels.tolist(), "references"),
            (pictures.vision[tested[free]], left, "test pictures"),
        )


def _panel(title: str, pair: tuple[str, str], *parts: tuple[Rows, Sequence[int], str]) -> Panel:
    manifold = require_extra("sklearn.manifold", extra="eval", purpose="Drawing Figure 5")
    rows = np.concatenate([part[0] for part in parts])
    tsne = manifold.TSNE(
        n_components=2, perplexity=perplexity_of(len(rows)), random_state=_SEED, init="pca"
    )
    return Panel(
        title=title,
        classes=pair,
        labels=tuple(label for part in parts for label in part[1]),
        kinds=tuple(kind for part in parts for kind in [part[2]] * len(part[1])),
        places=tsne.fit_transform(rows),
    )
