from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drawing_model import drawing, png
from picture_files import encode, photo
from sightglass.encoders.registry import load_dual_encoder
from sightglass.generation.image_gate import ImageGate
from sightglass.generation.quality import most_similar, plain_fault, rank_of, ranks_needed
from sightglass.inputs.labels import LabelSet

LABELS = LabelSet.of(["red", "lime", "blue", "yellow", "fuchsia", "aqua"])


def fault(image: Image.Image, size: tuple[int, int] | None = None) -> str | None:
    return plain_fault(image, size=size, width=image.width, height=image.height)


def grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


def test_a_photograph_has_no_fault() -> None:
    assert fault(photo()) is None


@pytest.mark.parametrize("level", [0, 16])
def test_a_black_picture_is_called_black_even_with_a_few_bright_pixels(level: int) -> None:
    values = np.full((100, 100), level)
    values[0, :50] = 255  # a half of one hundredth
    assert str(fault(grey(values))).startswith("black: 99 % of its pixels are at most 16")


def test_a_dark_picture_of_something_is_not_black() -> None:
    values = np.zeros((100, 100))
    values[:20, :20] = 60  # four hundredths
    assert fault(grey(values)) is None


def test_a_plain_picture_is_blank_after_lossy_compression_too() -> None:
    plain = Image.new("RGB", (64, 64), (200, 120, 40))
    again = Image.open(io.BytesIO(encode(plain, "JPEG", quality=30)))
    for image in (plain, again, Image.new("RGB", (1, 1), "white")):
        assert str(fault(image)).startswith("blank: the standard deviation")


def test_the_contrast_that_is_asked_for_is_a_standard_deviation_of_four() -> None:
    # Half of the pixels at 100, half at 100 + 2 d: the standard deviation is d.
    halves = np.full((10, 10), 100.0)
    for deviation, blank in ((3.5, True), (4, False)):
        halves[:, 5:] = 100 + 2 * deviation
        assert (fault(grey(halves)) is not None) == blank


def test_one_colour_channel_with_contrast_is_enough() -> None:
    values = np.full((10, 10, 3), 100, np.uint8)
    values[:, 5:, 2] = 150
    assert fault(Image.fromarray(values)) is None


def test_another_size_than_was_asked_for_is_a_fault_with_both_sizes() -> None:
    image = photo(64, 48)
    assert fault(image, (64, 48)) is None
    assert fault(image, (48, 64)) == ("wrong size: 64 x 48 pixels came, 48 x 64 were asked for")


def test_the_places_that_pass_are_three_or_a_twentieth_but_at_most_half() -> None:
    # By hand from the rule: n = 61 is the first where a twentieth, 3.05, is more than three.
    by_hand = {2: 1, 3: 1, 4: 2, 5: 2, 6: 3, 60: 3, 61: 4, 100: 5, 101: 6, 200: 10, 1000: 50}
    assert {n: ranks_needed(n) for n in by_hand} == by_hand


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.data())
def test_the_rank_counts_what_is_strictly_better(values: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    better = 0
    for value in values:
        if value > values[index]:
            better += 1
    assert rank_of(np.array(values, np.float32), index) == 1 + better


def test_the_nearest_row_is_found_with_its_cosine() -> None:
    rows = np.array([[1, 0], [0.6, 0.8], [0, -1]], np.float32)
    index, cosine = most_similar(np.array([0, 1], np.float32), rows)
    assert (index, round(cosine, 6)) == (1, 0.8)
    assert most_similar(np.array([0, 1], np.float32), np.empty((0, 2), np.float32)) == (-1, -1.0)


@pytest.fixture
def gate() -> ImageGate:
    return ImageGate(load_dual_encoder("synthetic:colours"), LABELS)


def test_a_picture_of_its_class_passes_with_a_probability(gate: ImageGate) -> None:
    verdict = gate.judge(png(drawing("red", 1)), 0, name="one")
    assert verdict.reason is None
    assert verdict.score is not None
    assert 0.5 < verdict.score <= 1


def test_a_picture_of_another_class_is_rejected_and_both_are_named(gate: ImageGate) -> None:
    verdict = gate.judge(png(drawing("lime", 1)), 4, name="one")
    assert str(verdict.reason).startswith("wrong class: 'fuchsia' comes ")
    assert str(verdict.reason).endswith("the first 3 pass; it looks like 'lime'")
    assert verdict.score is not None


def test_the_same_file_and_the_same_pixels_are_duplicates_in_every_class(gate: ImageGate) -> None:
    image = drawing("red", 1)
    assert gate.judge(png(image), 0, name="one").reason is None
    same = gate.judge(png(image), 3, name="two")
    assert (same.reason, same.score) == ("duplicate: same file as one", None)
    other = gate.judge(encode(image, "BMP"), 3, name="three")
    assert (other.reason, other.score) == ("duplicate: same pixels as one", None)


def test_a_picture_that_is_nearly_another_of_its_class_is_a_duplicate(gate: ImageGate) -> None:
    image = drawing("red", 1)
    assert gate.judge(png(image), 0, name="one").reason is None
    nearly = gate.judge(encode(image, "JPEG", quality=80), 0, name="two")
    assert str(nearly.reason).startswith("duplicate: nearly one (cosine 0.99")
    assert gate.judge(png(drawing("red", 2)), 0, name="three").reason is None


def test_what_was_rejected_is_no_original_of_a_duplicate(gate: ImageGate) -> None:
    data = png(drawing("lime", 1))
    assert str(gate.judge(data, 4, name="one").reason).startswith("wrong class")
    assert gate.judge(data, 1, name="two").reason is None


def test_pictures_of_earlier_runs_count_as_seen(gate: ImageGate) -> None:
    image = drawing("red", 1)
    gate.recall(b"no picture", 0, name="damaged")
    gate.recall(encode(image, "JPEG", quality=80), 0, name="old")
    assert "nearly old" in str(gate.judge(png(image), 0, name="new").reason)
    assert "nearly" not in str(gate.judge(png(image), 1, name="new").reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "corrupt: empty file"),
        (b"<html>sorry</html>", "unsupported: not a picture"),
        (png(drawing("red", 1))[:900], "truncated"),
        (png(Image.new("RGB", (48, 48))), "black"),
    ],
)
def test_what_is_of_no_use_for_any_class_is_not_shown_to_the_filter(
    gate: ImageGate, data: bytes, reason: str
) -> None:
    verdict = gate.judge(data, 0, name="one")
    assert str(verdict.reason).startswith(reason)
    assert verdict.score is None
