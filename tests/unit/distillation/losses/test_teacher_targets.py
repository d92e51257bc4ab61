"""The targets that a teacher's similarities make: softmax, and transport plan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import contrastive_oracle as oracle
from sightglass.distillation import info_nce_loss, soft_target_loss
from sightglass.distillation.losses.batch_similarities import batch_similarities
from sightglass.distillation.losses.otter_targets import otter_targets
from sightglass.distillation.losses.self_targets import teacher_targets
from sightglass.distillation.losses.target import Target
from sightglass.encoders.towers.learned_scale import LearnedScale
from sightglass.errors import InputError, ShapeError

# The worked example of the specification: cosines of pictures with captions, pictures, captions.
IMAGE_TEXT = [[0.32, 0.28, 0.20], [0.25, 0.30, 0.27], [0.10, 0.22, 0.26]]
IMAGE_IMAGE = [[1.0, 0.5, 0.4], [0.5, 1.0, 0.6], [0.4, 0.6, 1.0]]
TEXT_TEXT = [[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 1.0]]
AT_20 = [
    [0.649331, 0.291763, 0.058906],
    [0.191935, 0.521732, 0.286333],
    [0.027356, 0.301545, 0.671100],
]
KEPT = [
    [0.998029, 0.001893, 0.000077],
    [0.001771, 0.996209, 0.002020],
    [0.000059, 0.001896, 0.998045],
]
REMOVED = [[0, 0.495348, 0.504652], [0.510964, 0, 0.489036], [0.482292, 0.517708, 0]]


def double(rows: Any) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def entropy_of(target: Target) -> float:
    rows = target.probabilities.tolist()
    return math.fsum(map(oracle.entropy, rows)) / len(rows)


def taught(alpha: float, *, target_scale: float = 20.0, scale: float = 10.0) -> float:
    """The whole loss of a student that has its teacher's cosines."""
    cosines = double(IMAGE_TEXT)
    images, texts = teacher_targets(cosines, scale=target_scale)
    own = info_nce_loss(cosines, logit_scale=scale)
    learned = soft_target_loss(images, scale * cosines)
    learned = learned + soft_target_loss(texts, scale * cosines.T)
    return float(alpha * own + (1 - alpha) * learned)


def test_the_softmax_targets_have_the_values_of_the_specification() -> None:
    images, _ = teacher_targets(double(IMAGE_TEXT))
    diagonal = images.probabilities.diagonal()
    np.testing.assert_allclose(diagonal, (0.982008, 0.946499, 0.982014), atol=1e-6)
    np.testing.assert_allclose(images.probabilities[0], (0.982008, 0.017986, 0.000006), atol=1e-6)
    assert entropy_of(images) == pytest.approx(0.136171, abs=1e-6)
    gentler, _ = teacher_targets(double(IMAGE_TEXT), scale=20)
    np.testing.assert_allclose(gentler.probabilities, AT_20, atol=1e-6)


def test_the_whole_loss_has_the_values_of_the_specification() -> None:
    assert taught(0.0) == pytest.approx(0.097202, abs=1e-6)
    assert taught(0.5) == pytest.approx(0.786736, abs=1e-6)
    assert taught(0.0, target_scale=10.0) == pytest.approx(0, abs=1e-12)


def test_all_of_one_part_is_that_part_alone() -> None:
    contrastive = oracle.info_nce_loss(IMAGE_TEXT, 10.0)
    assert taught(1.0) == pytest.approx(contrastive, rel=1e-12)
    back = oracle.transposed(IMAGE_TEXT)
    distillation = sum(
        oracle.soft_target_loss(oracle.teacher_target(one, 20.0), oracle.times(one, 10.0))
        for one in (IMAGE_TEXT, back)
    )
    assert taught(0.0) == pytest.approx(distillation, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([1.0, 49.4, 100.0]))
def test_a_student_that_is_its_teacher_at_the_same_scale_learns_nothing(
    seed: int, n: int, scale: float
) -> None:
    cosines = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (n, n)))
    student = cosines.clone().requires_grad_()
    student_scale = LearnedScale(math.log(scale)).double()
    images, texts = teacher_targets(cosines, scale=scale)
    loss = soft_target_loss(images, student_scale() * student)
    loss = loss + soft_target_loss(texts, student_scale() * student.T)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(student.grad, 0, atol=1e-5)
    assert student_scale.log_scale.grad.item() == pytest.approx(0, abs=1e-5)


