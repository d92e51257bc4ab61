"""Pictures, names and references with planted truth, for what calibrates fusion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, leave_one_out
from sightglass.fusion import FusionPlan, Material, calibrate, fixed_weights, fuse

NAMES_SPREAD, PICTURES_SPREAD = 0.025, 0.1


class Planted(NamedTuple):
    """Materials of names and references; ``truth`` is for scoring alone."""

    material: dict[str, Material]
    labels: np.ndarray
    by_construction: np.ndarray
    truth: np.ndarray

    def plan(self, weighting: str = "inverse_entropy") -> FusionPlan:
        return calibrate(
            self.material, self.labels, self.by_construction, text_scale=100.0, weighting=weighting
        )

    def top1(self, plan: FusionPlan) -> float:
        return top1(self.material, plan, self.truth)


def top1(material: dict[str, Material], plan: FusionPlan, truth: np.ndarray) -> float:
    """Of the pictures, under what the plan says."""
    used = plan.used
    pictures = [material[one.name].pictures for one in used]
    fused = fuse(
        [one.logit_scale * matrix for one, matrix in zip(used, pictures, strict=True)],
        weighting=plan.weighting,
        judged=[np.isfinite(matrix).any(axis=0) for matrix in pictures],
        fixed_weights=fixed_weights(used, weighting=plan.weighting),
    )
    return float((fused.probabilities.argmax(axis=1) == truth).mean())


def names(rng: np.random.Generator, truth: np.ndarray, n_classes: int, signal: float) -> np.ndarray:
    """Cosines with class names; the right one stands ``signal`` standard deviations out."""
    noise = rng.standard_normal((len(truth), n_classes))
    return 0.25 + NAMES_SPREAD * (noise + signal * np.eye(n_classes)[truth])


def compared(
    rng: np.random.Generator,
    truth: np.ndarray,
    labels: np.ndarray,
    *,
    n_classes: int,
    signal: float,
    gap: float = 0.0,
) -> Material:
    """Real unit rows around one centre per class.

    With ``gap`` 1 the pictures stand around other centres than the references.
    """
    dim = 64
    centres = rng.standard_normal((n_classes, dim)) / np.sqrt(dim)
    elsewhere = rng.standard_normal((n_classes, dim)) / np.sqrt(dim)
    of_pictures = (1 - gap) * centres + gap * elsewhere

    def around(middles: np.ndarray, of: np.ndarray) -> np.ndarray:
        rows = signal * middles[of] + rng.standard_normal((len(of), dim)) / np.sqrt(dim)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    references, pictures = around(centres, labels), around(of_pictures, truth)
    means = np.full((len(truth), n_classes), -np.inf)
    for index in set(labels.tolist()):
        means[:, index] = pictures @ references[labels == index].mean(axis=0)
    return Material(
        references=leave_one_out(references, labels, n_classes=n_classes), pictures=means
    )


def planted(
    seed: int,
    *,
    n_classes: int = 10,
    per_class: int = 8,
    n_pictures: int = 600,
    text: float = 2.0,
    image: float = 0.8,
    gap: float = 0.0,
    by_construction: bool = True,
    labels: np.ndarray | None = None,
) -> Planted:
    """Names and one alignment over references, both of a quality in standard deviations."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n_pictures)
    if labels is None:
        labels = np.repeat(np.arange(n_classes), per_class)
    material = {
        TEXT_IMAGE: Material(
            references=names(rng, labels, n_classes, text),
            pictures=names(rng, truth, n_classes, text),
        ),
        IMAGE_IMAGE: compared(rng, truth, labels, n_classes=n_classes, signal=image, gap=gap),
    }
    return Planted(material, labels, np.full(len(labels), by_construction), truth)
