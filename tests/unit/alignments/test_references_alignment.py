from __future__ import annotations

import math

import numpy as np
import pytest

import fusion_oracle
from sightglass.alignments import align_references, align_text_image
from sightglass.encoders.embeddings import unit_rows
from sightglass.errors import InputError, ShapeError, UnknownNameError

IMAGE = np.array([[1.0, 0.0]])


def at_cosines(*cosines: float) -> np.ndarray:
    """Unit rows in the plane with these cosines to ``IMAGE``."""
    return np.array([[cosine, math.sqrt(1 - cosine * cosine)] for cosine in cosines])


def rows(seed: int, n: int, dim: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, dim)))


@pytest.mark.parametrize(
    ("cosines", "means"),
    [
        # (.70 + .66) / 2, .74, (.52 + .50 + .54) / 3 and the like, by hand
        ((0.70, 0.66, 0.74, 0.52, 0.50, 0.54), (0.68, 0.74, 0.52)),
        ((0.30, 0.20, 0.45, 0.10, 0.05, 0.00), (0.25, 0.45, 0.05)),
    ],
)
def test_a_class_has_the_mean_of_its_references_however_many_they_are(
    cosines: tuple[float, ...], means: tuple[float, ...]
) -> None:
    logits, judged = align_references(
        IMAGE, at_cosines(*cosines), np.array([0, 0, 1, 2, 2, 2]), n_classes=3, logit_scale=10.0
    )
    np.testing.assert_allclose(logits, [10 * np.array(means)], rtol=1e-6)
    assert judged.tolist() == [True, True, True]


@pytest.mark.parametrize(
    ("pooling", "expected", "best"), [("mean", (0.6, 0.5), 0), ("half_sum", (0.6, 0.75), 1)]
)
def test_half_the_sum_prefers_the_class_with_more_references_and_the_mean_does_not(
    pooling: str, expected: tuple[float, float], best: int
) -> None:
    logits, _ = align_references(
        IMAGE,
        at_cosines(0.6, 0.6, 0.5, 0.5, 0.5),
        np.array([0, 0, 1, 1, 1]),
        n_classes=2,
        logit_scale=1.0,
        pooling=pooling,
    )
    np.testing.assert_allclose(logits, [expected], rtol=1e-6)
    assert logits.argmax() == best


def test_rows_that_are_no_unit_rows_turn_the_answer_round() -> None:
    # Cosines 0.30 and 0.26; lengths 8 and 10 make dot products of 2.4 and 2.6 of them.
    long = at_cosines(0.30, 0.26) * np.array([[8.0], [10.0]])
    raw = align_text_image(IMAGE, long, logit_scale=1.0)
    unit = align_text_image(IMAGE, unit_rows(long), logit_scale=1.0)
    np.testing.assert_allclose(raw, [[2.4, 2.6]], rtol=1e-6)
    np.testing.assert_allclose(unit, [[0.30, 0.26]], rtol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "half_sum"])
@pytest.mark.parametrize(
    ("n_images", "n_references", "n_classes", "dim"),
    [(1, 1, 1, 3), (7, 20, 5, 16), (3, 9, 50, 64), (40, 60, 12, 8)],
)
def test_logits_agree_with_plain_loops_over_single_references(
    n_images: int, n_references: int, n_classes: int, dim: int, pooling: str
) -> None:
    images, references = rows(1, n_images, dim), rows(2, n_references, dim)
    labels = np.random.default_rng(3).integers(0, n_classes, n_references)
    logits, judged = align_references(
        images, references, labels, n_classes=n_classes, logit_scale=30.0, pooling=pooling
    )
    expected = fusion_oracle.reference_logits(
        images.tolist(),
        references.tolist(),
        labels.tolist(),
        n_classes=n_classes,
        scale=30.0,
        pooling=pooling,
    )
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=3e-5)
    has_some = [c in labels.tolist() for c in range(n_classes)]
    assert judged.tolist() == (has_some if pooling == "mean" else [True] * n_classes)


def test_a_class_without_references_is_minus_infinity_and_not_judged() -> None:
    logits, judged = align_references(
        IMAGE, at_cosines(-0.5), np.array([1]), n_classes=3, logit_scale=2.0
    )
    assert logits.tolist() == [[-math.inf, -1.0, -math.inf]]
    assert judged.tolist() == [False, True, False]


