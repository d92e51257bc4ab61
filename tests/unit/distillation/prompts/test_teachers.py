from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.distillation.prompts.prompt_teachers import TEACHER_TEMPLATE, clip_teacher
from sightglass.distillation.prompts.teachers import ClipTeacher, FusedTeacher
from sightglass.distillation.training_pictures import PictureBatch
from sightglass.encoders.card import EncoderCard, ImageInput, TextInput
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.errors import InputError, ShapeError
from sightglass.store import Store

# As SigLIP has it: every channel to -1 .. 1, whatever the student's mean and deviation are.
OTHER = ImageInput(
    size=(6, 10),
    resize="exact",
    resample="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)


@dataclass(eq=False)
class Recording:
    """An encoder that remembers what it was given: pixels as its network sees them, and texts."""

    spec: ImageInput = OTHER
    fingerprint: str = "recording"
    pixels: list[np.ndarray] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)

    @property
    def card(self) -> EncoderCard:
        return EncoderCard(
            name="recording",
            source="this test",
            licence="none",
            dim=3,
            logit_scale=7.0,
            image=self.spec,
            text=TextInput(length=77),
        )

    def prepare(self, image: Image.Image) -> np.ndarray:
        return prepare(image, self.spec)

    def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
        pixels = normalise(pictures, self.spec)
        self.pixels.extend(pixels)
        return Embeddings.of(pixels.mean(axis=(2, 3)), fingerprint=self.fingerprint)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts.append(list(texts))
        rows = [[len(text), text.count("a"), 1.0] for text in texts]
        return Embeddings.of(np.array(rows), fingerprint=self.fingerprint)


def batch_of(count: int, *, seed: int = 0, side: int = 32) -> PictureBatch:
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return PictureBatch(indices=np.arange(count), crops=tuple(crops))


def rows_of(count: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3))


@given(st.integers(1, 6), st.integers(1, 5), st.floats(0.5, 100), st.integers(0, 99))
def test_logits_are_the_students_scale_times_the_cosines(
    n: int, c: int, scale: float, seed: int
) -> None:
    encoder, batch, texts = Recording(), batch_of(n, seed=seed), rows_of(c, seed=seed)
    teacher = ClipTeacher(
        name="t", encoder=encoder, classes=Embeddings.of(texts, fingerprint="recording")
    )
    logits = teacher.logits(batch, logit_scale=scale)
    assert (logits.shape, logits.dtype, teacher.n_classes) == ((n, c), np.float32, c)
    for i, pixels in enumerate(encoder.pixels):
        seen = [float(pixels[channel].mean()) for channel in range(3)]
        for j, text in enumerate(texts.tolist()):
            product = math.fsum(a * b for a, b in zip(seen, text, strict=True))
            cosine = product / math.hypot(*seen) / math.hypot(*text)
            # The teacher's own scale, 7, is nowhere in it.
            assert logits[i, j] == pytest.approx(scale * cosine, abs=1e-4 * scale)


def test_a_teacher_of_another_size_and_normalisation_sees_pixels_of_its_own_kind() -> None:
    encoder, batch = Recording(), batch_of(2)
    texts = Embeddings.of(rows_of(2, seed=0), fingerprint="recording")
    ClipTeacher(name="t", encoder=encoder, classes=texts).logits(batch, logit_scale=100)
    assert [one.shape for one in encoder.pixels] == [(3, 6, 10)] * 2
    for pixels, crop in zip(encoder.pixels, batch.crops, strict=True):
        resized = Image.fromarray(crop).resize((10, 6), Image.Resampling.BILINEAR)
        by_hand = (np.asarray(resized) / 255 - 0.5) / 0.5
        np.testing.assert_allclose(pixels, by_hand.transpose(2, 0, 1), atol=1e-6)


def test_a_teacher_of_the_students_kind_sees_the_very_pixels_of_the_crop() -> None:
    clip = ImageInput(
        size=(32, 32), resize="shortest_edge", resize_to=32, mean=(0.4, 0.5, 0.6), std=(0.2,) * 3
    )
    encoder, batch = Recording(spec=clip), batch_of(3)
    texts = Embeddings.of(rows_of(2, seed=0), fingerprint="recording")
    ClipTeacher(name="t", encoder=encoder, classes=texts).logits(batch, logit_scale=100)
    for pixels, crop in zip(encoder.pixels, batch.crops, strict=True):
        by_hand = (crop / 255 - np.array([0.4, 0.5, 0.6])) / 0.2
        np.testing.assert_allclose(pixels, by_hand.transpose(2, 0, 1), atol=1e-6)


