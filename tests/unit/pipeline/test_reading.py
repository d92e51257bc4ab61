from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picture_server import Page, PictureServer
from sightglass.encoders.card import ImageInput
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.inputs import images
from sightglass.reading import ReadPicture, read_picture
from sightglass.store import Store

LONG_AGO = 1_000_000_000_000_000_000  # nanoseconds; in 2001
ENCODER = SyntheticEncoder()


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


RED = encoded(Image.new("RGB", (40, 30), "red"))


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "red.png"
    file.write_bytes(RED)
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    return str(file)


def remember(store: Store, read: ReadPicture, path: str) -> np.ndarray:
    """What a run would keep of a picture that was just read."""
    assert read.fresh is not None
    assert read.content is not None
    assert read.stamp is not None
    embeddings = ENCODER.encode_images([read.fresh.pixels])
    store.save_batch(
        [read.fresh.stored],
        embeddings,
        [(path, read.stamp.size, read.stamp.mtime_ns, read.content)],
    )
    return embeddings.rows[0]


def test_a_new_file_is_hashed_stamped_decoded_and_prepared(path: str) -> None:
    read = read_picture(path, store=Store(None), encoder=ENCODER)
    assert read.outcome.status == "ok"
    assert read.outcome.path == path
    assert read.content == hashlib.sha256(RED).digest()
    assert read.stamp is not None
    assert (read.stamp.size, read.stamp.mtime_ns) == (len(RED), LONG_AGO)
    assert read.known is None
    assert read.fresh is not None
    assert (read.fresh.stored.width, read.fresh.stored.height) == (40, 30)
    assert np.array_equal(read.fresh.pixels, np.full((8, 8, 3), (255, 0, 0), np.uint8))
    thumbnail = Image.open(io.BytesIO(read.fresh.stored.thumbnail))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (40, 30))


