from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightglass.errors import InputError
from sightglass.pipeline import ZeroShotClassifier
from sightglass.sources import image_from_array, sources_of


def picture(colour: str, size: tuple[int, int] = (4, 3)) -> Image.Image:
    return Image.new("RGB", size, colour)


def encoded(colour: str) -> bytes:
    stream = io.BytesIO()
    picture(colour).save(stream, "PNG")
    return stream.getvalue()


def test_a_folder_gives_its_files_sorted_and_spelled_as_given(tmp_path: Path) -> None:
    for name in ("b.png", "a.txt", "c/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    expected = [f"{tmp_path}/{name}" for name in ("a.txt", "b.png", "c/d.jpg")]
    assert sources_of(tmp_path) == expected
    assert sources_of(str(tmp_path)) == expected
    assert sources_of([tmp_path / "c", f"{tmp_path}/*.*"]) == [expected[2], *expected[:2]]


def test_one_picture_in_memory_needs_no_list() -> None:
    for one in (picture("red"), np.full((3, 4, 3), (255, 0, 0), np.uint8)):
        ((name, image),) = sources_of(one)
        assert name == "image[0]"
        assert image.mode == "RGB"
        assert image.size == (4, 3)
        assert image.getpixel((0, 0)) == (255, 0, 0)


def test_the_bytes_of_a_file_are_passed_on_unopened() -> None:
    data = encoded("red")
    assert sources_of(data) == [("image[0]", data)]
    assert sources_of([b"", data]) == [("image[0]", b""), ("image[1]", data)]


def test_everything_comes_in_the_order_given(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(encoded("red"))
    data = encoded("blue")
    mixture = [picture("red"), tmp_path / "b.png", data, str(tmp_path / "a.png")]
    found = sources_of(mixture)
    assert (found[1], found[3]) == (str(tmp_path / "b.png"), str(tmp_path / "a.png"))
    assert [name for name, _ in (found[0], found[2])] == ["image[0]", "image[2]"]
    assert found[2][1] == data
    assert sources_of([tmp_path / "b.png"] * 2) == [str(tmp_path / "b.png")] * 2


def test_standard_input_is_for_the_command_line() -> None:
    with pytest.raises(InputError, match="only on the command line"):
        sources_of("-")


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_any_iterable_will_do(kind: type) -> None:
    names = [name for name, _ in sources_of(kind([picture("red"), picture("blue")]))]
    assert names == ["image[0]", "image[1]"]
    assert sources_of(kind([])) == []


def test_a_generator_is_taken_once() -> None:
    found = sources_of(picture(colour) for colour in ("red", "blue"))
    assert [image.getpixel((0, 0)) for _, image in found] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    ("array", "pixel"),
    [
        (np.full((3, 4), 128, np.uint8), (128, 128, 128)),
        (np.full((3, 4, 3), (255, 128, 0), np.uint8), (255, 128, 0)),
        # Half transparent black on white: 255 * (1 - 51 / 255) = 204.
        (np.full((3, 4, 4), (0, 0, 0, 51), np.uint8), (204, 204, 204)),
        (np.full((3, 4, 4), (10, 20, 30, 255), np.uint8), (10, 20, 30)),
    ],
)
def test_grey_colour_and_transparent_arrays_become_rgb(
    array: np.ndarray, pixel: tuple[int, int, int]
) -> None:
    ((_, image),) = sources_of([array])
    assert image.mode == "RGB"
    assert image.size == (4, 3)
    assert image.getpixel((3, 2)) == pixel


def test_later_changes_to_what_was_given_do_not_reach_the_run() -> None:
    array, image = np.zeros((3, 4, 3), np.uint8), picture("black")
    found = sources_of([array, image])
    array[:] = 255
    image.paste("white", (0, 0, 4, 3))
    assert [given.getpixel((0, 0)) for _, given in found] == [(0, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 4, 3)),
        np.zeros((3, 4), np.uint16),
        np.zeros((3, 4, 2), np.uint8),
        np.zeros((5, 3, 4, 3), np.uint8),
        np.zeros(12, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_an_array_of_another_kind_is_refused_with_what_arrived(array: np.ndarray) -> None:
    with pytest.raises(InputError) as caught:
        sources_of([picture("red"), array])
    assert str(caught.value) == (
        "image[1]: an array needs shape (height, width), (height, width, 3) or (…, 4) and type "
        f"uint8 with values 0 to 255, got {array.shape} of {array.dtype}. Convert it first."
    )


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError) as caught:
        sources_of(picture("red", size))
    assert str(caught.value) == (
        f"image[0]: a picture needs at least one pixel, got {size[0]} x {size[1]}. Leave it out."
    )


@pytest.mark.parametrize(
    ("given", "kind"), [(None, "NoneType"), (7, "int"), ([["nested"]], "list"), ([{}], "dict")]
)
def test_anything_else_is_refused_by_name(given: object, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        sources_of(given)
    assert str(caught.value) == (
        "predict: image[0] must be a path, a PIL image, a uint8 array or a picture file's bytes, "
        f"got {kind}. Convert it first."
    )


def test_a_generator_inside_a_generator_is_refused_not_flattened() -> None:
    with pytest.raises(InputError, match=r"image\[1\] must be .* got generator"):
        sources_of(item for item in (picture("red"), (picture(c) for c in ("red", "blue"))))


def test_an_array_becomes_a_picture_of_the_same_pixels() -> None:
    array = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    assert np.array_equal(np.asarray(image_from_array(array, name="x")), array)


def test_a_picture_in_memory_that_cannot_be_loaded_is_a_row(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    classifier = ZeroShotClassifier(["red", "blue"], model="synthetic:colours", store=None)
    with Image.open(tmp_path / "half.jpg") as half:
        result = classifier.predict([half, np.full((4, 4, 3), (255, 0, 0), np.uint8)])
    assert [outcome.status for outcome in result.outcomes] == ["corrupt", "ok"]
    assert result.labels == [None, "red"]