def test_half_the_sum_gives_a_class_without_references_the_similarity_nought() -> None:
    logits, judged = align_references(
        IMAGE, at_cosines(-0.5), np.array([1]), n_classes=3, logit_scale=2.0, pooling="half_sum"
    )
    assert logits.tolist() == [[0.0, -0.5, 0.0]]
    assert judged.tolist() == [True, True, True]


def test_references_may_come_in_any_order() -> None:
    images, references = rows(1, 4, 8), rows(2, 12, 8)
    labels = np.array([0, 1, 2, 3] * 3)
    order = np.random.default_rng(5).permutation(12)
    one, _ = align_references(images, references, labels, n_classes=4, logit_scale=50.0)
    other, _ = align_references(
        images, references[order], labels[order], n_classes=4, logit_scale=50.0
    )
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_opposite_references_leave_no_preference_and_no_division_by_zero() -> None:
    # The mean of a row and its opposite has length 0: it is not scaled back to length 1.
    references = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    logits, judged = align_references(
        IMAGE, references, np.array([0, 0, 1]), n_classes=2, logit_scale=100.0
    )
    assert logits.tolist() == [[0.0, 0.0]]
    assert judged.all()


def test_logits_are_float32_and_the_inputs_are_left_alone() -> None:
    images, references, labels = rows(1, 3, 8), rows(2, 2, 8), np.array([1, 0], np.uint8)
    before = images.copy(), references.copy()
    logits, judged = align_references(images, references, labels, n_classes=2, logit_scale=9.0)
    assert (logits.dtype, judged.dtype) == (np.float32, bool)
    assert np.array_equal(images, before[0])
    assert np.array_equal(references, before[1])


def test_no_images_give_no_rows() -> None:
    logits, judged = align_references(
        np.empty((0, 2)), at_cosines(0.5), np.array([0]), n_classes=2, logit_scale=1.0
    )
    assert logits.shape == (0, 2)
    assert judged.tolist() == [True, False]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 3], "labels must be class indices from 0 to 2, got 3 for reference 1."),
        ([-1, 0], "labels must be class indices from 0 to 2, got -1 for reference 0."),
    ],
)
def test_a_label_that_is_no_class_is_refused_with_its_place(
    labels: list[int], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        align_references(
            IMAGE, at_cosines(0.5, 0.6), np.array(labels), n_classes=3, logit_scale=1.0
        )
    assert str(caught.value) == f"align_references: {sentence}"


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (np.array([0]), "int64 (1,)"),
        (np.array([[0, 1]]), "int64 (1, 2)"),
        (np.array([0.0, 1.0]), "float64 (2,)"),
        (np.array([True, False]), "bool (2,)"),
    ],
)
def test_labels_that_are_not_one_whole_number_per_reference_are_refused(
    labels: np.ndarray, what: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        align_references(IMAGE, at_cosines(0.5, 0.6), labels, n_classes=3, logit_scale=1.0)
    assert str(caught.value) == (
        f"align_references: one whole number per reference is needed as its label, got {what} for "
        f"2 references."
    )


def test_no_reference_at_all_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        align_references(IMAGE, np.empty((0, 2)), np.empty(0, int), n_classes=2, logit_scale=1.0)
    assert str(caught.value) == (
        "align_references: at least one reference is needed, got none. Without references, leave "
        "this alignment out."
    )


def test_rows_of_two_encoders_are_refused_with_both_shapes() -> None:
    with pytest.raises(ShapeError) as caught:
        align_references(
            np.ones((8, 512)), np.ones((3, 768)), np.zeros(3, int), n_classes=2, logit_scale=1.0
        )
    assert str(caught.value) == (
        "align_references: image_embeddings and reference_embeddings need the same width, got "
        "(8, 512) and (3, 768). Were they made by the same encoder?"
    )


def test_a_scale_or_a_pooling_that_means_nothing_is_refused() -> None:
    given = (IMAGE, at_cosines(0.5), np.array([0]))
    with pytest.raises(InputError, match="logit_scale must be a finite number above 0, got 0"):
        align_references(*given, n_classes=2, logit_scale=0.0)
    with pytest.raises(UnknownNameError, match=r"Unknown pooling 'maen'\. Did you mean 'mean'"):
        align_references(*given, n_classes=2, logit_scale=1.0, pooling="maen")
