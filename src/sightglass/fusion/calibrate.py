"""From references and unlabelled pictures to a fusion plan. No test label is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import TEXT_IMAGE
from sightglass.fusion.agreement import Hits, confident_answers, hits_among
from sightglass.fusion.contradiction import contradiction
from sightglass.fusion.coverage import judged_classes
from sightglass.fusion.domain_gap import domain_gap
from sightglass.fusion.gate import best_single_if_fusion_loses, gated
from sightglass.fusion.logit_scales import a_priori_scale, likelihood_scale
from sightglass.fusion.plan import AlignmentPlan, FusionPlan
from sightglass.fusion.stacked_fit import fit_coefficients

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

# Below these, a share of hits says too little: at 30 its standard error is still 0.09.
LEAST_REFERENCES = 30
LEAST_PICTURES = 50
# For CLIP-like image towers with nothing to learn from: 20 to 30 did no harm where 100 did.
DEFAULT_IMAGE_SCALE = 25.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What one alignment can be judged by. Similarities are cosines, -inf where impossible.

    Attributes:
        references: Of every reference with the classes, itself left out.
        pictures: Of unlabelled pictures with the classes, in the same order for every alignment.
    """

    references: Float[np.ndarray, "n_references n_classes"]
    pictures: Float[np.ndarray, "n_pictures n_classes"]


def calibrate(
    material: Mapping[str, Material],
    reference_labels: Int[np.ndarray, " n_references"],
    by_construction: Bool[np.ndarray, " n_references"],
    *,
    text_scale: float,
    weighting: str,
) -> FusionPlan:
    """Scales, coefficients, and which alignments take part.

    1. Where at least 30 references carry their class by construction and have a sister in their
       class, scales and coefficients are those under which these references, each left out in
       turn, are most likely to show what they show. Not where a class has no references, if 2 can
       be followed.
    2. Else, where at least 50 unlabelled pictures are at hand, a scale is ``3 / spread`` for the
       class names, and that times the alignment's reliability for references: how often its answer
       is that of the most confident class names, above chance. In a ``stacked`` pool it also
       counts by its reliability.
    3. Else the card's scale for the class names, and 25 for references.

    An alignment that is no better than chance by 1 is dropped; by 2 where 1 says nothing; so is one
    that judges a single class. If the fusion of those left loses on the references of 1 against the
    best of them, only that is kept. Where 1 promises more than 2 confirms, 2 is followed.

    Harvested references were chosen by the class names: they are no evidence for 1, where the
    names would always be right.

    Args:
        material: By alignment; must hold ``text_image``. What is not a finite number counts as
            impossible.
        reference_labels: Class index of each reference.
        by_construction: Which references were made or brought for their class, not chosen by an
            alignment.
        text_scale: The encoder card's.
        weighting: As for ``fuse``.

    Returns:
        A plan in which at least one alignment is used and every scale is finite and above 0.

    Source:
        Ours; measured in docs/fusion.md. 1 follows the leave-one-out likelihood of stacking, 2 the
        spread rule in ``logit_scales``.
    """
    material = {name: _finite(of_one) for name, of_one in material.items()}
    judged = {
        name: judged_classes(name, of_one.pictures, reference_labels)
        for name, of_one in material.items()
    }
    counts = np.bincount(reference_labels)
    places = np.arange(len(reference_labels)), reference_labels
    sisters = by_construction & (counts[reference_labels] > 1)
    sisters &= np.isfinite(material[TEXT_IMAGE].references[places])
    labels = reference_labels[sisters]
    hits = {
        name: hits_among(of_one.references[sisters], labels) for name, of_one in material.items()
    }
    agreements = _agreements(material)
    # References of one class do not show whether an alignment tells classes apart, nor any what it
    # answers to pictures of classes without references: there pictures are the better witness.
    enough = len(labels) >= LEAST_REFERENCES and len(np.unique(labels)) > 1
    enough = enough and (not agreements or all(mask.all() for mask in judged.values()))
    gap = domain_gap(hits, agreements) if enough else ()
    swapped = contradiction(material[TEXT_IMAGE].references[sisters], labels) if enough else ()
    enough = enough and not gap and not swapped
    plans = []
    for name, of_one in material.items():
        loo, agreement = (hits[name] if enough else None), agreements.get(name)
        if enough:
            scale = likelihood_scale(of_one.references[sisters], labels)
            source = "leave-one-out on references"
        else:
            scale, source = _scale_without_references(name, of_one, agreement, text_scale)
        plans.append(
            AlignmentPlan(
                name=name,
                logit_scale=scale,
                scale_source=source,
                coefficient=1.0 if enough or agreement is None else agreement.reliability,
                leave_one_out=loo,
                agreement=agreement,
            )
        )
    plans = gated(plans, judged, checked=bool(agreements))
    notes = (*gap, *swapped)
    if enough:
        evidence = {
            plan.name: plan.logit_scale * material[plan.name].references[sisters] for plan in plans
        }
        plans = _with_coefficients(plans, evidence, labels)
        plans, lost = best_single_if_fusion_loses(plans, evidence, labels, weighting=weighting)
        notes = (*notes, *lost)
    else:
        plans = _tempered(plans, material[TEXT_IMAGE], by_construction, reference_labels)
    return FusionPlan(
        alignments=tuple(plans),
        weighting=weighting,
        pictures=len(material[TEXT_IMAGE].pictures),
        evidence=len(labels) if enough else 0,
        notes=notes,
    )


