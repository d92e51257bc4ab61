from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planted_references import Planted, compared, planted
from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE, VISION_ONLY
from sightglass.fusion import WEIGHTINGS, FusionPlan, Material, calibrate, fuse
from sightglass.fusion.agreement import confident_answers
from sightglass.fusion.logit_scales import likelihood_scale
from sightglass.fusion.stacked_fit import fit_coefficients

NEVER = -np.inf


def of(plan: FusionPlan, name: str):
    return next(one for one in plan.alignments if one.name == name)


def used(plan: FusionPlan) -> list[str]:
    return [one.name for one in plan.used]


def alone(case: Planted, name: str) -> float:
    return float((case.material[name].pictures.argmax(axis=1) == case.truth).mean())


def sound(plan: FusionPlan) -> bool:
    numbers = [(one.logit_scale, one.coefficient) for one in plan.alignments]
    return bool(plan.used) and bool(np.isfinite(numbers).all()) and min(numbers)[0] > 0


def cut(case: Planted, *, pictures: int | None = None, references: int | None = None) -> Planted:
    """The same with fewer of both, those at the front."""
    material = {
        name: Material(references=one.references[:references], pictures=one.pictures[:pictures])
        for name, one in case.material.items()
    }
    return Planted(
        material, case.labels[:references], case.by_construction[:references], case.truth[:pictures]
    )


def test_with_references_of_their_own_the_scales_are_the_likeliest_for_these() -> None:
    case = planted(0)
    plan = case.plan("stacked")
    assert (plan.evidence, plan.pictures) == (80, 600)
    references = {name: one.references for name, one in case.material.items()}
    scales = {name: likelihood_scale(one, case.labels) for name, one in references.items()}
    expected = fit_coefficients([scales[name] * references[name] for name in scales], case.labels)
    for one, coefficient in zip(plan.alignments, expected, strict=True):
        assert one.scale_source == "leave-one-out on references"
        assert one.logit_scale == scales[one.name]
        assert one.coefficient == coefficient


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_what_is_good_adds_to_the_names_under_every_weighting(weighting: str) -> None:
    for by_construction in (True, False):
        case = planted(1, by_construction=by_construction)
        plan = case.plan(weighting)
        assert used(plan) == [TEXT_IMAGE, IMAGE_IMAGE]
        assert case.top1(plan) > alone(case, TEXT_IMAGE) + 0.2


def test_harvested_references_are_never_evidence_for_leave_one_out() -> None:
    case = planted(2, per_class=40, by_construction=False)
    plan = case.plan()
    assert plan.evidence == 0
    for one in plan.alignments:
        assert one.leave_one_out is None
        assert "leave-one-out" not in one.scale_source


def test_harvested_references_stand_beside_others_as_sisters_and_are_not_counted() -> None:
    case = planted(2, per_class=8)
    mixed = case._replace(by_construction=np.arange(80) % 2 == 0)
    plan = mixed.plan()
    assert plan.evidence == 40
    of_names = case.material[TEXT_IMAGE].references[::2]
    expected = likelihood_scale(of_names, case.labels[::2])
    assert of(plan, TEXT_IMAGE).logit_scale == expected


def test_with_pictures_alone_scales_follow_spread_and_agreement() -> None:
    case = planted(3, per_class=1)
    plan = case.plan()
    pictures = {name: one.pictures for name, one in case.material.items()}
    rows, classes = confident_answers(pictures[TEXT_IMAGE])
    share = np.mean(pictures[IMAGE_IMAGE].argmax(axis=1)[rows] == classes)
    counts = [
        np.bincount(each, minlength=10) / len(rows)
        for each in (classes, pictures[IMAGE_IMAGE].argmax(axis=1)[rows])
    ]
    chance = counts[0] @ counts[1]
    reliability = (share - chance) / (1 - chance)
    spreads = {name: one.std(axis=1).mean() for name, one in pictures.items()}
    names, references = (of(plan, name) for name in (TEXT_IMAGE, IMAGE_IMAGE))
    np.testing.assert_allclose(names.logit_scale, 3 / spreads[TEXT_IMAGE], rtol=1e-9)
    np.testing.assert_allclose(
        references.logit_scale, 3 * reliability / spreads[IMAGE_IMAGE], rtol=1e-9
    )
    np.testing.assert_allclose((names.coefficient, references.coefficient), (1.0, reliability))


def test_one_reference_per_class_still_helps() -> None:
    case = planted(4, per_class=1)
    plan = case.plan()
    assert plan.evidence == 0
    assert case.top1(plan) > alone(case, TEXT_IMAGE) + 0.1


def test_references_with_shuffled_labels_are_dropped() -> None:
    for seed in range(3):
        labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), 16))
        case = planted(seed, labels=labels, image=0.0)
        plan = case.plan()
        assert used(plan) == [TEXT_IMAGE]
        assert of(plan, IMAGE_IMAGE).why.startswith("dropped: no better than chance")
        assert case.top1(plan) == alone(case, TEXT_IMAGE)


