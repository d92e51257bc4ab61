from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightglass.alignments import align_text_image
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings

SCALE = 100.0
TEMPLATES = ["a photo of a {}", "a drawing of a {}", "the {} again", "{}"]
names = st.lists(
    st.sampled_from(["red", "green", "blue", "spoon", "dark red", "kite", "old_lamp"]),
    min_size=2,
    max_size=5,
    unique=True,
)
templates = st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=4, unique=True)


def unit_rows(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    rows = rng.standard_normal((n, dim))
    return (rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))).astype(np.float32)


@st.composite
def embedded(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Rows of images and of classes, and a generator for what the test itself shuffles."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dim = draw(st.integers(1, 40))
    n_images, n_classes = draw(st.integers(1, 20)), draw(st.integers(2, 12))
    return unit_rows(rng, n_images, dim), unit_rows(rng, n_classes, dim), rng


def rows_of_texts(texts: Any) -> np.ndarray:
    return SyntheticEncoder().encode_texts(texts).rows


@given(embedded())
def test_another_order_of_classes_only_reorders_the_columns(case: Any) -> None:
    images, classes, rng = case
    order = rng.permutation(len(classes))
    whole = align_text_image(images, classes, logit_scale=SCALE)
    assert np.array_equal(
        align_text_image(images, classes[order], logit_scale=SCALE), whole[:, order]
    )


@given(embedded())
def test_another_order_of_images_only_reorders_the_rows(case: Any) -> None:
    images, classes, rng = case
    order = rng.permutation(len(images))
    whole = align_text_image(images, classes, logit_scale=SCALE)
    assert np.array_equal(align_text_image(images[order], classes, logit_scale=SCALE), whole[order])


@given(embedded(), st.integers(1, 20))
def test_in_chunks_is_the_same_as_whole_to_the_last_bit(case: Any, size: int) -> None:
    images, classes, _ = case
    parts = [
        align_text_image(images[start : start + size], classes, logit_scale=SCALE)
        for start in range(0, len(images), size)
    ]
    whole = align_text_image(images, classes, logit_scale=SCALE)
    assert np.array_equal(np.concatenate(parts), whole)


@given(embedded())
def test_a_logit_is_never_beyond_the_scale_and_reaches_it_for_the_same_row(case: Any) -> None:
    images, classes, _ = case
    logits = align_text_image(images, classes, logit_scale=SCALE)
    assert np.abs(logits).max() <= SCALE * (1 + 1e-6)
    own = np.diag(align_text_image(images, images, logit_scale=SCALE))
    np.testing.assert_allclose(own, SCALE, rtol=1e-6)


@given(names, templates, st.data())
def test_saying_a_template_twice_changes_nothing(
    classes: list[str], chosen: list[str], data: st.DataObject
) -> None:
    labels = LabelSet.of(classes)
    repeated = [*chosen, data.draw(st.sampled_from(chosen))]
    assert np.array_equal(
        class_embeddings(labels, repeated, rows_of_texts),
        class_embeddings(labels, chosen, rows_of_texts),
    )


@given(names, templates, st.randoms(use_true_random=False))
def test_classes_in_another_order_keep_their_rows(
    classes: list[str], chosen: list[str], random: Any
) -> None:
    order = list(range(len(classes)))
    random.shuffle(order)
    shuffled = LabelSet.of([classes[c] for c in order])
    rows = class_embeddings(LabelSet.of(classes), chosen, rows_of_texts)
    assert np.array_equal(class_embeddings(shuffled, chosen[::-1], rows_of_texts), rows[order])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