def _finite(of_one: Material) -> Material:
    """NaN and infinities are nothing to judge by: they become impossible."""
    return Material(
        references=np.where(np.isfinite(of_one.references), of_one.references, -np.inf),
        pictures=np.where(np.isfinite(of_one.pictures), of_one.pictures, -np.inf),
    )


def _agreements(material: Mapping[str, Material]) -> dict[str, Hits]:
    """Of each alignment over references with the class names; empty with too few pictures."""
    if len(material[TEXT_IMAGE].pictures) < LEAST_PICTURES:
        return {}
    rows, classes = confident_answers(material[TEXT_IMAGE].pictures)
    return {
        name: hits_among(of_one.pictures[rows], classes, unjudged_missed=True)
        for name, of_one in material.items()
        if name != TEXT_IMAGE
    }


def _scale_without_references(
    name: str, of_one: Material, agreement: Hits | None, text_scale: float
) -> tuple[float, str]:
    """By the spread over unlabelled pictures, or the default where there are too few."""
    if name == TEXT_IMAGE:
        many = len(of_one.pictures) >= LEAST_PICTURES
        scale = a_priori_scale(of_one.pictures) if many else None
        return (text_scale, "card") if scale is None else (scale, "spread over unlabelled pictures")
    if agreement is not None:
        scale = a_priori_scale(of_one.pictures, reliability=agreement.reliability)
        if scale is not None:
            return scale, "spread and agreement with class names on unlabelled pictures"
    return DEFAULT_IMAGE_SCALE, "default"


def _with_coefficients(
    plans: Sequence[AlignmentPlan],
    evidence: Mapping[str, Float[np.ndarray, "n c"]],
    labels: Int[np.ndarray, " n"],
) -> list[AlignmentPlan]:
    """The joint fit of the ``stacked`` pool over the alignments in use."""
    used = [plan.name for plan in plans if plan.used]
    fitted = dict(
        zip(used, fit_coefficients([evidence[name] for name in used], labels), strict=True)
    )
    if not any(value > 0 for value in fitted.values()):
        return list(plans)
    return [
        replace(plan, coefficient=float(fitted.get(plan.name, plan.coefficient))) for plan in plans
    ]


def _tempered(
    plans: Sequence[AlignmentPlan],
    text: Material,
    by_construction: Bool[np.ndarray, " n_references"],
    reference_labels: Int[np.ndarray, " n_references"],
) -> list[AlignmentPlan]:
    """Coefficients times what makes the class names' own confidence on references honest.

    References were not made from the names' embeddings: for the class names no reference needs a
    sister. This changes how sure a ``stacked`` pool is, never its order of classes.
    """
    shown, labels = text.references[by_construction], reference_labels[by_construction]
    # Names at chance there say that the references are mislabelled as likely as that they know
    # nothing.
    if len(labels) < LEAST_REFERENCES or not hits_among(shown, labels).above_chance:
        return list(plans)
    fitting = likelihood_scale(shown, labels)
    names = next(plan for plan in plans if plan.name == TEXT_IMAGE)
    factor = fitting / names.logit_scale
    return [replace(plan, coefficient=factor * plan.coefficient) for plan in plans]