def test_a_known_and_unchanged_file_is_not_even_opened(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(None)
    row = remember(store, read_picture(path, store=store, encoder=ENCODER), path)
    monkeypatch.delattr("sightglass.reading.read_bytes")
    read = read_picture(path, store=store, encoder=ENCODER)
    assert read.outcome.status == "ok"
    assert read.content == hashlib.sha256(RED).digest()
    assert (read.stamp, read.fresh) == (None, None)
    assert read.known is not None
    assert np.array_equal(read.known.row, row)
    assert (read.known.width, read.known.height) == (40, 30)


def test_a_server_is_asked_about_changes_of_known_urls_alone() -> None:
    store = Store(None)
    with PictureServer() as server:
        server.pages["/red.png"] = Page(RED)
        url = f"{server.url}/red.png"
        read = read_picture(url, store=store, encoder=ENCODER)
        assert server.log == ["GET /red.png"]
        remember(store, read, url)
        assert read_picture(url, store=store, encoder=ENCODER).known is not None
        assert server.log == ["GET /red.png", "HEAD /red.png"]
    assert store.has_path(url)
    assert not store.has_path(f"{url}?v=2")


def test_a_known_path_means_nothing_to_another_encoder(path: str) -> None:
    class Other(SyntheticEncoder):
        fingerprint = "other"

    store = Store(None)
    remember(store, read_picture(path, store=store, encoder=ENCODER), path)
    read = read_picture(path, store=store, encoder=Other())
    assert read.known is None
    assert read.fresh is not None
    assert read.stamp is not None


def test_known_bytes_under_another_path_are_read_but_not_decoded(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(None)
    remember(store, read_picture(path, store=store, encoder=ENCODER), path)
    (tmp_path / "copy.png").write_bytes(RED)
    monkeypatch.delattr("sightglass.reading.open_picture")
    read = read_picture(str(tmp_path / "copy.png"), store=store, encoder=ENCODER)
    assert read.stamp is not None
    assert read.known is not None
    assert read.fresh is None


def test_the_bytes_of_a_file_are_known_by_the_same_hash_as_the_file(path: str) -> None:
    store = Store(None)
    row = remember(store, read_picture(path, store=store, encoder=ENCODER), path)
    read = read_picture(("image[0]", RED), store=store, encoder=ENCODER)
    assert read.outcome.path == "image[0]"
    assert read.stamp is None
    assert read.known is not None
    assert np.array_equal(read.known.row, row)


def test_pictures_in_memory_are_known_by_their_pixels_and_size() -> None:
    store = Store(None)
    tall, wide = Image.new("RGB", (2, 8), "red"), Image.new("RGB", (8, 2), "red")
    first = read_picture(("image[0]", tall), store=store, encoder=ENCODER)
    assert first.fresh is not None
    store.save_batch([first.fresh.stored], ENCODER.encode_images([first.fresh.pixels]), [])
    again = read_picture(("image[7]", tall.copy()), store=store, encoder=ENCODER)
    assert again.known is not None
    assert (again.known.width, again.known.height) == (2, 8)
    assert (again.outcome.path, again.content, again.fresh) == ("image[7]", first.content, None)
    assert read_picture(("image[8]", wide), store=store, encoder=ENCODER).known is None


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", "corrupt"), (b"hello, I am a text", "unsupported"), (RED[:60], "truncated")],
)
def test_a_file_that_cannot_be_used_is_a_value_not_an_error(
    tmp_path: Path, data: bytes, status: str
) -> None:
    (tmp_path / "bad.png").write_bytes(data)
    for source in (str(tmp_path / "bad.png"), ("image[0]", data)):
        read = read_picture(source, store=Store(None), encoder=ENCODER)
        assert read.outcome.status == status
        assert read.outcome.detail
        assert (read.content, read.stamp, read.known, read.fresh) == (None, None, None, None)


@pytest.mark.parametrize("name", ["absent.png", "nul\0.png", "x" * 5000])
def test_a_path_that_the_system_refuses_is_unreadable(tmp_path: Path, name: str) -> None:
    read = read_picture(f"{tmp_path}/{name}", store=Store(None), encoder=ENCODER)
    assert read.outcome.status == "unreadable"
    assert read.outcome.detail


def test_a_picture_above_the_limit_is_too_large_and_one_at_it_is_not(path: str) -> None:
    store = Store(None)
    assert read_picture(path, store=store, encoder=ENCODER, max_pixels=1200).fresh is not None
    read = read_picture(path, store=store, encoder=ENCODER, max_pixels=1199)
    assert read.outcome.status == "too_large"
    assert "40 x 30" in read.outcome.detail


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (ImageInput(size=(8, 16), resize="exact"), 16),
        (ImageInput(size=(8, 8), resize="shortest_edge", resize_to=12), 12),
        (ImageInput(size=(8, 8), resize="patches", patch_size=2, max_patches=4), None),
        (None, None),
    ],
)
def test_a_jpeg_is_decoded_no_smaller_than_its_encoder_can_use(
    spec: ImageInput | None, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(SyntheticEncoder):
        def __init__(self) -> None:
            super().__init__()
            self._card = self._card.model_copy(update={"image": spec})

        def prepare(self, image: Image.Image) -> np.ndarray:
            return np.asarray(image.resize((8, 8)))

    asked: list[int | None] = []

    def watching(data: bytes, *, short_side: int | None, max_pixels: int) -> images.OpenedPicture:
        asked.append(short_side)
        return images.open_picture(data, short_side=short_side, max_pixels=max_pixels)

    monkeypatch.setattr("sightglass.reading.open_picture", watching)
    jpeg = encoded(Image.new("RGB", (400, 300), "red"), "JPEG")
    read = read_picture(("image[0]", jpeg), store=Store(None), encoder=Other())
    assert read.fresh is not None
    assert asked == [expected]
    assert (read.fresh.stored.width, read.fresh.stored.height) == (400, 300)


class Larger(SyntheticEncoder):
    """Takes pictures of another size, under another fingerprint."""

    fingerprint = "larger"

    def __init__(self) -> None:
        super().__init__()
        self._card = self._card.model_copy(
            update={"image": ImageInput(size=(64, 64), resize="exact", resample="bilinear")}
        )


def test_one_reading_serves_several_encoders_as_each_alone_would_be_served(tmp_path: Path) -> None:
    gradient = np.linspace(0, 255, 300 * 400 * 3).astype(np.uint8).reshape(300, 400, 3)
    file = tmp_path / "a.jpg"
    Image.fromarray(gradient).save(file)
    alone = [
        read_picture(str(file), store=Store(None), encoder=encoder)
        for encoder in (ENCODER, Larger())
    ]
    both = read_picture(str(file), store=Store(None), encoder=ENCODER, beside=[Larger()])
    assert both.usable
    assert both.stamp is not None
    for one, together in zip(alone, (both, *both.beside), strict=True):
        assert one.fresh is not None
        assert together.fresh is not None
        assert np.array_equal(one.fresh.pixels, together.fresh.pixels)
        assert together.content == one.content


def test_a_picture_that_only_the_second_encoder_lacks_is_opened_for_that_one_alone(
    path: str,
) -> None:
    store = Store(None)
    remember(store, read_picture(path, store=store, encoder=ENCODER), path)
    read = read_picture(path, store=store, encoder=ENCODER, beside=[Larger()])
    (other,) = read.beside
    assert (read.known is not None, read.fresh) == (True, None)
    assert (other.known, other.fresh is not None) == (None, True)


def test_a_failed_picture_has_nothing_for_any_encoder(tmp_path: Path) -> None:
    read = read_picture(("bad", b""), store=Store(None), encoder=ENCODER, beside=[Larger()])
    assert not read.usable
    assert read.beside == ()
