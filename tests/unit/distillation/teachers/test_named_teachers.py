from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counting_encoder import CountingEncoder, colour_row, text_row
from sightglass.distillation.losses.target import Target
from sightglass.distillation.prompts.teachers import FusedTeacher
from sightglass.distillation.teachers.batch_pictures import BatchPictures
from sightglass.distillation.teachers.named_mixture import MixedTeacher
from sightglass.distillation.teachers.named_teachers import (
    CosineTeacher,
    LabelTeacher,
    SettledTeacher,
)
from sightglass.distillation.teachers.picture_rows import CropRows
from sightglass.encoders.embeddings import Embeddings
from sightglass.errors import InputError, UnknownNameError

NAMES = ("tabby cat", "barn owl", "tram")
COLOURS = [(200, 10, 30), (5, 250, 60), (90, 80, 255), (1, 2, 3)]
CLASSES = Embeddings.of(np.array([text_row(one) for one in NAMES]), fingerprint="counting")
SETTLED = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.1, 0.1, 0.8]])


def batch(
    *, sources: list[int], indices: list[int] | None = None, labels: list[int] | None = None
) -> BatchPictures:
    n = len(sources)
    crops = np.empty((n, 5, 5, 3), np.uint8)
    crops[:] = np.array(COLOURS[:n]).reshape(n, 1, 1, 3)
    return BatchPictures(
        crops=crops,
        sources=np.array(sources, np.int64),
        indices=np.arange(n) if indices is None else np.array(indices, np.int64),
        labels=np.full(n, -1) if labels is None else np.array(labels, np.int64),
    )


def by_encoder(**changes: object) -> CosineTeacher:
    told = {"logit_scale": 7.0, **changes}
    return CosineTeacher("counting", CropRows(CountingEncoder()), CLASSES, **told)  # type: ignore[arg-type]


def encoder_rows(n: int, scale: float = 7.0) -> np.ndarray:
    """Its softmax, in plain loops."""
    rows = []
    for colour in COLOURS[:n]:
        logits = []
        for name in NAMES:
            text = text_row(name)
            product = math.fsum(a * b for a, b in zip(colour_row(colour), text, strict=True))
            logits.append(scale * product / math.hypot(*text))
        powers = [math.exp(one) for one in logits]
        rows.append([one / math.fsum(powers) for one in powers])
    return np.array(rows)


def test_a_labelled_picture_shows_its_class_whatever_its_source_calls_it() -> None:
    # Each source counts its own classes; spelling aside they are among the names.
    teacher = LabelTeacher({0: ["Tram", "tabby_cat"], 4: ["barn owl"]}, NAMES)
    rows = teacher.rows(batch(sources=[0, 4, 0], labels=[0, 0, 1]))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_smoothing_is_shared_by_the_other_names() -> None:
    teacher = LabelTeacher({0: NAMES}, NAMES, smoothing=0.2)
    rows = teacher.rows(batch(sources=[0], labels=[1]))
    np.testing.assert_allclose(rows, [[0.1, 0.8, 0.1]], atol=1e-7)
    for smoothing in (-0.1, 1.0, math.nan):
        with pytest.raises(InputError, match="smoothing must be at least 0 and below 1"):
            LabelTeacher({0: NAMES}, NAMES, smoothing=smoothing)
    with pytest.raises(InputError, match=r"needs two names to share, got 0\.1 for 1 names"):
        LabelTeacher({}, NAMES[:1], smoothing=0.1)
    assert LabelTeacher({0: ["tram"]}, ["tram"]).rows(batch(sources=[0], labels=[0])) == 1


def test_a_class_that_is_none_of_the_names_is_told_with_its_like() -> None:
    with pytest.raises(UnknownNameError, match=r"class of the data 'trams'.*Did you mean 'tram'"):
        LabelTeacher({0: ["trams"]}, NAMES)


def test_labels_are_silent_on_pictures_without_one() -> None:
    teacher = LabelTeacher({1: NAMES}, NAMES)
    pictures = batch(sources=[1, 1, 0], labels=[2, -1, 2])
    assert teacher.knows(pictures).tolist() == [True, False, False]
    with pytest.raises(InputError, match=r"labels: .* got 2 others, the first row 1 of source 1"):
        teacher.rows(pictures)


@pytest.mark.parametrize("scale", [1.0, 7.0, 500.0])
def test_an_encoder_gives_the_softmax_of_its_cosines(scale: float) -> None:
    pictures = batch(sources=[0, 1, 2, 0])
    teacher = by_encoder(logit_scale=scale)
    rows = teacher.rows(pictures)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, encoder_rows(4, scale), atol=2e-5 * scale**0.5)
    assert teacher.knows(pictures).all()
    Target.of(rows)  # checks that rows are distributions


