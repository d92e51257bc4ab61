from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from picture_files import encode
from sightglass.inputs import decoding_room as room
from sightglass.inputs.decoding_room import LARGE_PIXELS, ROOM_PIXELS, decoding_room, take_room
from sightglass.inputs.images import open_picture


def test_large_pictures_of_many_threads_never_exceed_the_room() -> None:
    sizes = [LARGE_PIXELS + 1 + number * 7_000_000 for number in range(12)] * 4
    inside, most, lock = 0, 0, threading.Lock()

    def decode(pixels: int) -> None:
        nonlocal inside, most
        with decoding_room():
            take_room(pixels)
            with lock:
                inside += pixels
                most = max(most, inside)
            with lock:
                inside -= pixels

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, sizes))
    assert inside == 0
    assert max(sizes) <= most <= ROOM_PIXELS
    assert room._taken == 0


def test_a_second_large_picture_waits_until_the_first_is_done() -> None:
    entered = threading.Event()

    def second() -> None:
        with decoding_room():
            take_room(ROOM_PIXELS)
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with decoding_room():
            with decoding_room():
                take_room(LARGE_PIXELS + 1)
            # The inner room has been left, but the picture is still in use in the outer one.
            waiting = pool.submit(second)
            assert not entered.wait(0.1)
        waiting.result()
    assert entered.is_set()


def test_an_ordinary_picture_does_not_wait() -> None:
    with decoding_room(), ThreadPoolExecutor(1) as pool:
        take_room(ROOM_PIXELS)
        pool.submit(take_room, LARGE_PIXELS).result(timeout=30)


def test_a_thread_does_not_wait_for_itself() -> None:
    with decoding_room():
        take_room(ROOM_PIXELS)
        take_room(ROOM_PIXELS)
        assert room._taken == 2 * ROOM_PIXELS
    assert room._taken == 0


def test_a_picture_larger_than_the_room_is_decoded_alone() -> None:
    with decoding_room():
        take_room(3 * ROOM_PIXELS)
        assert room._taken == 3 * ROOM_PIXELS
    assert room._taken == 0


def test_the_room_of_a_picture_that_fails_is_free_again() -> None:
    def fail() -> None:
        with decoding_room():
            take_room(ROOM_PIXELS)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert room._taken == 0


def test_opening_a_picture_takes_its_decoded_pixels_and_gives_them_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "LARGE_PIXELS", 100)
    image = Image.new("L", (640, 480))
    with decoding_room():
        open_picture(encode(image, "JPEG"), short_side=30)  # decoded at an eighth: 80 x 60
        assert room._taken == 4_800
        open_picture(encode(image, "PNG"), short_side=30)
        assert room._taken == 4_800 + 640 * 480
    open_picture(encode(image, "PNG"))
    assert room._taken == 0
