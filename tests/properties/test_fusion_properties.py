from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fusion_oracle
from sightglass.alignments import align_references
from sightglass.decisions import OPEN_SET_SCORES, open_set_scores
from sightglass.encoders.embeddings import unit_rows
from sightglass.fusion import MODES, WEIGHTINGS, fuse

IMPOSSIBLE = -math.inf
modes, weightings = st.sampled_from(MODES), st.sampled_from(WEIGHTINGS)


class Case(NamedTuple):
    """Logits of one to four alignments, their masks, and what fixed weights they would have."""

    logits: list[np.ndarray]
    judged: np.ndarray
    constants: list[float]
    rng: np.random.Generator

    def fuse(self, weighting: str, mode: str, **other: Any) -> Any:
        given = {"judged": self.judged, "fixed_weights": self.constants, **other}
        return fuse(given.pop("logits", self.logits), weighting=weighting, mode=mode, **given)


def logits_of(rng: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    """Rows of one kind. Between moderate and saturated the released mode has no digits to compare:
    it then divides by about 5e-13, made of numbers near 1 that end at 1e-16."""
    if kind == "equal":
        return np.full(shape, rng.uniform(-100, 100))
    if kind == "extreme":
        return rng.choice([-1e4, 0.0, 1e4], shape)
    if kind == "gaps":
        return np.where(rng.random(shape) < 0.3, IMPOSSIBLE, rng.uniform(-8, 8, shape))
    return rng.uniform(-8, 8, shape)


@st.composite
def cases(draw: st.DrawFn, masked: bool = True) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_alignments = draw(st.integers(1, 4))
    shape = draw(st.integers(1, 5)), draw(st.sampled_from([2, 3, 4, 10, 50]))
    kinds = st.sampled_from(["moderate", "moderate", "gaps", "extreme", "equal"])
    logits = [
        logits_of(rng, draw(kinds), shape).astype(draw(st.sampled_from([np.float32, np.float64])))
        for _ in range(n_alignments)
    ]
    judged = np.ones((n_alignments, shape[1]), bool)
    if masked:
        judged = rng.random(judged.shape) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
        judged |= rng.random((n_alignments, 1)) < 0.5
    constants = rng.choice([0.0, 0.3, 1.0, 2.5], n_alignments)
    constants[rng.integers(n_alignments)] = 1.0
    return Case(logits, judged, constants.tolist(), rng)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
@given(case=cases())
def test_fusion_agrees_with_plain_loops(case: Case, weighting: str, mode: str) -> None:
    fused = case.fuse(weighting, mode)
    heads = [matrix.tolist() for matrix in case.logits]
    for row in range(len(heads[0])):
        expected = fusion_oracle.fused_row(
            [head[row] for head in heads], case.judged.tolist(), weighting, case.constants, mode
        )
        np.testing.assert_allclose(
            fused.probabilities[row], expected.probabilities, rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(fused.weights[:, row], expected.weights, rtol=1e-6)
        np.testing.assert_allclose(fused.scores[row], expected.scores, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(
            fused.distributions[:, row], expected.distributions, rtol=1e-6, atol=1e-12
        )


@given(cases(), weightings, modes)
def test_rows_sum_to_one_or_are_noughts_and_scores_to_the_weights(
    case: Case, weighting: str, mode: str
) -> None:
    fused = case.fuse(weighting, mode)
    sums = fused.probabilities.sum(axis=1)
    judging = fused.distributions.any(axis=2)
    some = (fused.weights > 0).any(axis=0)
    assert (fused.probabilities >= 0).all()
    if weighting != "stacked":
        np.testing.assert_allclose(sums, some.astype(float), atol=1e-12)
        np.testing.assert_allclose(fused.scores.sum(axis=1), fused.weights.sum(axis=0), rtol=1e-12)
    else:
        assert ((np.abs(sums - 1) < 1e-12) | (sums == 0)).all()
    assert not fused.weights[~judging].any()
    assert not fused.distributions[np.repeat(~case.judged[:, None], len(sums), axis=1)].any()
    assert not fused.probabilities[:, ~case.judged.any(axis=0)].any()


@given(cases(masked=False))
def test_confidence_weights_keep_their_bounds(case: Case) -> None:
    n_classes = case.judged.shape[1]
    weights = {name: case.fuse(name, "paper_formula").weights for name in WEIGHTINGS[:3]}
    largest, inverse, power = weights["max"], weights["inverse_entropy"], weights["exp_neg_entropy"]
    alive = np.array([np.isfinite(matrix).any(axis=1) for matrix in case.logits])
    rounding = 1e-12
    assert (largest[alive] >= 1 / n_classes - rounding).all()
    assert (largest <= 1).all()
    assert (power[alive] >= 1 / n_classes - rounding).all()
    assert (power <= largest + rounding).all()
    assert (inverse[alive] >= 1 / (math.log(n_classes) + 1e-6) - rounding).all()
    assert (inverse <= 1e6).all()


@given(cases(), weightings, modes)
def test_another_order_of_classes_only_reorders_the_columns(
    case: Case, weighting: str, mode: str
) -> None:
    order = case.rng.permutation(case.judged.shape[1])
    whole = case.fuse(weighting, mode)
    shuffled = case.fuse(
        weighting,
        mode,
        logits=[matrix[:, order] for matrix in case.logits],
        judged=case.judged[:, order],
    )
    np.testing.assert_allclose(
        shuffled.probabilities, whole.probabilities[:, order], rtol=0, atol=1e-7
    )
    np.testing.assert_allclose(shuffled.weights, whole.weights, rtol=1e-6)


@given(cases(), weightings, modes)
def test_another_order_of_alignments_changes_no_probability(
    case: Case, weighting: str, mode: str
) -> None:
    order = case.rng.permutation(len(case.logits))
    whole = case.fuse(weighting, mode)
    shuffled = case.fuse(
        weighting,
        mode,
        logits=[case.logits[a] for a in order],
        judged=case.judged[order],
        fixed_weights=[case.constants[a] for a in order],
    )
    np.testing.assert_allclose(shuffled.probabilities, whole.probabilities, rtol=1e-9, atol=1e-15)
    assert np.array_equal(shuffled.weights, whole.weights[order])


@given(cases(), weightings, modes, st.integers(-1000, 1000))
def test_a_constant_added_to_an_alignments_logits_changes_nothing(
    case: Case, weighting: str, mode: str, by: int
) -> None:
    wide = [matrix.astype(np.float64) for matrix in case.logits]
    one = case.fuse(weighting, mode, logits=wide)
    moved = case.fuse(weighting, mode, logits=[wide[0] + by, *wide[1:]])
    # 8 + 1000 has 13 digits behind the point left; the stacked pool then scales by up to 2.5.
    np.testing.assert_allclose(moved.probabilities, one.probabilities, rtol=0, atol=1e-7)
    np.testing.assert_allclose(moved.weights, one.weights, rtol=1e-5)


@given(cases(), weightings, modes, st.integers(0, 50))
def test_a_class_that_is_impossible_for_all_changes_nothing(
    case: Case, weighting: str, mode: str, place: int
) -> None:
    place = min(place, case.judged.shape[1])
    one = case.fuse(weighting, mode)
    wider = case.fuse(
        weighting,
        mode,
        logits=[np.insert(matrix, place, IMPOSSIBLE, axis=1) for matrix in case.logits],
        judged=np.insert(case.judged, place, True, axis=1),
    )
    assert not wider.probabilities[:, place].any()
    np.testing.assert_allclose(
        np.delete(wider.probabilities, place, axis=1), one.probabilities, rtol=0, atol=1e-7
    )
    np.testing.assert_allclose(wider.weights, one.weights, rtol=1e-6)


@given(cases(), st.sampled_from(WEIGHTINGS[:4]), modes, st.integers(2, 4))
def test_alignments_that_agree_in_all_say_together_what_each_says(
    case: Case, weighting: str, mode: str, times: int
) -> None:
    fused = fuse(
        [case.logits[0]] * times, judged=[case.judged[0]] * times, weighting=weighting, mode=mode
    )
    np.testing.assert_allclose(fused.probabilities, fused.distributions[0], rtol=1e-12, atol=1e-300)


@given(cases(), weightings, modes)
def test_a_row_does_not_depend_on_the_rows_beside_it(case: Case, weighting: str, mode: str) -> None:
    whole = case.fuse(weighting, mode)
    for row in range(len(case.logits[0])):
        alone = case.fuse(weighting, mode, logits=[matrix[row : row + 1] for matrix in case.logits])
        assert np.array_equal(alone.probabilities[0], whole.probabilities[row])
        assert np.array_equal(alone.weights[:, 0], whole.weights[:, row])


@given(cases(masked=False), weightings, modes)
def test_masks_that_hide_nothing_are_the_same_as_none(
    case: Case, weighting: str, mode: str
) -> None:
    one = case.fuse(weighting, mode)
    for judged in (None, [None] * len(case.logits)):
        other = case.fuse(weighting, mode, judged=judged)
        assert np.array_equal(one.probabilities, other.probabilities)


@st.composite
def with_references(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Rows of images and of references, every class with one to four of them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes, dim = draw(st.integers(2, 12)), draw(st.integers(2, 24))
    labels = rng.permutation(np.repeat(np.arange(n_classes), rng.integers(1, 5, n_classes)))
    images, references = (
        unit_rows(rng.standard_normal((n, dim))) for n in (draw(st.integers(1, 8)), len(labels))
    )
    return images, references, labels, n_classes


@given(with_references(), st.integers(2, 3))
def test_saying_every_reference_again_changes_the_half_sum_and_not_the_mean(
    case: Any, times: int
) -> None:
    images, references, labels, n_classes = case
    again, labels_again = np.tile(references, (times, 1)), np.tile(labels, times)
    answers = {}
    for pooling in ("mean", "half_sum"):
        answers[pooling] = [
            align_references(
                images, rows, of, n_classes=n_classes, logit_scale=1.0, pooling=pooling
            )[0]
            for rows, of in ((references, labels), (again, labels_again))
        ]
    one, other = answers["mean"]
    np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        fuse([other]).probabilities, fuse([one]).probabilities, rtol=0, atol=1e-6
    )
    summed, summed_again = answers["half_sum"]
    np.testing.assert_allclose(summed_again, times * summed, rtol=1e-6, atol=1e-6)
    assert not np.allclose(
        fuse([summed_again], mode="released_code").probabilities,
        fuse([summed], mode="released_code").probabilities,
        rtol=0,
        atol=1e-6,
    )


@given(with_references(), st.integers(1, 8))
def test_reference_logits_in_chunks_are_the_same_to_the_last_bit(case: Any, size: int) -> None:
    images, references, labels, n_classes = case
    given = {"n_classes": n_classes, "logit_scale": 100.0}
    whole, _ = align_references(images, references, labels, **given)
    parts = [
        align_references(images[start : start + size], references, labels, **given)[0]
        for start in range(0, len(images), size)
    ]
    assert np.array_equal(np.concatenate(parts), whole)


@given(cases(), st.sampled_from(OPEN_SET_SCORES))
def test_unknown_scores_have_their_range_and_follow_their_classes(case: Case, score: str) -> None:
    n_classes = case.judged.shape[1]
    assume(n_classes >= 3)
    known = case.rng.permutation(np.arange(n_classes) < 2)
    order = case.rng.permutation(n_classes)
    fused = case.fuse("max", "paper_formula")
    scores = open_set_scores(fused, score=score, known=known)
    assert ((scores >= 0) & (scores <= 1)).all()
    shuffled = open_set_scores(fused.scores[:, order], score=score, known=known[order])
    np.testing.assert_allclose(shuffled, scores, rtol=1e-9, atol=1e-15)
    scaled = open_set_scores(fused.scores * 3.0, score=score, known=known)
    np.testing.assert_allclose(scaled, scores, rtol=1e-9, atol=1e-12)
