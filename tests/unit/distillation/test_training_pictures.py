from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from picture_files import encode, encoded_pictures, photo
from sightglass.distillation import training_pictures
from sightglass.distillation.crops import random_crop
from sightglass.distillation.picture_order import crop_rng, epoch_order
from sightglass.distillation.training_pictures import (
    PictureBatch,
    TrainingPictures,
    usable_pictures,
)
from sightglass.encoders.card import ImageInput
from sightglass.errors import InputError

SPEC = ImageInput(size=(12, 16), resize="exact", resample="bilinear")


def write(folder: Path, count: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        pixels = rng.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
        paths.append(str(folder / f"{number:03}.png"))
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> TrainingPictures:
    return usable_pictures(write(tmp_path_factory.mktemp("pictures"), 11))[0]


def batches(pictures: TrainingPictures, **changed: int) -> list[PictureBatch]:
    numbers = {"batch_size": 3, "seed": 1, "epoch": 0} | changed
    return list(pictures.batches(SPEC, **numbers))


def contents(some: list[PictureBatch]) -> list[tuple[list[int], list[bytes]]]:
    return [(one.indices.tolist(), [crop.tobytes() for crop in one.crops]) for one in some]


def test_what_is_not_a_usable_picture_is_left_out_with_its_reason(tmp_path: Path) -> None:
    good = write(tmp_path, 2)
    whole = encode(photo(200, 160), "JPEG", quality=90)
    files = {
        "cut.jpg": whole[: len(whole) // 2],
        "words.jpg": b"these are words, not a picture",
        "empty.png": b"",
        "large.png": encode(Image.new("RGB", (80, 50)), "PNG"),
        "large.jpg": encode(Image.new("RGB", (800, 600)), "JPEG"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.png").mkdir()
    bad = [str(tmp_path / name) for name in (*files, "folder.png", "gone.png")]
    usable, left_out = usable_pictures([good[0], *bad, good[1]], max_pixels=2_000)
    assert usable.paths == tuple(good)
    assert [(one.path, one.status) for one in left_out] == list(
        zip(
            bad,
            [
                *("truncated", "unsupported", "corrupt", "too_large", "too_large"),
                *("unreadable", "unreadable"),
            ],
            strict=True,
        )
    )
    assert left_out[3].detail == "80 x 50 pixels; the limit is 2,000"
    assert all(one.detail for one in left_out)


@pytest.mark.parametrize("kind", encoded_pictures())
def test_every_format_that_people_have_can_be_trained_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"picture.{kind}"
    path.write_bytes(encoded_pictures()[kind])
    pictures, left_out = usable_pictures([str(path)])
    assert not left_out
    (batch,) = batches(pictures, batch_size=1)
    assert batch.crops[0].shape == (12, 16, 3)
    assert batch.crops[0].dtype == np.uint8


@pytest.mark.parametrize("limit", [10_000, 99_999, 100_000, 480_000, 479_999])
def test_a_picture_that_was_taken_can_be_read_at_any_students_size(
    tmp_path: Path, limit: int
) -> None:
    # A JPEG looked at in an eighth of its size would pass, and fail once it is needed whole.
    path = tmp_path / "large.jpg"
    path.write_bytes(encode(Image.new("RGB", (800, 600), "red"), "JPEG"))
    small = write(tmp_path / "small", 1)
    pictures, left_out = usable_pictures([*small, str(path)], max_pixels=limit)
    assert len(left_out) == (limit < 480_000)
    spec = ImageInput(size=(224, 224), resize="exact")
    assert len(list(pictures.batches(spec, batch_size=1, seed=1, epoch=0))) == 2 - len(left_out)


def test_a_picture_that_comes_twice_is_used_once(tmp_path: Path) -> None:
    paths = write(tmp_path, 3)
    again = tmp_path / "again.png"
    again.write_bytes(Path(paths[1]).read_bytes())
    usable, left_out = usable_pictures([*paths, str(again), paths[0]])
    assert usable.paths == tuple(paths)
    assert [(one.path, one.status, one.detail) for one in left_out] == [
        (str(again), "duplicate", f"the same picture as {paths[1]}"),
        (paths[0], "duplicate", f"the same picture as {paths[0]}"),
    ]


def test_the_digest_is_that_of_the_files_whatever_they_are_called_and_in_whatever_order(
    tmp_path: Path,
) -> None:
    paths = write(tmp_path, 3)
    digest = usable_pictures(paths)[0].digest
    total = hashlib.sha256()
    for one in sorted(hashlib.sha256(Path(path).read_bytes()).digest() for path in paths):
        total.update(one)
    assert digest == total.hexdigest()
    renamed = [str(Path(path).rename(tmp_path / f"x{Path(path).name}")) for path in paths]
    assert usable_pictures(renamed)[0].digest == digest
    assert usable_pictures(renamed[::-1])[0].digest == digest
    assert usable_pictures(renamed[1:])[0].digest != digest
    assert usable_pictures(renamed[:2])[0].digest != digest


@pytest.mark.parametrize("names", [[], ["words.png", "empty.png"]])
def test_without_a_usable_picture_there_is_no_training(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"words" * (name != "empty.png"))
    with pytest.raises(InputError) as caught:
        usable_pictures([str(tmp_path / name) for name in names])
    message = str(caught.value)
    assert message.startswith("Training pictures: at least one that can be decoded is needed")
    assert f"found none among {len(names)} files" in message
    assert ("the first: not a picture" in message) == bool(names)
    assert message.endswith("Give a folder with pictures.")


@given(st.integers(0, 11), st.integers(1, 15), st.integers(0, 5), st.integers(0, 3))
def test_batches_are_the_epochs_order_with_each_pictures_own_crop(
    pictures: TrainingPictures, first: int, size: int, seed: int, epoch: int
) -> None:
    found = batches(pictures, batch_size=size, seed=seed, epoch=epoch, first=first)
    order = epoch_order(11, seed=seed, epoch=epoch).tolist()
    expected = [order[at : at + size] for at in range(0, 11, size)]
    if len(expected[0]) == size:
        expected = [one for one in expected if len(one) == size]  # the last is not full
    assert pictures.steps(size) == len(expected)
    assert [one.indices.tolist() for one in found] == expected[first:]
    for batch in found:
        assert len(batch.crops) == len(batch.indices)
        for index, crop in zip(batch.indices.tolist(), batch.crops, strict=True):
            with Image.open(pictures.paths[index]) as image:
                rng = crop_rng(seed, epoch, index)
                plain = random_crop(image.convert("RGB"), (12, 16), rng, resample="bilinear")
            assert np.array_equal(crop, plain)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_batch_that_is_not_full_is_left_out_unless_it_is_the_only_one(n: int, size: int) -> None:
    many = TrainingPictures(paths=("",) * n, hashes=(b"",) * n)
    assert len(many) == n
    steps = many.steps(size)
    assert steps == (n // size if n >= size else 1)
    assert 0 <= n - min(n, steps * size) < size


@given(st.integers(0, 4))
def test_a_run_that_goes_on_sees_what_it_would_have_seen(
    pictures: TrainingPictures, first: int
) -> None:
    whole = contents(batches(pictures, batch_size=2, epoch=5))
    assert contents(batches(pictures, batch_size=2, epoch=5, first=first)) == whole[first:]


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_how_many_threads_crop_changes_nothing(
    pictures: TrainingPictures, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    expected = contents(batches(pictures))
    monkeypatch.setattr(training_pictures, "usable_processors", lambda: threads)
    monkeypatch.setattr(training_pictures, "_WINDOW", threads)
    assert contents(batches(pictures)) == expected
    again, left_out = usable_pictures([*pictures.paths, pictures.paths[0]])
    assert again == pictures
    assert len(left_out) == 1


def test_every_epoch_has_its_own_crop_of_a_picture(pictures: TrainingPictures) -> None:
    crops = {
        crop.tobytes()
        for epoch in range(10)
        for batch in batches(pictures, batch_size=11, epoch=epoch)
        for crop in batch.crops
    }
    assert len(crops) == 110


@pytest.mark.parametrize("damage", ["gone", "cut", "another", "a folder"])
def test_a_file_that_changes_in_the_middle_of_a_run_is_named(tmp_path: Path, damage: str) -> None:
    paths = write(tmp_path, 6)
    pictures, _ = usable_pictures(paths)
    late = int(epoch_order(6, seed=1, epoch=0)[4])
    path = Path(paths[late])
    data = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(data[:200])
    elif damage == "another":
        path.write_bytes(Path(paths[late - 1]).read_bytes())
    elif damage == "a folder":
        path.mkdir()
    with pytest.raises(InputError) as caught:
        batches(pictures, batch_size=2)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "run the same command to go on" in message
    assert "\n" not in message
    if damage == "gone":
        assert "(not found)" in message
    # Put back, the run goes on with the step that failed.
    if damage == "a folder":
        path.rmdir()
    path.write_bytes(data)
    rest = batches(pictures, batch_size=2, first=2)
    whole = batches(pictures, batch_size=2)
    assert contents(rest) == contents(whole)[2:]


def test_a_file_that_may_not_be_read_any_more_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write(tmp_path, 1)
    pictures, _ = usable_pictures([path])

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=r"cannot be now \(permission denied\)"):
        batches(pictures, batch_size=1)


def test_a_large_jpeg_keeps_the_sharpness_that_its_smallest_crop_needs(tmp_path: Path) -> None:
    # Stripes two pixels wide; the smallest crop of 3 : 4 has a side of sqrt(0.06) of the picture.
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, np.arange(1600) % 4 < 2] = 255
    path = tmp_path / "stripes.jpg"
    Image.fromarray(stripes).save(path, quality=95)
    pictures, _ = usable_pictures([str(path)])
    smallest = int(1600 * math.sqrt(0.06))
    spec = ImageInput(size=(smallest, smallest), resize="exact")
    opened = pictures._open(0, spec)
    assert opened.width * math.sqrt(0.06) >= smallest - 1
    tiny = ImageInput(size=(32, 32), resize="exact")
    assert 32 <= pictures._open(0, tiny).width * math.sqrt(0.06) < smallest
