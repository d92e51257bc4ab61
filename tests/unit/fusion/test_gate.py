from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, VISION_ONLY
from sightglass.fusion.agreement import Hits
from sightglass.fusion.gate import best_single_if_fusion_loses, fixed_weights, gated
from sightglass.fusion.plan import AlignmentPlan

NEVER = -np.inf
GOOD, CHANCE = Hits(hits=60, n=100, chance=0.1), Hits(hits=12, n=100, chance=0.1)
EVERY = dict.fromkeys((TEXT_IMAGE, IMAGE_IMAGE, VISION_ONLY), np.ones(10, bool))


def plan(name: str, *, loo: Hits | None = None, agreement: Hits | None = None) -> AlignmentPlan:
    return AlignmentPlan(
        name=name, logit_scale=1.0, scale_source="a test", leave_one_out=loo, agreement=agreement
    )


def used(plans: list[AlignmentPlan]) -> list[str]:
    return [one.name for one in plans if one.used]


def test_what_is_no_better_than_chance_is_dropped_and_says_so() -> None:
    plans = gated([plan(TEXT_IMAGE, loo=GOOD), plan(IMAGE_IMAGE, loo=CHANCE)], EVERY)
    assert used(plans) == [TEXT_IMAGE]
    assert plans[0].why == "finds 60.0% of references by the others (100 pictures, chance 10.0%)"
    assert plans[1].why == (
        "dropped: no better than chance, finds 12.0% of references by the others "
        "(100 pictures, chance 10.0%)"
    )


def test_class_names_at_chance_are_dropped_too() -> None:
    plans = gated([plan(TEXT_IMAGE, loo=CHANCE), plan(IMAGE_IMAGE, loo=GOOD)], EVERY)
    assert used(plans) == [IMAGE_IMAGE]


def test_leave_one_out_goes_before_agreement() -> None:
    one = plan(IMAGE_IMAGE, loo=GOOD, agreement=CHANCE)
    assert used(gated([plan(TEXT_IMAGE, loo=GOOD), one], EVERY)) == [TEXT_IMAGE, IMAGE_IMAGE]


def test_agreement_decides_where_there_is_no_leave_one_out() -> None:
    plans = gated(
        [plan(TEXT_IMAGE), plan(IMAGE_IMAGE, agreement=GOOD), plan(VISION_ONLY, agreement=CHANCE)],
        EVERY,
    )
    assert used(plans) == [TEXT_IMAGE, IMAGE_IMAGE]
    assert plans[0].why == "the yardstick of the others; used as it is"
    assert "of the class names' most confident answers" in plans[1].why


def test_with_nothing_to_judge_by_all_stay() -> None:
    plans = gated([plan(TEXT_IMAGE), plan(IMAGE_IMAGE)], EVERY)
    assert used(plans) == [TEXT_IMAGE, IMAGE_IMAGE]
    assert plans[1].why == "too few references or pictures to judge it; used as it is"


def test_class_names_stay_where_nothing_is_better_than_chance() -> None:
    plans = gated([plan(TEXT_IMAGE, loo=CHANCE), plan(IMAGE_IMAGE, loo=CHANCE)], EVERY)
    assert used(plans) == [TEXT_IMAGE]
    assert plans[0].why == (
        "no alignment is better than chance; the class names are all that is left"
    )


def test_class_names_stay_where_nobody_else_judges_some_class() -> None:
    judged = {**EVERY, IMAGE_IMAGE: np.arange(10) < 9}
    plans = gated([plan(TEXT_IMAGE, loo=CHANCE), plan(IMAGE_IMAGE, loo=GOOD)], judged)
    assert used(plans) == [TEXT_IMAGE, IMAGE_IMAGE]
    assert plans[0].why == (
        "no better than chance, but the only ones to judge the classes without references"
    )


@pytest.mark.parametrize("n_judged", [0, 1, 4])
def test_references_of_few_classes_are_dropped_whatever_else_speaks_for_them(
    n_judged: int,
) -> None:
    judged = {**EVERY, IMAGE_IMAGE: np.arange(10) < n_judged}
    plans = gated([plan(TEXT_IMAGE), plan(IMAGE_IMAGE, loo=GOOD, agreement=GOOD)], judged)
    assert used(plans) == [TEXT_IMAGE]
    assert plans[1].why == (
        f"dropped: only {n_judged} of 10 classes have references; half of them, and two at least, "
        f"are needed"
    )


