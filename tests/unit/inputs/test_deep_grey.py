from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightglass.inputs import deep_grey
from sightglass.inputs.deep_grey import rgb_of_deep_grey


@pytest.fixture(autouse=True)
def few_numbers_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep_grey, "_NUMBERS_AT_A_TIME", 6)


def expected_bytes(rows: list[list[float]]) -> list[list[int]]:
    """The documented rule for fractions and numbers of 32 bits, number by number."""
    finite = [number for row in rows for number in row if math.isfinite(number)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)

    def grey(number: float) -> int:
        if not math.isfinite(number):
            return 0
        if low < 0 or high > 255:
            return round((number - low) / max(high - low, 1e-300) * 255)
        return round(number * 255) if high <= 1 else round(number)

    return [[grey(number) for number in row] for row in rows]


NUMBERS = st.one_of(
    st.floats(0, 1, width=32),
    st.floats(0, 255, width=32),
    st.floats(-1e6, 1e6, width=32),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)


@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=7
        )
    )
)
def test_a_picture_taken_in_pieces_is_scaled_as_a_whole(rows: list[list[float]]) -> None:
    image = Image.fromarray(np.array(rows, np.float32))
    got = np.asarray(rgb_of_deep_grey(image))
    assert (got == got[:, :, :1]).all()
    assert got[:, :, 0].tolist() == expected_bytes(rows)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_grey_of_16_bits_keeps_its_high_bytes_in_every_piece(mode: str) -> None:
    values = np.arange(5 * 4, dtype=np.uint16).reshape(5, 4) * 3_000
    raw = values.astype(">u2" if mode.endswith("B") else "<u2").tobytes()
    got = np.asarray(rgb_of_deep_grey(Image.frombytes(mode, (4, 5), raw)))
    assert got[:, :, 1].tolist() == (values // 256).tolist()
