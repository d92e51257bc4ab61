from __future__ import annotations

import numpy as np
import pytest

import oracle
from sightglass.alignments import align_text_image
from sightglass.errors import InputError, ShapeError


def unit_rows(seed: int, n: int, dim: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return (rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))).astype(np.float32)


def test_a_logit_is_the_cosine_times_the_scale() -> None:
    # (0.6, 0.8) has length 1; its cosines with (1, 0), (0, 1) and (-0.6, -0.8) are 0.6, 0.8, -1.
    image = np.array([[0.6, 0.8]])
    classes = np.array([[1.0, 0.0], [0.0, 1.0], [-0.6, -0.8]])
    logits = align_text_image(image, classes, logit_scale=10.0)
    np.testing.assert_allclose(logits, [[6.0, 8.0, -10.0]], rtol=1e-7)


@pytest.mark.parametrize(("n_images", "n_classes", "dim"), [(1, 2, 3), (7, 5, 64), (3, 40, 512)])
@pytest.mark.parametrize("scale", [0.5, 30.0, 117.3])
def test_logits_agree_with_plain_loops(
    n_images: int, n_classes: int, dim: int, scale: float
) -> None:
    images, classes = unit_rows(1, n_images, dim), unit_rows(2, n_classes, dim)
    expected = oracle.text_image_logits(images.tolist(), classes.tolist(), scale)
    logits = align_text_image(images, classes, logit_scale=scale)
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-6 * scale)


def test_logits_are_float32_whatever_comes_in() -> None:
    assert align_text_image(np.eye(2), np.eye(2, dtype=np.float32), logit_scale=1.0).dtype == (
        np.float32
    )


def test_what_float32_would_lose_in_the_sum_is_kept() -> None:
    # 1 + 2^-30 - 1: in float32 the middle term vanishes beside the first.
    image = np.array([[1.0, 2.0**-30, -1.0]], np.float32)
    logits = align_text_image(image, np.ones((1, 3), np.float32), logit_scale=1.0)
    assert logits.tolist() == [[2.0**-30]]


def test_no_images_give_no_rows() -> None:
    logits = align_text_image(np.empty((0, 4)), np.eye(4), logit_scale=1.0)
    assert logits.shape == (0, 4)


def test_the_inputs_are_left_alone() -> None:
    images, classes = unit_rows(1, 3, 8), unit_rows(2, 2, 8)
    before = images.copy(), classes.copy()
    align_text_image(images, classes, logit_scale=100.0)
    assert np.array_equal(images, before[0])
    assert np.array_equal(classes, before[1])


def test_rows_of_two_encoders_are_refused_with_both_shapes() -> None:
    with pytest.raises(ShapeError) as caught:
        align_text_image(np.ones((8, 512)), np.ones((3, 768)), logit_scale=1.0)
    assert str(caught.value) == (
        "align_text_image: image_embeddings and class_embeddings need the same width, got (8, 512) "
        "and (3, 768). Were they made by the same encoder?"
    )


@pytest.mark.parametrize(
    ("images", "classes", "name"),
    [
        (np.ones(4), np.ones((2, 4)), "image_embeddings"),
        (np.ones((2, 4)), np.ones(4), "class_embeddings"),
        (np.ones((1, 2, 4)), np.ones((2, 4)), "image_embeddings"),
    ],
)
def test_a_single_row_without_its_axis_is_refused(
    images: np.ndarray, classes: np.ndarray, name: str
) -> None:
    wrong = images if name == "image_embeddings" else classes
    with pytest.raises(ShapeError) as caught:
        align_text_image(images, classes, logit_scale=1.0)
    assert str(caught.value) == (
        f"align_text_image: {name} needs two axes (rows, width), got shape {wrong.shape}."
    )


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_not_above_zero_is_refused(scale: float) -> None:
    with pytest.raises(InputError) as caught:
        align_text_image(np.eye(2), np.eye(2), logit_scale=scale)
    assert str(caught.value) == (
        f"align_text_image: logit_scale must be a finite number above 0, got {scale}."
    )
