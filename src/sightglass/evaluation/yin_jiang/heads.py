"""Heads: the three alignments of one set of pictures, and their fusion without a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import (
    ALIGNMENTS,
    IMAGE_IMAGE,
    TEXT_IMAGE,
    VISION_ONLY,
    align_references,
    align_text_image,
    leave_one_out,
)
from sightglass.encoders.embeddings import unit_rows
from sightglass.evaluation.yin_jiang.embedded import Embedded, evenly
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.fusion import Fused, FusionPlan, Material, calibrate, fixed_weights, fuse

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Rows = Float[np.ndarray, "n dim"]

# Unlabelled pictures that have a say in scales and coefficients.
CALIBRATION_PICTURES = 2000
# A mean of fewer rows says more about these pictures than about the space.
_LEAST_TO_CENTRE = 30
SUBSETS = (
    (TEXT_IMAGE,),
    (IMAGE_IMAGE,),
    (VISION_ONLY,),
    (TEXT_IMAGE, IMAGE_IMAGE),
    (TEXT_IMAGE, VISION_ONLY),
    (IMAGE_IMAGE, VISION_ONLY),
    ALIGNMENTS,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heads:
    """What each alignment says of the same pictures and classes. Holds no label of a picture.

    Attributes:
        similarity: By alignment, cosines; -inf where a class cannot be judged, and in the whole
            row of a picture that is the only reference of a class.
        judged: By alignment, the classes with references.
        material: By alignment, what it is calibrated on.
        references: Those that were used; None where there are none.
        spaces: By alignment over references, the centred unit rows of pictures and references.
        text_scale: The encoder card's.
    """

    similarity: Mapping[str, Float[np.ndarray, "n_images n_classes"]]
    judged: Mapping[str, Bool[np.ndarray, " n_classes"]]
    material: Mapping[str, Material]
    references: ReferenceRows | None
    spaces: Mapping[str, tuple[Rows, Rows]]
    text_scale: float

    @property
    def subsets(self) -> tuple[tuple[str, ...], ...]:
        """The subsets of alignments that can be formed here."""
        return tuple(names for names in SUBSETS if set(names) <= set(self.similarity))

    @property
    def every(self) -> tuple[str, ...]:
        """All alignments at hand."""
        return tuple(name for name in ALIGNMENTS if name in self.similarity)

    def plan(self, names: Sequence[str], *, weighting: str) -> FusionPlan:
        """Scales, coefficients and who takes part, from references and unlabelled pictures.

        Class names are always among what calibrates, as the yardstick of the others; where
        ``names`` leaves them out they are taken away afterwards, and if the gate dropped all that
        is left, all of it is used: there is nothing else to show.
        """
        wanted = {TEXT_IMAGE, *names}
        refs = self.references
        plan = calibrate(
            {name: self.material[name] for name in ALIGNMENTS if name in wanted},
            np.zeros(0, np.int64) if refs is None else refs.labels,
            np.zeros(0, bool) if refs is None else refs.by_construction,
            text_scale=self.text_scale,
            weighting=weighting,
        )
        kept = tuple(one for one in plan.alignments if one.name in names)
        if not any(one.used for one in kept):
            kept = tuple(replace(one, used=True) for one in kept)
        return replace(plan, alignments=kept)

    def fused(self, plan: FusionPlan) -> Fused:
        """The alignments in use, weighed and added up."""
        used = plan.used
        return fuse(
            [one.logit_scale * self.similarity[one.name] for one in used],
            weighting=plan.weighting,
            judged=[self.judged[one.name] for one in used],
            fixed_weights=fixed_weights(used, weighting=plan.weighting),
        )


def heads_of(
    pictures: Embedded,
    classes: Float[np.ndarray, "n_classes dim"],
    references: ReferenceRows | None,
    *,
    text_scale: float,
) -> Heads:
    """Similarities and material of every alignment that has what it needs.

    Args:
        pictures: Their labels are not looked at.
        classes: Unit rows, one per class that the classifier is told of.
        references: Of these classes; None or empty leaves the class names alone.
        text_scale: The encoder card's.
    """
    sample = evenly(len(pictures), CALIBRATION_PICTURES)
    refs = references if references is not None and len(references) else None
    text = align_text_image(pictures.image, classes, logit_scale=1.0)
    of_references = (
        np.zeros((0, len(classes)), np.float32)
        if refs is None
        else align_text_image(refs.image, classes, logit_scale=1.0)
    )
    similarity = {TEXT_IMAGE: text}
    judged = {TEXT_IMAGE: np.ones(len(classes), bool)}
    material = {TEXT_IMAGE: Material(references=of_references, pictures=text[sample])}
    spaces = {}
    if refs is not None:
        pairs = {IMAGE_IMAGE: (pictures.image, refs.image)}
        if pictures.vision is not None and refs.vision is not None:
            pairs[VISION_ONLY] = (pictures.vision, refs.vision)
        for name, (images, rows) in pairs.items():
            spaces[name] = _centred(images, rows)
            similarity[name], judged[name] = _without_own(*spaces[name], refs, len(classes))
            alone = leave_one_out(spaces[name][1], refs.labels, n_classes=len(classes))
            material[name] = Material(references=alone, pictures=similarity[name][sample])
    return Heads(
        similarity=similarity,
        judged=judged,
        material=material,
        references=refs,
        spaces=spaces,
        text_scale=text_scale,
    )


def _centred(images: Rows, references: Rows) -> tuple[Rows, Rows]:
    """Unit rows around the mean of each kind: what all pictures share tells no class apart."""
    middle = images.mean(axis=0, dtype=np.float64)
    many = len(references) >= _LEAST_TO_CENTRE
    of_references = references.mean(axis=0, dtype=np.float64) if many else middle
    return unit_rows(images - middle), unit_rows(references - of_references)


def _without_own(
    images: Rows, references: Rows, refs: ReferenceRows, n_classes: int
) -> tuple[Float[np.ndarray, "n_images n_classes"], Bool[np.ndarray, " n_classes"]]:
    """Mean cosine with each class's references, a picture never being compared with itself."""
    means, judged = align_references(
        images, references, refs.labels, n_classes=n_classes, logit_scale=1.0
    )
    counts = np.bincount(refs.labels, minlength=n_classes)
    for reference in np.flatnonzero(refs.own >= 0):
        row, label = refs.own[reference], refs.labels[reference]
        if counts[label] == 1:
            # Its class alone would be out of the running: better to say nothing.
            means[row] = -np.inf
            continue
        itself = float(images[row].astype(np.float64) @ references[reference])
        means[row, label] = (means[row, label] * counts[label] - itself) / (counts[label] - 1)
    return means, judged
