from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from sightglass.decisions import distance_scores, max_cosine_scores, nearest_reference_scores
from sightglass.encoders.embeddings import unit_rows
from sightglass.errors import InputError, ShapeError


def test_the_score_is_one_less_the_largest_cosine() -> None:
    similarity = np.array([[0.25, 0.5, -1.0], [-0.25, -0.5, -1.0]])
    assert max_cosine_scores(similarity).tolist() == [0.5, 1.25]


def test_classes_that_are_not_judged_take_no_part() -> None:
    similarity = np.array([[0.25, math.nan, 0.125], [0.5, math.inf, -math.inf]])
    scores = max_cosine_scores(similarity, np.array([True, False, True]))
    assert scores.tolist() == [0.75, 0.5]


def test_what_cannot_be_compared_is_refused() -> None:
    similarity = np.zeros((3, 2))
    with pytest.raises(ShapeError) as caught:
        max_cosine_scores(similarity, np.array([True]))
    assert str(caught.value) == (
        "max_cosine_scores: judged needs True or False for each of 2 classes, got bool (1,)."
    )
    with pytest.raises(InputError) as caught_empty:
        max_cosine_scores(similarity, np.array([False, False]))
    assert str(caught_empty.value) == (
        "max_cosine_scores: at least one judged class is needed, got none of 2."
    )
    similarity[2, 1] = math.nan
    with pytest.raises(InputError) as caught_nan:
        max_cosine_scores(similarity)
    assert str(caught_nan.value) == (
        "max_cosine_scores: similarities of judged classes must be numbers, got nan in row 2."
    )
    with pytest.raises(ShapeError, match="max_cosine_scores: similarity needs two axes"):
        max_cosine_scores(np.zeros(3))


@pytest.mark.parametrize("block", [1, 7, 2048])
def test_the_nearest_reference_is_the_one_that_scikit_learn_finds(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distance_scores, "BLOCK", block)
    rng = np.random.default_rng(5)
    images, references = (unit_rows(rng.standard_normal((n, 12))) for n in (30, 21))
    nearest = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(references)
    expected, _ = nearest.kneighbors(images)
    np.testing.assert_allclose(
        nearest_reference_scores(images, references), expected[:, 0], rtol=0, atol=1e-6
    )


def test_an_image_that_is_a_reference_is_at_distance_nought() -> None:
    rows = unit_rows(np.random.default_rng(6).standard_normal((4, 9)))
    np.testing.assert_allclose(nearest_reference_scores(rows, rows), 0.0, atol=1e-6)


def test_no_images_have_no_scores() -> None:
    assert max_cosine_scores(np.empty((0, 3))).shape == (0,)
    assert nearest_reference_scores(np.empty((0, 3)), np.eye(3)).shape == (0,)


def test_references_are_needed_and_must_come_from_the_same_encoder() -> None:
    with pytest.raises(InputError) as caught:
        nearest_reference_scores(np.eye(3), np.empty((0, 3)))
    assert str(caught.value) == (
        "nearest_reference_scores: at least one reference is needed, got none."
    )
    with pytest.raises(ShapeError, match="need the same width"):
        nearest_reference_scores(np.eye(3), np.eye(4))
