from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from counting_encoder import CountingEncoder, colour_row
from sightglass.distillation.pairs.row import Row
from sightglass.distillation.teachers.batch_pictures import BatchPictures
from sightglass.distillation.teachers.picture_rows import CropRows, StoredRows, crop_rows
from sightglass.errors import InputError, ShapeError
from sightglass.store import Store

COLOURS = [(200, 10, 30), (5, 250, 60), (90, 80, 255), (40, 40, 10)]


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(None)
    yield opened
    opened.close()


def png(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), colour).save(stream, format="PNG")
    return stream.getvalue()


@dataclass
class Rows:
    """A source whose rows are files of one colour each; remembers which were read."""

    files: list[bytes]
    read_rows: list[int] = field(default_factory=list)

    def read(self, index: int) -> Row:
        self.read_rows.append(index)
        return Row(index=index, image=self.files[index], where=f"rows.csv row {index + 1}")


def batch(places: list[tuple[int, int]], *, side: int = 5) -> BatchPictures:
    """Black crops of these rows: a teacher of whole pictures must not look at them."""
    n = len(places)
    return BatchPictures(
        crops=np.zeros((n, side, side, 3), np.uint8),
        sources=np.array([source for source, _ in places], np.int64),
        indices=np.array([index for _, index in places], np.int64),
        labels=np.full(n, -1, np.int64),
    )


def test_crops_go_through_the_encoders_own_preprocessing() -> None:
    encoder = CountingEncoder()
    crops = np.random.default_rng(0).integers(0, 256, (3, 8, 5, 3), dtype=np.uint8)
    rows = crop_rows(encoder, crops).rows
    for row, crop in zip(rows, crops, strict=True):
        small = Image.fromarray(crop).resize((6, 4), Image.Resampling.BILINEAR)
        expected = colour_row(np.asarray(small, np.float64).mean(axis=(0, 1)))
        np.testing.assert_allclose(row, expected, atol=1e-6)
    pictures = BatchPictures(
        crops=crops, sources=np.zeros(3), indices=np.zeros(3), labels=np.zeros(3)
    )
    np.testing.assert_array_equal(CropRows(encoder).rows(pictures).rows, rows)


def test_crops_are_prepared_side_by_side_and_stay_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "sightglass.distillation.teachers.picture_rows.usable_processors", lambda: 2
    )
    together = threading.Barrier(2, timeout=20)

    class Meeting(CountingEncoder):
        def prepare(self, image: Image.Image) -> np.ndarray:
            if image.getpixel((0, 0)) == (0, 0, 0):
                together.wait()  # breaks where the first must be done before the last begins
            return super().prepare(image)

    crops = np.random.default_rng(0).integers(1, 256, (150, 8, 5, 3), dtype=np.uint8)
    crops[[0, -1], 0, 0] = 0
    encoder = CountingEncoder()
    one_by_one = [encoder.prepare(Image.fromarray(crop)) for crop in crops]
    np.testing.assert_array_equal(
        crop_rows(Meeting(), crops).rows, encoder.encode_images(one_by_one).rows
    )


def test_a_whole_picture_is_read_and_encoded_once_however_often_it_comes(store: Store) -> None:
    encoder = CountingEncoder()
    first, second = (Rows([png(one) for one in COLOURS[at : at + 2]]) for at in (0, 2))
    whole = StoredRows(encoder, store, [first, second])  # type: ignore[list-item]
    expected = [colour_row(COLOURS[at]) for at in (3, 0, 1)]
    for _ in range(3):
        rows = whole.rows(batch([(1, 1), (0, 0), (0, 1)])).rows
        np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert encoder.pictures == 3
    assert (sorted(first.read_rows), second.read_rows) == ([0, 1], [1])
    # Another run finds the rows by what the files hold; they are read to know them.
    renamed = Rows(first.files[::-1])
    again = StoredRows(encoder, store, [renamed])  # type: ignore[list-item]
    rows = again.rows(batch([(0, 0), (0, 1)])).rows
    np.testing.assert_allclose(rows, [colour_row(COLOURS[at]) for at in (1, 0)], atol=1e-6)
    assert encoder.pictures == 3


def test_two_encoders_share_a_store_and_not_their_rows(store: Store) -> None:
    source = Rows([png(one) for one in COLOURS])
    one, other = CountingEncoder(fingerprint="one"), CountingEncoder(fingerprint="other")
    for encoder in (one, other):
        rows = StoredRows(encoder, store, [source])  # type: ignore[list-item]
        assert rows.rows(batch([(0, 2)])).fingerprint == encoder.fingerprint
    assert (one.pictures, other.pictures) == (1, 1)


def test_a_whole_picture_that_cannot_be_used_is_told_by_its_place(store: Store) -> None:
    broken = Rows([png(COLOURS[0]), b"no picture"])
    whole = StoredRows(CountingEncoder(), store, [broken])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"rows\.csv row 2: a teacher needs this picture whole"):
        whole.rows(batch([(0, 0), (0, 1)]))


def test_crop_and_whole_picture_are_two_teachers(store: Store) -> None:
    encoder = CountingEncoder()
    assert CropRows(encoder).digest != StoredRows(encoder, store, []).digest
    assert CropRows(encoder).digest != CropRows(CountingEncoder(fingerprint="other")).digest


def test_what_are_no_crops_is_refused() -> None:
    good = batch([(0, 0), (0, 1)])
    for crops in (np.zeros((2, 3, 5, 5), np.uint8), np.zeros((2, 5, 5, 3)), np.zeros((2, 5, 5))):
        with pytest.raises(ShapeError, match="crops need shape"):
            BatchPictures(
                crops=crops, sources=good.sources, indices=good.indices, labels=good.labels
            )
    with pytest.raises(ShapeError, match=r"got \[2, 2, 1\] for 2"):
        BatchPictures(
            crops=good.crops, sources=good.sources, indices=good.indices, labels=good.labels[:1]
        )