def test_texts_of_another_encoder_are_refused() -> None:
    texts = Embeddings.of(rows_of(2, seed=0), fingerprint="another")
    teacher = ClipTeacher(name="t", encoder=Recording(), classes=texts)
    with pytest.raises(InputError, match="ClipTeacher: both embeddings must come from one encoder"):
        teacher.logits(batch_of(1), logit_scale=100)


def test_class_texts_are_encoded_once_however_many_batches_and_runs_there_are() -> None:
    encoder, store = Recording(), Store(None)
    names = ["tabby_cat", "barn owl"]
    for _ in range(2):
        teacher = clip_teacher(encoder, names, template=TEACHER_TEMPLATE, store=store)
        for seed in range(3):
            teacher.logits(batch_of(2, seed=seed), logit_scale=100)
    store.close()
    assert len(encoder.texts) == 1
    assert sorted(encoder.texts[0]) == ["a photo of a barn owl.", "a photo of a tabby cat."]
    raw = encoder.encode_texts(["a photo of a tabby cat.", "a photo of a barn owl."])
    np.testing.assert_allclose(teacher.classes.rows, raw.rows, atol=1e-6)


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 99), st.data())
def test_a_fused_teachers_rows_are_floored_logarithms_picked_by_the_pictures_index(
    n: int, c: int, seed: int, data: st.DataObject
) -> None:
    # Sharp enough that some entries are 0 in float32.
    powers = np.exp(np.random.default_rng(seed).normal(0, 60, (n, c)))
    rows = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    teacher = FusedTeacher(rows, name="fused")
    assert (teacher.n_classes, teacher.name) == (c, "fused")
    indices = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=9))
    batch = PictureBatch(indices=np.array(indices), crops=())
    logits = teacher.logits(batch, logit_scale=100)
    assert (logits.shape, logits.dtype) == ((len(indices), c), np.float32)
    for index, row in zip(indices, logits.tolist(), strict=True):
        whole = math.fsum(rows[index].tolist())
        for probability, logit in zip(rows[index].tolist(), row, strict=True):
            expected = math.log((1 - c * 1e-6) * probability / whole + 1e-6)
            assert logit == pytest.approx(expected, abs=2e-6)
            assert math.isfinite(logit)


def test_a_fused_teacher_takes_no_more_memory_than_its_table_and_a_little() -> None:
    rows = np.full((20_000, 100), 0.01, np.float32)  # 8 MB
    tracemalloc.start()
    try:
        teacher = FusedTeacher(rows, name="fused")
        assert len(teacher.digest) == 64
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Blocks of 2 MB: one in float64, one more at each step of the formula.
    assert rows.nbytes < most < rows.nbytes + 4 * 2**21


def test_a_fused_teacher_has_a_scale_already() -> None:
    teacher = FusedTeacher(np.array([[0.25, 0.75]]), name="fused")
    batch = PictureBatch(indices=np.array([0]), crops=())
    one, hundred = (teacher.logits(batch, logit_scale=scale) for scale in (1.0, 100.0))
    np.testing.assert_array_equal(one, hundred)
    np.testing.assert_allclose(np.exp(one), [[0.25, 0.75]], atol=2e-6)


def test_another_teacher_or_another_wording_of_a_class_has_another_digest() -> None:
    def digest(fingerprint: str, template: str) -> str:
        store, encoder = Store(None), Recording(fingerprint=fingerprint)
        teacher = clip_teacher(encoder, ["cat", "owl"], template=template, store=store)
        store.close()
        return teacher.digest

    assert digest("one", "a photo of a {}.") == digest("one", "a photo of a {}.")
    assert digest("one", "a photo of a {}.") != digest("one", "a drawing of a {}.")
    assert digest("one", "a photo of a {}.") != digest("two", "a photo of a {}.")
    rows = np.array([[0.25, 0.75], [0.5, 0.5]])
    fused = FusedTeacher(rows, name="fused").digest
    assert FusedTeacher(rows.copy(), name="another").digest == fused
    assert FusedTeacher(rows[::-1], name="fused").digest != fused


def test_a_picture_that_nobody_judged_cannot_teach() -> None:
    with pytest.raises(InputError, match="only zeros in 1 of 2 rows, the first in row 1"):
        FusedTeacher(np.array([[0.5, 0.5], [0.0, 0.0]]), name="fused")
    with pytest.raises(ShapeError):
        FusedTeacher(np.array([0.5, 0.5]), name="fused")