def test_the_targets_of_captions_are_rows_of_captions() -> None:
    for cosines in (IMAGE_TEXT, oracle.transposed(IMAGE_TEXT)):
        images, texts = teacher_targets(double(cosines), scale=20)
        np.testing.assert_allclose(
            images.probabilities, oracle.teacher_target(cosines, 20), rtol=1e-9
        )
        np.testing.assert_allclose(
            texts.probabilities, oracle.teacher_target(oracle.transposed(cosines), 20), rtol=1e-9
        )


def test_mistake_1_the_scale_multiplies_the_teachers_cosines() -> None:
    divided = oracle.teacher_target(IMAGE_TEXT, 1 / 20)
    images, _ = teacher_targets(double(IMAGE_TEXT), scale=20)
    np.testing.assert_allclose(images.probabilities, AT_20, atol=1e-6)
    assert np.abs(images.probabilities.numpy() - divided).max() > 0.3


def test_mistake_4_no_gradient_reaches_the_teacher() -> None:
    given_rows = [double(each).requires_grad_() for each in (IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)]
    pictures_with_captions, pictures, captions = given_rows
    for targets in (
        teacher_targets(pictures_with_captions, image_image=pictures, text_text=captions),
        otter_targets(pictures_with_captions, pictures, captions),
    ):
        assert [each.probabilities.requires_grad for each in targets] == [False, False]
    sums = batch_similarities(*given_rows, remove_diagonal=True, where="the test")
    assert [each.requires_grad for each in sums] == [False, False]
    # A student that is its own teacher has a gradient on its own side only.
    own, _ = teacher_targets(pictures_with_captions, scale=20)
    soft_target_loss(own, 10 * pictures_with_captions).backward()
    predicted = oracle.teacher_target(IMAGE_TEXT, 10)
    np.testing.assert_allclose(
        pictures_with_captions.grad, 10 * (np.array(predicted) - AT_20) / 3, atol=1e-5
    )


def test_mistake_6_likeness_within_pictures_and_captions_makes_the_target_one_hot() -> None:
    both = {"image_image": double(IMAGE_IMAGE), "text_text": double(TEXT_TEXT)}
    with_diagonal, _ = teacher_targets(double(IMAGE_TEXT), **both)
    np.testing.assert_allclose(with_diagonal.probabilities, np.eye(3), atol=1e-6)
    # 2.4e-39 in the specification: the target says no more than the pair itself.
    assert entropy_of(with_diagonal) == pytest.approx(2.379990e-39, rel=1e-5)
    assert entropy_of(teacher_targets(double(IMAGE_TEXT))[0]) == pytest.approx(0.136171, abs=1e-6)
    without, back = teacher_targets(double(IMAGE_TEXT), **both, scale=20, remove_diagonal=True)
    cosines = oracle.summed(IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)
    # Row 0: 1.38 and 0.90 of the other two, so odds of exp(20 * 0.48).
    odds = math.exp(20 * (cosines[0][1] - cosines[0][2]))
    assert float(without.probabilities[0, 1]) == pytest.approx(odds / (1 + odds), rel=1e-9)
    for each in (without, back):
        assert each.probabilities.diagonal().tolist() == [0, 0, 0]


def test_plans_have_the_values_of_the_specification() -> None:
    three = [double(each) for each in (IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)]
    kept, _ = otter_targets(*three, remove_diagonal=False)
    np.testing.assert_allclose(kept.probabilities, KEPT, atol=1e-6)
    removed, _ = otter_targets(*three)
    np.testing.assert_allclose(removed.probabilities, REMOVED, atol=1e-6)


def lowered(matrix: list[list[float]]) -> list[list[float]]:
    """100 less on the diagonal, as published of pictures with pictures and texts with texts."""
    return [
        [entry - 100 if i == j else entry for j, entry in enumerate(row)]
        for i, row in enumerate(matrix)
    ]


@st.composite
def teachers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows of pictures and captions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(2, 6), st.integers(1, 6)))
    rows = [rng.standard_normal(shape) for _ in range(2)]
    images, texts = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in rows)
    return images, texts


@given(teachers(), st.floats(0, 2), st.floats(0, 2), st.booleans())
def test_plans_agree_with_the_published_formula_in_both_directions(
    rows: tuple[np.ndarray, np.ndarray], image_weight: float, text_weight: float, removed: bool
) -> None:
    images, texts = rows
    vt, vv, tt = (
        (one @ other.T).tolist() for one, other in ((images, texts), (images,) * 2, (texts,) * 2)
    )
    found = otter_targets(
        *(double(each) for each in (vt, vv, tt)),
        image_weight=image_weight,
        text_weight=text_weight,
        remove_diagonal=removed,
    )
    if removed:
        vv, tt = lowered(vv), lowered(tt)
    weighed = oracle.times(vv, image_weight), oracle.times(tt, text_weight)
    for target, cross in zip(found, (vt, oracle.transposed(vt)), strict=True):
        expected = oracle.naive_sinkhorn(
            oracle.summed(*weighed, cross),
            regularisation=0.15,
            iterations=5,
            without_diagonal=False,
        )
        np.testing.assert_allclose(target.probabilities, expected, rtol=1e-8, atol=1e-15)


