from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sightglass.embedding import embed_pictures, embed_texts
from sightglass.encoders.embeddings import Embeddings, require_one_encoder
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError, ShapeError
from sightglass.inputs.file_bytes import FileStamp
from sightglass.reading import ReadPicture, read_picture
from sightglass.store import Store

LONG_AGO = 1_000_000_000_000_000_000  # nanoseconds; in 2001


class Watched(SyntheticEncoder):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[int] = []
        self.texts: list[list[str]] = []

    def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
        self.pictures.append(len(pictures))
        return super().encode_images(pictures)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts.append(list(texts))
        return super().encode_texts(texts)


def read(colour: str, store: Store, encoder: SyntheticEncoder) -> ReadPicture:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), colour).save(stream, "PNG")
    return read_picture((f"{colour}.png", stream.getvalue()), store=store, encoder=encoder)


def plain_row(colour: str) -> np.ndarray:
    encoder = SyntheticEncoder()
    return encoder.encode_images([encoder.prepare(Image.new("RGB", (9, 7), colour))]).rows[0]


def test_rows_come_in_the_order_of_the_pictures_known_and_new_mixed() -> None:
    store, encoder = Store(None), Watched()
    embed_pictures([read("red", store, encoder)], encoder=encoder, store=store)
    batch = [read(colour, store, encoder) for colour in ("blue", "red", "lime")]
    batch.insert(1, read_picture(("bad", b""), store=store, encoder=encoder))
    assert [picture.known is not None for picture in batch] == [False, False, True, False]
    embeddings = embed_pictures(batch, encoder=encoder, store=store)
    expected = np.stack([plain_row(colour) for colour in ("blue", "red", "lime")])
    assert np.array_equal(embeddings.rows, expected)
    assert embeddings.fingerprint == encoder.fingerprint
    assert encoder.pictures == [1, 2]


def test_what_is_stored_is_bit_for_bit_what_was_given_out() -> None:
    store, encoder = Store(None), Watched()
    picture = read("teal", store, encoder)
    given = embed_pictures([picture], encoder=encoder, store=store).rows[0]
    assert picture.content is not None
    known = store.known(picture.content, fingerprint=encoder.fingerprint)
    assert known is not None
    assert known.row.tobytes() == given.tobytes()
    again = embed_pictures([read("teal", store, encoder)], encoder=encoder, store=store)
    assert again.rows[0].tobytes() == given.tobytes()
    assert encoder.pictures == [1]


def test_a_batch_without_a_usable_picture_has_no_rows_but_the_right_width() -> None:
    store, encoder = Store(None), Watched()
    bad = read_picture(("bad", b""), store=store, encoder=encoder)
    for batch in ([], [bad]):
        assert embed_pictures(batch, encoder=encoder, store=store).rows.shape == (0, 27)
    assert encoder.pictures == []


def test_a_known_picture_at_a_new_path_is_remembered_there() -> None:
    store, encoder = Store(None), Watched()
    embed_pictures([read("red", store, encoder)], encoder=encoder, store=store)
    known = read("red", store, encoder)
    assert known.known is not None
    moved = ReadPicture(
        source="a.png",
        outcome=known.outcome,
        content=known.content,
        stamp=FileStamp(size=5, mtime_ns=LONG_AGO),
        known=known.known,
    )
    embed_pictures([moved], encoder=encoder, store=store)
    assert store.known_content("red.png", size=5, mtime_ns=LONG_AGO) == known.content


def test_nothing_is_written_when_nothing_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    store, encoder = Store(None), Watched()
    embed_pictures([read("red", store, encoder)], encoder=encoder, store=store)
    known = read("red", store, encoder)
    monkeypatch.delattr(Store, "save_batch")
    rows = embed_pictures([known], encoder=encoder, store=store).rows
    assert np.array_equal(rows, plain_row("red")[None])


def test_texts_come_in_order_and_each_is_encoded_once_ever() -> None:
    store, encoder = Store(None), Watched()
    first = embed_texts(["red", "a spoon", "red"], encoder=encoder, store=store)
    second = embed_texts(["blue", "a spoon"], encoder=encoder, store=store)
    third = embed_texts(["a spoon", "blue", "red"], encoder=encoder, store=store)
    assert encoder.texts == [["red", "a spoon"], ["blue"]]
    expected = SyntheticEncoder().encode_texts(["red", "a spoon", "red", "blue"]).rows
    assert np.array_equal(first.rows, expected[:3])
    assert np.array_equal(second.rows, expected[[3, 1]])
    assert np.array_equal(third.rows, expected[[1, 3, 0]])


def test_rows_of_two_encoders_are_not_compared() -> None:
    one, same, other = (
        Embeddings(rows=np.zeros((1, 2), np.float32), fingerprint=fingerprint)
        for fingerprint in ("0123456789ab", "0123456789ab", "ba9876543210")
    )
    require_one_encoder(one, same, where="classify")
    with pytest.raises(InputError) as caught:
        require_one_encoder(one, other, where="classify")
    assert str(caught.value) == (
        "classify: both embeddings must come from one encoder, got fingerprints 01234567 and "
        "ba987654. Encode them again with one."
    )


def test_a_single_row_is_no_embeddings() -> None:
    with pytest.raises(ShapeError) as caught:
        Embeddings(rows=np.zeros(3, np.float32), fingerprint="f")
    assert str(caught.value) == "Embeddings: rows need shape (n, dim), got (3,)."


def test_a_stamp_that_has_not_settled_is_not_trusted() -> None:
    store, encoder = Store(None), Watched()
    picture = read("red", store, encoder)
    stamp = FileStamp(size=5, mtime_ns=LONG_AGO, settled=False)
    embed_pictures([replace(picture, stamp=stamp)], encoder=encoder, store=store)
    path = picture.outcome.path
    assert store.known_content(path, size=5, mtime_ns=LONG_AGO) is None
    assert picture.content is not None
    assert store.known(picture.content, fingerprint=encoder.fingerprint) is not None
