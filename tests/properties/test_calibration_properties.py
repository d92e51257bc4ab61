from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planted_references import Planted, planted, top1
from sightglass.fusion import WEIGHTINGS, FusionPlan, Material
from sightglass.fusion.logit_scales import a_priori_scale, likelihood_scale

weightings = st.sampled_from(WEIGHTINGS)


class Case(NamedTuple):
    """A planted case and numbers to turn it around with."""

    planted: Planted
    rng: np.random.Generator

    @property
    def n_classes(self) -> int:
        return next(iter(self.planted.material.values())).pictures.shape[1]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    seed = draw(st.integers(0, 2**32 - 1))
    n_classes = draw(st.sampled_from([2, 3, 10]))
    case = planted(
        seed,
        n_classes=n_classes,
        per_class=draw(st.sampled_from([1, 5, 20])),
        n_pictures=draw(st.sampled_from([0, 20, 120])),
        text=draw(st.sampled_from([0.0, 1.0, 3.0])),
        image=draw(st.sampled_from([0.0, 0.5, 2.0])),
        gap=draw(st.sampled_from([0.0, 0.0, 1.0])),
        by_construction=draw(st.booleans()),
    )
    return Case(case, np.random.default_rng(seed))


def turned(case: Planted, **change: object) -> Planted:
    """The same with every matrix of a part rewritten by a function."""
    same = {"pictures": lambda matrix: matrix, "references": lambda matrix: matrix}
    rewrite = {**same, **change}
    material = {
        name: Material(
            references=rewrite["references"](one.references),
            pictures=rewrite["pictures"](one.pictures),
        )
        for name, one in case.material.items()
    }
    return case._replace(material=material)


def numbers(plan: FusionPlan) -> list[tuple[float, float]]:
    return [(one.logit_scale, one.coefficient) for one in plan.alignments]


def assert_alike(one: FusionPlan, other: FusionPlan) -> None:
    """Equal but for rounding."""
    # The fit stops at a slope of 1e-7: coefficients have some five digits.
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-4, atol=1e-4)
    for mine, theirs in zip(one.alignments, other.alignments, strict=True):
        assert mine.used == theirs.used
        assert mine.why == theirs.why
        assert mine.scale_source == theirs.scale_source
    assert one.notes == other.notes


@settings(max_examples=60)
@given(cases(), weightings)
def test_every_plan_is_sound(case: Case, weighting: str) -> None:
    plan = case.planted.plan(weighting)
    assert plan.used
    assert np.isfinite(numbers(plan)).all()
    for one in plan.alignments:
        assert one.logit_scale > 0
        assert one.coefficient >= 0
        assert one.why
        if one.leave_one_out is not None:
            assert case.planted.by_construction.all()
    assert (plan.evidence > 0) == any(one.leave_one_out is not None for one in plan.alignments)


@settings(max_examples=40)
@given(cases(), weightings)
def test_another_order_of_classes_leaves_the_plan_as_it_is(case: Case, weighting: str) -> None:
    order = case.rng.permutation(case.n_classes)
    place = np.argsort(order)
    other = turned(
        case.planted,
        pictures=lambda matrix: matrix[:, order],
        references=lambda matrix: matrix[:, order],
    )._replace(labels=place[case.planted.labels], truth=place[case.planted.truth])
    one, two = case.planted.plan(weighting), other.plan(weighting)
    assert_alike(one, two)
    if len(other.truth):
        # Either scores both alike, but for a tie or two.
        mine = top1(case.planted.material, one, case.planted.truth)
        assert abs(top1(other.material, two, other.truth) - mine) <= 2 / len(other.truth)


@settings(max_examples=40)
@given(cases(), weightings)
def test_the_order_of_references_and_of_pictures_is_irrelevant(case: Case, weighting: str) -> None:
    first = next(iter(case.planted.material.values()))
    references = case.rng.permutation(len(first.references))
    pictures = case.rng.permutation(len(first.pictures))
    other = turned(
        case.planted,
        pictures=lambda matrix: matrix[pictures],
        references=lambda matrix: matrix[references],
    )._replace(
        labels=case.planted.labels[references],
        by_construction=case.planted.by_construction[references],
    )
    assert_alike(case.planted.plan(weighting), other.plan(weighting))


@settings(max_examples=40)
@given(cases(), st.floats(0.5, 2.0))
def test_similarities_times_k_have_scales_divided_by_k(case: Case, k: float) -> None:
    for one in case.planted.material.values():
        expected = a_priori_scale(one.pictures)
        found = a_priori_scale(k * one.pictures)
        assert (found is None) == (expected is None) == (len(one.pictures) == 0)
        if expected is not None:
            np.testing.assert_allclose(found, expected / k, rtol=1e-9)
        likely = likelihood_scale(one.references, case.planted.labels)
        if 0.1 < likely < 1000:  # away from the ends of the range
            again = likelihood_scale(k * one.references, case.planted.labels)
            np.testing.assert_allclose(again, likely / k, rtol=1e-6)


@settings(max_examples=40)
@given(cases(), st.floats(-0.5, 0.5))
def test_a_constant_added_to_all_similarities_changes_no_scale(case: Case, by: float) -> None:
    moved = turned(
        case.planted,
        pictures=lambda matrix: matrix + by,
        references=lambda matrix: matrix + by,
    )
    one, other = case.planted.plan(), moved.plan()
    np.testing.assert_allclose(
        [each.logit_scale for each in other.alignments],
        [each.logit_scale for each in one.alignments],
        rtol=1e-4,
    )


@settings(max_examples=40)
@given(cases(), weightings)
def test_harvested_references_never_use_leave_one_out(case: Case, weighting: str) -> None:
    labels = case.planted.labels
    harvested = case.planted._replace(by_construction=np.zeros(len(labels), bool))
    plan = harvested.plan(weighting)
    assert plan.evidence == 0
    # Nor does it matter what they look like to each other.
    noise = turned(harvested, references=lambda matrix: case.rng.standard_normal(matrix.shape))
    assert noise.plan(weighting) == plan


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("seed", range(4))
def test_worthless_references_never_cost_the_names_much(seed: int, weighting: str) -> None:
    for per_class, by_construction in ((1, True), (8, True), (8, False)):
        case = planted(seed, per_class=per_class, image=0.0, by_construction=by_construction)
        names = float((case.material["text_image"].pictures.argmax(axis=1) == case.truth).mean())
        assert case.top1(case.plan(weighting)) >= names - 0.02
