"""Files that change while a run goes on or between runs, and clocks that do not go forward."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from colour_photos import COLOURS, LONG_AGO, classifier, encoded, save

if TYPE_CHECKING:
    from sightglass.reading import Source

HOUR = 3600 * 10**9


def test_a_file_from_the_future_is_read_anew_by_every_run_and_decoded_once(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    os.utime(photos / "a.png", ns=(time.time_ns() + HOUR,) * 2)
    for _ in range(3):
        assert classifier(store=tmp_path / "store").predict(photos).labels == COLOURS
    # Three files once, then the one whose time cannot be trusted.
    assert calls == {"read_bytes": 5, "open_picture": 3}


def test_a_picture_that_was_replaced_after_the_clock_went_back_is_noticed(
    photos: Path, tmp_path: Path
) -> None:
    classifier(store=tmp_path / "store").predict(photos)
    size = (photos / "a.png").stat().st_size
    save(photos / "a.png", "blue", mtime_ns=LONG_AGO - HOUR)
    (photos / "a.png").write_bytes((photos / "a.png").read_bytes().ljust(size, b"\0"))
    os.utime(photos / "a.png", ns=(LONG_AGO - HOUR,) * 2)
    assert (photos / "a.png").stat().st_size >= size
    changed = classifier(store=tmp_path / "store").predict(photos)
    assert changed.labels == ["blue", "lime", "blue"]


@pytest.mark.parametrize("hours", [-100_000, -1, 1, 100_000])
def test_a_run_under_a_wrong_clock_and_the_next_under_the_right_one_agree(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    now = time.time_ns()
    for name in ("a.png", "b.jpg"):
        os.utime(photos / name, ns=(now, now))
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time_ns", lambda: now + hours * HOUR)
        assert classifier(store=tmp_path / "store").predict(photos).labels == COLOURS
    save(photos / "a.png", "blue", mtime_ns=now + 1)
    again = classifier(store=tmp_path / "store").predict(photos)
    assert again.labels == ["blue", "lime", "blue"]


def test_times_before_1970_and_after_2262_are_times(photos: Path, tmp_path: Path) -> None:
    os.utime(photos / "a.png", ns=(-HOUR, -HOUR))
    os.utime(photos / "b.jpg", ns=(15_032_385_535 * 10**9,) * 2)  # the last that ext4 can hold
    for _ in range(2):
        assert classifier(store=tmp_path / "store").predict(photos).labels == COLOURS


def changing(photos: Path, name: str, data: bytes | None) -> Iterator[Source]:
    """The three files as they were found; one of them changes before it is read."""
    found = sorted(str(path) for path in photos.iterdir())
    for path in found:
        if Path(path).name == name:
            if data is None:
                Path(path).unlink()
            else:
                Path(path).write_bytes(data)
        yield path


@pytest.mark.parametrize("stored", [False, True])
def test_what_happens_to_a_file_after_it_was_found_is_told_of_that_file_alone(
    photos: Path, tmp_path: Path, stored: bool
) -> None:
    whole = (photos / "b.jpg").read_bytes()
    blue = encoded("blue", "BMP")
    changes: list[tuple[bytes | None, str]] = [
        (None, "unreadable"),  # deleted
        (whole[: len(whole) // 2], "truncated"),
        (b"", "corrupt"),
        (b"not a picture at all" * 20, "unsupported"),
        (blue, "ok"),  # replaced by another picture, which is then what is classified
        (whole + whole, "ok"),  # grown: what follows the picture's end belongs to nobody
    ]
    for number, (data, status) in enumerate(changes):
        save(photos / "b.jpg", "lime")
        one = classifier(store=tmp_path / f"store-{number}")
        if stored:
            one.predict(photos)
        predictions = list(one.stream(changing(photos, "b.jpg", data)))
        assert [p.outcome.status for p in predictions] == ["ok", status, "ok"]
        assert [p.label for p in predictions][::2] == ["red", "blue"]
        if data == blue:
            assert predictions[1].label == "blue"


def test_a_change_whose_size_and_time_were_put_back_is_not_noticed(
    photos: Path, tmp_path: Path
) -> None:
    # What is promised is what rsync and make promise: size and time tell whether a file changed.
    classifier(store=tmp_path / "store").predict(photos)
    red, blue = (save(tmp_path / f"{name}.png", name).read_bytes() for name in ("red", "blue"))
    length = max(len(red), len(blue))
    (photos / "a.png").write_bytes(red.ljust(length, b"\0"))
    os.utime(photos / "a.png", ns=(LONG_AGO, LONG_AGO))
    classifier(store=tmp_path / "store").predict(photos)
    (photos / "a.png").write_bytes(blue.ljust(length, b"\0"))
    os.utime(photos / "a.png", ns=(LONG_AGO, LONG_AGO))
    assert classifier(store=tmp_path / "store").predict(photos).labels[0] == "red"
    os.utime(photos / "a.png", ns=(LONG_AGO + 1, LONG_AGO + 1))
    assert classifier(store=tmp_path / "store").predict(photos).labels[0] == "blue"
