from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from counting_encoder import CountingEncoder, colour_row, text_row
from sightglass.distillation.teachers.batch_pictures import BatchPictures
from sightglass.distillation.teachers.pair_similarities import joined_rows
from sightglass.distillation.teachers.pair_teachers import PairRows, PairTeacher
from sightglass.distillation.teachers.picture_rows import CropRows
from sightglass.encoders.embeddings import unit_rows
from sightglass.errors import InputError, ShapeError

COLOURS = [(200, 10, 30), (5, 250, 60), (90, 80, 255)]


def batch(colours: Sequence[tuple[int, int, int]] = COLOURS) -> BatchPictures:
    n = len(colours)
    crops = np.empty((n, 5, 5, 3), np.uint8)
    crops[:] = np.array(colours).reshape(n, 1, 1, 3)
    return BatchPictures(
        crops=crops,
        sources=np.zeros(n, np.int64),
        indices=np.arange(n),
        labels=np.full(n, -1, np.int64),
    )


def unit(row: Sequence[float]) -> list[float]:
    length = math.hypot(*row)
    return [one / length for one in row]


def some_rows(n: int, m: int, dim: int, *, seed: int) -> PairRows:
    rng = np.random.default_rng(seed)
    images, texts = (unit_rows(rng.standard_normal((count, dim))) for count in (n, m))
    return PairRows(images=torch.from_numpy(images), texts=torch.from_numpy(texts))


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return math.fsum(a * b for a, b in zip(one.tolist(), other.tolist(), strict=True))


def test_rows_are_those_of_the_crops_and_of_the_captions() -> None:
    captions = ["a tram", "banana", "a tram", ""]
    rows = PairTeacher(CountingEncoder()).rows(batch(), captions)
    assert (rows.images.dtype, rows.texts.dtype) == (torch.float32, torch.float32)
    np.testing.assert_allclose(rows.images, [colour_row(one) for one in COLOURS], atol=1e-6)
    np.testing.assert_allclose(rows.texts, [unit(text_row(one)) for one in captions], atol=1e-6)
    nothing = PairTeacher(CountingEncoder()).rows(batch(), [])
    assert nothing.texts.shape == (0, 3)


def test_a_caption_is_encoded_once_as_long_as_it_is_kept() -> None:
    encoder = CountingEncoder()
    teacher = PairTeacher(encoder, kept_texts=2)
    for captions in (["one", "two", "one"], ["two"], ["one"], ["three"]):
        teacher.rows(batch(), captions)
    assert encoder.texts == ["one", "two", "three"]
    # "two" was used longest ago and made room; a batch larger than the memory is still right.
    rows = teacher.rows(batch(), ["one", "three", "two", "four"])
    assert encoder.texts[3:] == ["two", "four"]
    expected = [unit(text_row(one)) for one in ("one", "three", "two", "four")]
    np.testing.assert_allclose(rows.texts, expected, atol=1e-6)


def test_rows_of_pictures_by_another_encoder_are_refused() -> None:
    other = CropRows(CountingEncoder(fingerprint="other"))
    teacher = PairTeacher(CountingEncoder(), pictures=other)
    with pytest.raises(InputError, match="PairTeacher: both embeddings must come from one"):
        teacher.rows(batch(), ["cat"])


def test_texts_that_depend_on_the_picture_cannot_teach() -> None:
    class Conditioned(CountingEncoder):
        def cosines(self) -> None:
            raise AssertionError

    with pytest.raises(InputError, match="PairTeacher: one row per class is needed"):
        PairTeacher(Conditioned())
    with pytest.raises(InputError, match="kept_texts"):
        PairTeacher(CountingEncoder(), kept_texts=-1)


def test_a_teachers_digest_says_which_encoder_and_whether_it_sees_the_crop() -> None:
    class Whole:
        digest, rows = "counting:whole", None

    encoder = CountingEncoder()
    assert PairTeacher(encoder).digest == PairTeacher(encoder, weight=2.0).digest
    others = [PairTeacher(CountingEncoder("other")), PairTeacher(encoder, pictures=Whole())]
    assert len({PairTeacher(encoder).digest, *(one.digest for one in others)}) == 3


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.tuples(st.floats(0.1, 5), st.integers(1, 6)), min_size=1, max_size=3),
    st.integers(0, 99),
)
def test_products_of_joined_rows_are_the_weighted_means_of_the_teachers_cosines(
    n: int, m: int, teachers: list[tuple[float, int]], seed: int
) -> None:
    rows = [some_rows(n, m, dim, seed=seed + at) for at, (_, dim) in enumerate(teachers)]
    weights = [weight for weight, _ in teachers]
    joined = joined_rows(rows, weights)
    for left, right in (("images", "texts"), ("images", "images"), ("texts", "texts")):
        products = getattr(joined, left) @ getattr(joined, right).T
        for i, entries in enumerate(products.tolist()):
            for j, entry in enumerate(entries):
                cosines = [cosine(getattr(one, left)[i], getattr(one, right)[j]) for one in rows]
                mean = math.fsum(w * c for w, c in zip(weights, cosines, strict=True))
                assert entry == pytest.approx(mean / math.fsum(weights), abs=1e-5)
    for part in joined:
        np.testing.assert_allclose(part.square().sum(dim=1), 1, atol=1e-5)


def test_a_teacher_of_weight_0_has_no_say() -> None:
    rows = [some_rows(2, 2, 3, seed=0), some_rows(2, 2, 3, seed=1)]
    images, texts = rows[0]
    joined = joined_rows(rows, [5.0, 0.0])
    torch.testing.assert_close(joined.images @ joined.texts.T, images @ texts.T)


def test_weights_and_batches_that_do_not_fit_are_refused() -> None:
    rows = [some_rows(2, 3, 4, seed=0), some_rows(2, 3, 4, seed=1)]
    for weights in ([1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan], [math.inf, 1.0]):
        with pytest.raises(InputError, match="joined_rows: 2 finite weights of at least 0 are"):
            joined_rows(rows, weights)
    others = [rows[0], some_rows(2, 4, 4, seed=1)]
    with pytest.raises(ShapeError, match=r"\[\(2, 3\), \(2, 4\)\]"):
        joined_rows(others, [1.0, 1.0])