def losing(lost: int, n: int = 100) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two classes, all pictures of the first. The names are right in all; references are as sure
    of the other class in the first ``lost``, and agree in the rest."""
    names = np.tile([1.0, 0.0], (n, 1))
    references = np.tile([0.0, 9.0], (n, 1))
    references[lost:] = [9.0, 0.0]
    return {TEXT_IMAGE: names, IMAGE_IMAGE: references}, np.zeros(n, int)


@pytest.mark.parametrize("weighting", ["inverse_entropy", "max", "exp_neg_entropy", "fixed"])
@pytest.mark.parametrize("lost", [0, 4, 5, 40])
def test_fusion_gives_way_to_the_best_single_where_a_sign_test_says_that_it_loses(
    lost: int, weighting: str
) -> None:
    evidence, labels = losing(lost)
    plans, notes = best_single_if_fusion_loses(
        [plan(TEXT_IMAGE), plan(IMAGE_IMAGE)], evidence, labels, weighting=weighting
    )
    # One half to the 4 is 0.0625, to the 5 is 0.03125: five losses and no gain are too many.
    significant = lost > 0 and binomtest(lost, lost, 0.5, alternative="greater").pvalue < 0.05
    assert significant == (lost >= 5)
    assert used(plans) == ([TEXT_IMAGE] if significant else [TEXT_IMAGE, IMAGE_IMAGE])
    assert len(notes) == significant


def test_the_note_counts_what_was_lost() -> None:
    evidence, labels = losing(40)
    plans, notes = best_single_if_fusion_loses(
        [plan(TEXT_IMAGE), plan(IMAGE_IMAGE)], evidence, labels, weighting="max"
    )
    assert notes == (
        "Fusing with max loses on the references: 40 that text_image alone gets right against 0 "
        "the other way. Only text_image is used.",
    )
    assert plans[1].why == "dropped: fusing with it loses against text_image"


def test_a_dropped_alignment_is_not_called_back() -> None:
    evidence, labels = losing(40)
    dropped = AlignmentPlan(name=VISION_ONLY, logit_scale=1.0, scale_source="a test", used=False)
    plans, _ = best_single_if_fusion_loses(
        [plan(TEXT_IMAGE), plan(IMAGE_IMAGE), dropped],
        {**evidence, VISION_ONLY: evidence[TEXT_IMAGE]},
        labels,
        weighting="max",
    )
    assert used(plans) == [TEXT_IMAGE]
    assert plans[2] == dropped


def test_a_single_alignment_has_nothing_to_lose_against() -> None:
    evidence, labels = losing(100)
    plans, notes = best_single_if_fusion_loses(
        [plan(IMAGE_IMAGE)], evidence, labels, weighting="max"
    )
    assert used(plans) == [IMAGE_IMAGE]
    assert notes == ()


def test_what_cannot_judge_every_class_is_never_kept_alone() -> None:
    # References know only the first two of three classes and are always right about these; the
    # names are surer, and always for the third.
    labels = np.arange(100) % 2
    references = np.where(np.eye(3)[labels] > 0, 2.0, 0.0)
    references[:, 2] = NEVER
    evidence = {TEXT_IMAGE: np.tile([0.0, 0.0, 99.0], (100, 1)), IMAGE_IMAGE: references}
    plans = [plan(TEXT_IMAGE), plan(IMAGE_IMAGE)]
    kept, notes = best_single_if_fusion_loses(plans, evidence, labels, weighting="max")
    assert used(kept) == [TEXT_IMAGE, IMAGE_IMAGE]
    assert notes == ()


def test_a_class_that_references_do_not_judge_is_still_possible_in_a_stacked_pool() -> None:
    # By hand: the names' (2.0, 0, 1.9) less their mean 1.3 and the references' (-0.3, 0.3) are
    # (0.4, -1.0, 0.6): the pool answers the third class where the names alone are right. Were it
    # impossible, the first would win and nothing be lost.
    evidence = {
        TEXT_IMAGE: np.tile([2.0, 0.0, 1.9], (50, 1)),
        IMAGE_IMAGE: np.tile([0.0, 0.6, NEVER], (50, 1)),
    }
    plans = [plan(TEXT_IMAGE), plan(IMAGE_IMAGE)]
    kept, _ = best_single_if_fusion_loses(plans, evidence, np.zeros(50, int), weighting="stacked")
    assert used(kept) == [TEXT_IMAGE]


def test_only_a_stacked_pool_has_fixed_weights() -> None:
    plans = [plan(TEXT_IMAGE), plan(IMAGE_IMAGE)]
    assert fixed_weights(plans, weighting="inverse_entropy") is None
    assert fixed_weights(plans, weighting="fixed") is None
    assert fixed_weights(plans, weighting="stacked") == [1.0, 1.0]


def test_coefficients_of_nought_throughout_count_as_equal() -> None:
    nought = AlignmentPlan(name=TEXT_IMAGE, logit_scale=1.0, scale_source="x", coefficient=0.0)
    assert fixed_weights([nought, nought], weighting="stacked") == [1.0, 1.0]