def test_references_unlike_the_pictures_are_found_out_by_the_pictures() -> None:
    case = planted(5, gap=1.0)
    plan = case.plan()
    assert used(plan) == [TEXT_IMAGE]
    assert plan.evidence == 0
    (note,) = plan.notes
    assert note.startswith("The references tell each other's class in 100% of cases (image_image)")
    assert note.endswith("Leave-one-out is not trusted here.")
    assert case.top1(plan) == alone(case, TEXT_IMAGE)


def test_perfect_references_are_not_taken_for_ones_unlike_the_pictures() -> None:
    # Names and references without a miss: their shares promise that they always agree.
    for missed in (0, 1):
        case = planted(6, text=30.0, image=5.0, per_class=4)
        case.material[IMAGE_IMAGE].pictures[:missed] *= -1
        plan = case.plan()
        assert plan.evidence == 40
        assert plan.notes == ()


def test_names_at_chance_are_dropped_where_references_show_it() -> None:
    case = planted(7, text=0.0, image=2.0)
    plan = case.plan()
    assert used(plan) == [IMAGE_IMAGE]
    assert case.top1(plan) > 0.9


@pytest.mark.parametrize("weighting", ["inverse_entropy", "max"])
def test_an_unsure_majority_does_not_outvote_the_best(weighting: str) -> None:
    # The names are a little better than chance. What they add may not cost the references a hit.
    case = planted(8, text=1.0, image=3.0, per_class=20)
    plan = case.plan(weighting)
    assert IMAGE_IMAGE in used(plan)
    assert case.top1(plan) > alone(case, IMAGE_IMAGE) - 0.01


def test_where_fusing_loses_on_the_references_only_the_best_is_kept() -> None:
    # Two alignments, right in the same 70 %, are some 0.7 sure throughout. Where they are wrong
    # their sum of 1.4 outvotes the names, who are never wrong and give at most 1.
    case = planted(9, per_class=10, text=12.0)
    wrong = np.where(np.arange(100) % 10 < 7, case.labels, (case.labels + 1) % 10)
    other = replace(case.material[IMAGE_IMAGE], references=0.1 * np.eye(10)[wrong])
    case.material.update({IMAGE_IMAGE: other, VISION_ONLY: other})
    plan = case.plan("fixed")
    logits = [one.logit_scale * case.material[one.name].references for one in plan.alignments]
    fused = fuse(logits, weighting="fixed").probabilities.argmax(axis=1)
    np.testing.assert_allclose((fused == case.labels).mean(), 0.7, atol=0.02)
    assert used(plan) == [TEXT_IMAGE]
    assert plan.notes[0].startswith("Fusing with fixed loses on the references")


def test_references_of_fewer_than_half_of_the_classes_are_dropped() -> None:
    for pictures in (0, 600):
        few = cut(planted(10, labels=np.repeat(np.arange(4), 10)), pictures=pictures).plan()
        assert used(few) == [TEXT_IMAGE]
        assert of(few, IMAGE_IMAGE).why == (
            "dropped: only 4 of 10 classes have references; half of them, and two at least, are "
            "needed"
        )
    half = planted(10, labels=np.repeat(np.arange(5), 10)).plan()
    assert used(half) == [TEXT_IMAGE, IMAGE_IMAGE]


@pytest.mark.parametrize("weighting", ["inverse_entropy", "stacked"])
@pytest.mark.parametrize("covered", [5, 6, 9])
def test_classes_without_references_do_not_make_it_worse_than_the_names(
    covered: int, weighting: str
) -> None:
    case = planted(covered, labels=np.repeat(np.arange(covered), 10), image=1.5)
    plan = case.plan(weighting)
    assert plan.evidence == 0
    assert case.top1(plan) > alone(case, TEXT_IMAGE)


def test_without_pictures_leave_one_out_is_used_though_a_class_has_no_references() -> None:
    plan = cut(planted(4, labels=np.repeat(np.arange(4), 10)), pictures=0).plan()
    assert plan.evidence == 40


def test_references_of_a_single_class_are_dropped() -> None:
    for pictures in (0, 600):
        plan = cut(planted(11, labels=np.full(40, 3)), pictures=pictures).plan()
        assert plan.evidence == 0
        assert used(plan) == [TEXT_IMAGE]
        assert of(plan, IMAGE_IMAGE).why == (
            "dropped: only 1 of 10 classes have references; half of them, and two at least, are "
            "needed"
        )


def test_a_copy_of_an_alignment_changes_nothing_in_a_stacked_pool() -> None:
    case = planted(12, image=0.5, text=1.5)
    twice = case._replace(material={**case.material, VISION_ONLY: case.material[IMAGE_IMAGE]})
    one, two = case.plan("stacked"), twice.plan("stacked")
    both = of(two, IMAGE_IMAGE), of(two, VISION_ONLY)
    assert both[0].logit_scale == both[1].logit_scale == of(one, IMAGE_IMAGE).logit_scale
    shared = sum(each.coefficient for each in both)
    np.testing.assert_allclose(shared, of(one, IMAGE_IMAGE).coefficient, atol=1e-5)
    assert twice.top1(two) == case.top1(one)