def test_mistake_8_the_diagonal_of_a_single_pair_is_not_removed() -> None:
    one = torch.ones(1, 1)
    for call in (
        lambda: otter_targets(one, one, one),
        lambda: otter_targets(one, one, one, text_weight=0.0),
        lambda: teacher_targets(one, text_text=one, remove_diagonal=True),
    ):
        with pytest.raises(InputError, match="remove_diagonal needs at least 2 pairs, got 1"):
            call()
    for kept in (
        otter_targets(one, one, one, remove_diagonal=False),
        otter_targets(one, one, one, image_weight=0.0, text_weight=0.0),
        teacher_targets(one, remove_diagonal=True),
    ):
        assert [each.probabilities.tolist() for each in kept] == [[[1.0]], [[1.0]]]


def test_only_likeness_within_pictures_and_within_captions_loses_its_diagonal() -> None:
    three = [double(each) for each in (IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)]
    nothing = {"image_weight": 0.0, "text_weight": 0.0}
    expected = oracle.naive_sinkhorn(
        IMAGE_TEXT, regularisation=0.15, iterations=5, without_diagonal=False
    )
    found, _ = otter_targets(*three, **nothing)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-9)
    assert float(found.probabilities.diagonal().min()) > 1 / 3
    alone, _ = teacher_targets(three[0], scale=20, remove_diagonal=True)
    np.testing.assert_allclose(alone.probabilities, AT_20, atol=1e-6)
    # One of the two takes part: what is left of the pair is a factor of exp(-100 / 0.15) or so.
    for one in ({"image_weight": 0.0}, {"text_weight": 0.0}):
        assert float(otter_targets(*three, **one)[0].probabilities.diagonal().max()) < 1e-280


def test_mistake_9_and_10_the_rows_of_a_plan_sum_to_1_and_stay_as_sharp_as_the_plan() -> None:
    removed, _ = otter_targets(*(double(each) for each in (IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)))
    np.testing.assert_allclose(removed.probabilities.sum(dim=1), 1, rtol=1e-12)
    assert removed.probabilities.diagonal().tolist() == [0, 0, 0]


def test_arrays_may_stand_for_tensors() -> None:
    three = [np.array(each) for each in (IMAGE_TEXT, IMAGE_IMAGE, TEXT_TEXT)]
    np.testing.assert_allclose(otter_targets(*three)[0].probabilities, REMOVED, atol=1e-6)
    np.testing.assert_allclose(
        teacher_targets(three[0], scale=20)[0].probabilities, AT_20, atol=1e-6
    )


@pytest.mark.parametrize("weights", [{"image_weight": -1.0}, {"text_weight": math.nan}])
def test_a_weight_below_0_is_refused(weights: dict[str, float]) -> None:
    name = next(iter(weights))
    with pytest.raises(InputError, match=f"otter_targets: {name} must be a finite number of at"):
        otter_targets(torch.eye(2), torch.eye(2), torch.eye(2), **weights)


def test_matrices_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        otter_targets(torch.eye(2), torch.eye(2), torch.eye(3))
    assert str(caught.value) == (
        "otter_targets: image_text and text_text need one shape, got (2, 2) and (3, 3)."
    )
    with pytest.raises(ShapeError, match="teacher_targets: image_image needs as many columns as"):
        teacher_targets(torch.eye(2), image_image=torch.zeros(2, 3))
    with pytest.raises(InputError, match="teacher_targets: image_text must be finite throughout"):
        teacher_targets(torch.full((2, 2), torch.nan))
    with pytest.raises(InputError, match="teacher_targets: scale must be a finite number above 0"):
        teacher_targets(torch.eye(2), scale=0.0)
    with pytest.raises(InputError, match="otter_targets: regularisation must be a finite number"):
        otter_targets(torch.eye(2), torch.eye(2), torch.eye(2), regularisation=0.0)
    with pytest.raises(InputError, match="otter_targets: iterations must be a whole number of at"):
        otter_targets(torch.eye(2), torch.eye(2), torch.eye(2), iterations=0)