def test_an_encoder_needs_a_scale_and_texts_of_its_own() -> None:
    with pytest.raises(InputError, match="the encoder's card states none"):
        by_encoder(logit_scale=None)
    with pytest.raises(InputError, match="counting: logit_scale must be a finite number above 0"):
        by_encoder(logit_scale=0.0)
    foreign = Embeddings(rows=CLASSES.rows, fingerprint="other")
    teacher = CosineTeacher("t", CropRows(CountingEncoder()), foreign, logit_scale=1.0)
    with pytest.raises(InputError, match="t: both embeddings must come from one encoder"):
        teacher.rows(batch(sources=[0]))


def test_settled_distributions_are_picked_by_the_rows_place_in_its_source() -> None:
    teacher = SettledTeacher(FusedTeacher(SETTLED, name="fusion"), source=3)
    pictures = batch(sources=[3, 3, 3], indices=[2, 0, 1])
    rows = teacher.rows(pictures)
    # Floored at 1e-6 by the teacher itself.
    np.testing.assert_allclose(rows, SETTLED[[2, 0, 1]], atol=3e-6)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    others = batch(sources=[3, 0])
    assert teacher.knows(others).tolist() == [True, False]
    with pytest.raises(InputError, match=r"fusion: .* the first row 1 of source 0"):
        teacher.rows(others)
    with pytest.raises(InputError, match="source 3 is needed, there is none for row 7"):
        teacher.rows(batch(sources=[3], indices=[7]))


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.1, 10))
def test_a_mixture_is_the_weighted_mean_of_those_who_know_the_picture(
    a: float, b: float, c: float
) -> None:
    labels = LabelTeacher({0: NAMES}, NAMES, weight=a)
    encoder = by_encoder(weight=b)
    settled = SettledTeacher(FusedTeacher(SETTLED, name="fusion"), source=1, weight=c)
    mixture = MixedTeacher([labels, encoder, settled])
    pictures = batch(sources=[0, 0, 1, 2], indices=[5, 6, 0, 7], labels=[2, -1, -1, -1])
    rows = mixture.rows(pictures)
    e = encoder_rows(4)
    expected = [
        (a * np.array([0, 0, 1]) + b * e[0]) / (a + b),
        e[1],
        (b * e[2] + c * SETTLED[0]) / (b + c),
        e[3],
    ]
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    assert rows.dtype == np.float32
    assert mixture.knows(pictures).all()
    Target.of(rows)


def test_nobody_is_asked_for_pictures_that_are_not_his() -> None:
    encoder = CountingEncoder()
    asked = CosineTeacher("e", CropRows(encoder), CLASSES, logit_scale=1.0)
    settled = SettledTeacher(FusedTeacher(SETTLED, name="fusion"), source=1)
    mixture = MixedTeacher([settled])
    pictures = batch(sources=[1, 0])
    assert mixture.knows(pictures).tolist() == [True, False]
    with pytest.raises(InputError, match="got 1 that none of 1 fusion does"):
        mixture.rows(pictures)
    MixedTeacher([settled, asked]).rows(pictures)
    assert encoder.pictures == 2


def test_mixtures_that_cannot_be_are_refused() -> None:
    one = LabelTeacher({0: NAMES}, NAMES)
    for teachers in ([], [one, by_encoder(weight=0.0)], [by_encoder(weight=math.nan)]):
        with pytest.raises(InputError, match="each with a finite weight above 0"):
            MixedTeacher(teachers)
    with pytest.raises(InputError, match=r"the same class names, got lists of \[2, 3\] names"):
        MixedTeacher([one, LabelTeacher({0: NAMES[:2]}, NAMES[:2])])


def test_what_changes_a_distribution_changes_the_digest() -> None:
    fused = FusedTeacher(SETTLED, name="fusion")
    teachers = [
        LabelTeacher({0: NAMES}, NAMES),
        LabelTeacher({1: NAMES}, NAMES),
        LabelTeacher({0: NAMES[::-1]}, NAMES),
        LabelTeacher({0: NAMES}, NAMES, smoothing=0.1),
        by_encoder(),
        by_encoder(logit_scale=8.0),
        SettledTeacher(fused),
        SettledTeacher(fused, source=1),
        MixedTeacher([by_encoder()]),
        MixedTeacher([by_encoder(), SettledTeacher(fused)]),
        MixedTeacher([by_encoder(), SettledTeacher(fused, weight=2.0)]),
    ]
    assert len({teacher.digest for teacher in teachers}) == len(teachers)
    assert by_encoder(weight=3.0).digest == by_encoder().digest