def test_tempering_makes_the_names_as_sure_as_references_say_and_reorders_nothing() -> None:
    # One reference per class, of 40 classes: no leave-one-out, but honest names.
    case = planted(13, n_classes=40, per_class=1, n_pictures=800)
    plan = case.plan("stacked")
    harvested = case._replace(by_construction=np.zeros(40, bool)).plan("stacked")
    names = of(plan, TEXT_IMAGE)
    expected = likelihood_scale(case.material[TEXT_IMAGE].references, case.labels)
    np.testing.assert_allclose(names.coefficient * names.logit_scale, expected, rtol=1e-9)
    factors = [
        one.coefficient / other.coefficient
        for one, other in zip(plan.alignments, harvested.alignments, strict=True)
    ]
    np.testing.assert_allclose(factors, expected / names.logit_scale, rtol=1e-9)
    assert case.top1(plan) == case.top1(harvested)


def test_mislabelled_references_do_not_make_the_names_unsure() -> None:
    case = planted(13, n_classes=40, per_class=1, n_pictures=800)
    shuffled = case._replace(labels=np.random.default_rng(0).permutation(40))
    assert of(shuffled.plan("stacked"), TEXT_IMAGE).coefficient == 1.0


@pytest.mark.parametrize("pictures", [0, 1, 49])
def test_with_too_little_of_both_the_defaults_are_used(pictures: int) -> None:
    case = cut(planted(14, per_class=1), pictures=pictures)
    plan = case.plan()
    found = [(one.logit_scale, one.scale_source) for one in plan.alignments]
    assert found == [(100.0, "card"), (25.0, "default")]
    assert used(plan) == [TEXT_IMAGE, IMAGE_IMAGE]
    assert plan.pictures == pictures


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("pictures", [0, 1, 49, 50])
@pytest.mark.parametrize("references", [1, 2, 29, 30])
def test_every_amount_of_material_ends_in_a_sound_plan(
    references: int, pictures: int, weighting: str
) -> None:
    for n_classes in (2, 10):
        case = planted(15, n_classes=n_classes, per_class=16, n_pictures=60)
        assert sound(cut(case, pictures=pictures, references=references).plan(weighting))


def test_names_alone_need_no_references() -> None:
    case = cut(planted(16), references=0)
    names = {TEXT_IMAGE: case.material[TEXT_IMAGE]}
    plan = calibrate(
        names, case.labels, case.by_construction, text_scale=20.0, weighting="inverse_entropy"
    )
    assert used(plan) == [TEXT_IMAGE]
    assert of(plan, TEXT_IMAGE).scale_source == "spread over unlabelled pictures"


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("value", [0.0, 0.3, np.nan, np.inf, NEVER])
@pytest.mark.parametrize("name", [TEXT_IMAGE, IMAGE_IMAGE])
@pytest.mark.parametrize("part", ["pictures", "references"])
def test_material_that_says_nothing_ends_in_a_sound_plan(
    part: str, name: str, value: float, weighting: str
) -> None:
    case = planted(17, n_pictures=60)
    empty = np.full_like(getattr(case.material[name], part), value)
    case.material[name] = replace(case.material[name], **{part: empty})
    assert sound(case.plan(weighting))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_no_number_counts_for_nothing(value: float) -> None:
    case = planted(18)
    plan = case.plan("stacked")
    for name, one in case.material.items():
        case.material[name] = Material(
            references=np.vstack([one.references, np.full((1, 10), value)]),
            pictures=np.vstack([one.pictures, np.full((1, 10), value)]),
        )
    longer = case._replace(
        labels=np.append(case.labels, 0), by_construction=np.append(case.by_construction, True)
    )
    again = longer.plan("stacked")
    for one, other in zip(plan.alignments, again.alignments, strict=True):
        assert one == other


def test_the_plan_has_a_record_of_why() -> None:
    record = of(planted(0).plan(), IMAGE_IMAGE).as_record()
    assert record["leave_one_out"] == {"accuracy": 1.0, "chance": 0.1, "n": 80}
    assert record["why"] == "finds 100.0% of references by the others (80 pictures, chance 10.0%)"


def test_the_planted_references_are_what_they_are_said_to_be() -> None:
    rng, truth, labels = np.random.default_rng(0), np.zeros(5, int), np.array([0, 1, 1])
    made = compared(rng, truth, labels, n_classes=3, signal=1.0)
    assert np.isfinite(made.pictures).any(axis=0).tolist() == [True, True, False]
    assert np.isfinite(made.references).tolist() == [
        [False, True, False],
        [True, True, False],
        [True, True, False],
    ]
