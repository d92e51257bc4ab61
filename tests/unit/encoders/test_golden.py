from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from sightglass.encoders.card import EncoderCard, Golden
from sightglass.encoders.contract import ImageEncoder
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.golden import GoldenCheck, check_golden
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import ModelError


class WithGolden(SyntheticEncoder):
    """The encoder of colours with golden rows on its card."""

    def __init__(self, *golden: Golden) -> None:
        super().__init__()
        self._card = self._card.model_copy(update={"golden": golden})


# Black lies on the first of 27 lattice points, each half an edge apart, and the row falls off as a
# Gaussian of width 0.35: along one axis 1, e^-(0.5^2 / 0.245), e^-(1 / 0.245), scaled to length 1.
AXIS = [math.exp(-((step / 2) ** 2) / 0.245) for step in range(3)]
LENGTH = math.sqrt(sum(value * value for value in AXIS)) ** 3
BLACK = tuple(value / LENGTH for value in AXIS)


def picture(starts: Sequence[float], tolerance: float = 1e-6) -> Golden:
    return Golden(
        colour=(0, 0, 0), picture_size=(31, 17), starts=tuple(starts), tolerance=tolerance
    )


def test_rows_that_come_out_as_the_card_says_pass() -> None:
    checks = check_golden(
        WithGolden(picture(BLACK), Golden(text="something black", starts=BLACK, tolerance=1e-6))
    )
    assert [check.what for check in checks] == [
        "picture (31, 17) of colour (0, 0, 0)",
        'text "something black"',
    ]
    assert all(check.passed for check in checks)
    assert all(check.difference < 1e-6 for check in checks)


def test_the_largest_difference_of_any_entry_counts() -> None:
    wrong = (BLACK[0], BLACK[1] + 0.25, BLACK[2] - 0.5)
    (check,) = check_golden(WithGolden(picture(wrong, tolerance=0.4)))
    assert check.difference == pytest.approx(0.5, abs=1e-6)
    assert check.tolerance == 0.4
    assert not check.passed


@pytest.mark.parametrize(
    ("difference", "passed"), [(0.1, True), (0.0, True), (0.11, False), (math.nan, False)]
)
def test_a_difference_passes_up_to_its_tolerance_and_nan_never(
    difference: float, passed: bool
) -> None:
    assert GoldenCheck(what="x", difference=difference, tolerance=0.1).passed is passed


def test_a_model_that_gives_nan_does_not_pass() -> None:
    class Broken(WithGolden):
        def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
            rows = np.full((len(pictures), 27), np.nan, np.float32)
            return Embeddings(rows=rows, fingerprint=self.fingerprint)

    (check,) = check_golden(Broken(picture(BLACK)))
    assert not check.passed


def test_a_card_without_golden_rows_has_nothing_to_check() -> None:
    assert check_golden(SyntheticEncoder()) == []


@pytest.mark.parametrize(
    "golden",
    [
        Golden(starts=BLACK),
        Golden(colour=(0, 0, 0), starts=BLACK),
        Golden(picture_size=(3, 3), starts=BLACK),
    ],
)
def test_an_entry_that_names_no_input_is_refused(golden: Golden) -> None:
    with pytest.raises(ModelError) as caught:
        check_golden(WithGolden(golden))
    assert str(caught.value) == (
        "synthetic:colours: a golden entry needs a text, or colour and size."
    )


def test_a_text_for_an_encoder_without_a_text_side_is_refused() -> None:
    class Blind:
        """Has pictures only."""

        def __init__(self) -> None:
            golden = (Golden(text="cat", starts=BLACK),)
            self.card: EncoderCard = SyntheticEncoder().card.model_copy(update={"golden": golden})
            self.fingerprint = "f"

        prepare = SyntheticEncoder.prepare
        encode_images = SyntheticEncoder.encode_images

    encoder = Blind()
    assert isinstance(encoder, ImageEncoder)
    with pytest.raises(ModelError, match="a golden entry needs a text, or colour and size"):
        check_golden(encoder)
