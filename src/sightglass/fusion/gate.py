"""The gate: references must not silently make things worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import TEXT_IMAGE
from sightglass.fusion.agreement import hits_among
from sightglass.fusion.chance import binomial_tail
from sightglass.fusion.coverage import judges_enough
from sightglass.fusion.fuse import fuse
from sightglass.fusion.plan import AlignmentPlan

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

_LOSS_LEVEL = 0.05


def gated(
    plans: Sequence[AlignmentPlan],
    judged: Mapping[str, Bool[np.ndarray, " n_classes"]],
    *,
    checked: bool = True,
) -> list[AlignmentPlan]:
    """``plans`` with those dropped that judge too few classes, or are no better than chance.

    Leave-one-out decides where there is one, for the class names too; agreement with the class
    names elsewhere. The class names stay where the others leave a class that nobody would judge.

    Args:
        plans: Scales are settled; must hold ``text_image``.
        judged: By alignment.
        checked: Whether there are pictures enough to see what an alignment answers to pictures of
            the classes that it does not judge. Without, one that leaves any class out is dropped.
    """
    decided = [_decided(plan, judged[plan.name], checked=checked) for plan in plans]
    used = [judged[plan.name] for plan in decided if plan.used]
    if not used:
        why = "no alignment is better than chance; the class names are all that is left"
    elif not np.any(used, axis=0).all():
        why = "no better than chance, but the only ones to judge the classes without references"
    else:
        return decided
    return [
        replace(plan, used=True, why=why) if plan.name == TEXT_IMAGE and not plan.used else plan
        for plan in decided
    ]


def _decided(
    plan: AlignmentPlan, judged: Bool[np.ndarray, " n_classes"], *, checked: bool
) -> AlignmentPlan:
    if plan.name != TEXT_IMAGE and not checked and not judged.all() and judges_enough(judged):
        why = (
            f"dropped: {(~judged).sum()} of {len(judged)} classes have no references, and there "
            f"are too few pictures to see what that does"
        )
        return replace(plan, used=False, why=why)
    if plan.name != TEXT_IMAGE and not judges_enough(judged):
        why = (
            f"dropped: only {judged.sum()} of {len(judged)} classes have references; half of them, "
            f"and two at least, are needed"
        )
        return replace(plan, used=False, why=why)
    if plan.leave_one_out is not None:
        hits, where = plan.leave_one_out, "of references by the others"
    elif plan.agreement is not None:
        hits, where = plan.agreement, "of the class names' most confident answers"
    elif plan.name == TEXT_IMAGE:
        return replace(plan, why="the yardstick of the others; used as it is")
    else:
        return replace(plan, why="too few references or pictures to judge it; used as it is")
    found = f"{hits.share:.1%} {where} ({hits.n} pictures, chance {hits.chance:.1%})"
    if hits.above_chance:
        return replace(plan, why=f"finds {found}")
    return replace(plan, used=False, why=f"dropped: no better than chance, finds {found}")


def best_single_if_fusion_loses(
    plans: Sequence[AlignmentPlan],
    evidence: Mapping[str, Float[np.ndarray, "n_references n_classes"]],
    labels: Int[np.ndarray, " n_references"],
    *,
    weighting: str,
) -> tuple[list[AlignmentPlan], tuple[str, ...]]:
    """``plans``, or only the best of them where the fusion has more misses on references.

    Args:
        plans: Scales and coefficients are settled.
        evidence: Scaled leave-one-out logits of references, by alignment; -inf at classes that it
            does not judge.
        labels: Class indices.
        weighting: As for ``fuse``.

    Returns:
        The plans, and what to tell a person. One that cannot judge every class is never kept alone:
        on references, which all belong to classes with references, it has the easier task.

    Source:
        Exact one-sided sign test on the references that only one of the two gets right
        (McNemar 1947), level 0.05.
    """
    used = [plan for plan in plans if plan.used]
    if len(used) < 2:
        return list(plans), ()
    judged = [np.isfinite(evidence[plan.name]).any(axis=0) for plan in used]
    whole = [plan for plan, mask in zip(used, judged, strict=True) if mask.all()]
    if not whole:
        return list(plans), ()
    fused = fuse(
        [evidence[plan.name] for plan in used],
        weighting=weighting,
        judged=judged,
        fixed_weights=fixed_weights(used, weighting=weighting),
    ).probabilities.argmax(axis=1)
    best = max(whole, key=lambda plan: hits_among(evidence[plan.name], labels).hits)
    alone = evidence[best.name].argmax(axis=1)
    won = int(((fused == labels) & (alone != labels)).sum())
    lost = int(((fused != labels) & (alone == labels)).sum())
    if binomial_tail(lost, won + lost, 0.5) >= _LOSS_LEVEL:
        return list(plans), ()
    note = (
        f"Fusing with {weighting} loses on the references: {lost} that {best.name} alone gets "
        f"right against {won} the other way. Only {best.name} is used."
    )
    kept = [
        plan
        if plan.name == best.name or not plan.used
        else replace(plan, used=False, why=f"dropped: fusing with it loses against {best.name}")
        for plan in plans
    ]
    return kept, (note,)


def fixed_weights(plans: Sequence[AlignmentPlan], *, weighting: str) -> list[float] | None:
    """What ``fuse`` needs beside the logits: the coefficients of a ``stacked`` pool."""
    if weighting != "stacked":
        return None
    coefficients = [plan.coefficient for plan in plans]
    return coefficients if any(value > 0 for value in coefficients) else [1.0] * len(plans)
