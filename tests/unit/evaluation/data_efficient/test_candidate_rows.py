from __future__ import annotations

import numpy as np
import pytest

from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import ShapeError
from sightglass.evaluation.data_efficient.candidate_rows import CandidateRows, candidate_rows
from sightglass.store import open_store


def rows_of(names: list[str], *templates: str) -> CandidateRows:
    return candidate_rows(names, templates, encoder=SyntheticEncoder(), store=open_store(None))


def test_equal_names_are_one_row_in_two_places() -> None:
    rows = rows_of(["red", "no colour", "red", "blue", "no_colour"], "a photo of {}.")
    assert rows.place.tolist() == [0, 1, 0, 2, 1]
    images = np.random.default_rng(0).normal(size=(7, 27)).astype(np.float32)
    cosines = rows.cosines(images)
    assert cosines.shape == (7, 5)
    assert (cosines[:, 0] == cosines[:, 2]).all()
    assert (cosines[:, 1] == cosines[:, 4]).all()


def test_cosines_are_those_of_plain_sums_and_do_not_depend_on_the_batch() -> None:
    names = ["red", "blue", "something", "red"]
    rows = rows_of(names, "a photo of {}.")
    texts = SyntheticEncoder().encode_texts([f"a photo of {name}." for name in names]).rows
    images = np.random.default_rng(1).normal(size=(5, 27)).astype(np.float32)
    expected = [[sum(map(float, image * text)) for text in texts] for image in images]
    together = rows.cosines(images)
    np.testing.assert_allclose(together, expected, atol=1e-5)
    assert all((rows.cosines(images[at : at + 1])[0] == together[at]).all() for at in range(5))


def test_several_templates_give_the_unit_mean() -> None:
    rows = rows_of(["red", "x"], "{} thing", "one {} here")
    encoder = SyntheticEncoder()
    both = encoder.encode_texts(["x thing", "one x here"]).rows.astype(np.float64)
    mean = both.sum(axis=0) / 2
    np.testing.assert_allclose(rows.distinct[1], mean / np.linalg.norm(mean), atol=1e-7)


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ShapeError, match="images and candidates need the same width"):
        rows_of(["red"], "{}").cosines(np.zeros((2, 26), np.float32))
