from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import kdpl_oracle
from sightglass.distillation.prompts.promptsrc_regulariser import promptsrc_regulariser
from sightglass.errors import InputError, ShapeError

FROZEN = ("frozen_texts", "frozen_images", "frozen_logits")
STUDENT = ("student_texts", "student_images", "student_logits")


def parts(seed: int, *, n: int = 2, c: int = 3, dim: int = 4) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    shapes = {"texts": (c, dim), "images": (n, dim), "logits": (n, c)}
    return {
        f"{who}_{what}": torch.from_numpy(rng.standard_normal(shape))
        for who in ("student", "frozen")
        for what, shape in shapes.items()
    }


def unprompted(seed: int, **sizes: int) -> dict[str, torch.Tensor]:
    """A student that is where it started."""
    made = parts(seed, **sizes)
    return made | {name: made[name.replace("student", "frozen")].clone() for name in STUDENT}


def by_loops(given_parts: dict[str, torch.Tensor], **weights: float) -> float:
    return kdpl_oracle.promptsrc_regulariser(
        **{name: matrix.tolist() for name, matrix in given_parts.items()}, **weights
    )


def test_each_term_by_hand() -> None:
    # 2 classes and 1 picture of width 2. One of 4 text entries off by 0.2; both of the picture's by
    # 0.1; certainty 1/2 against 3/4: KL = ln(1/2 / 3/4) / 2 + ln(1/2 / 1/4) / 2, over 2 logits.
    start = unprompted(0, n=1, c=2, dim=2)
    start |= {"frozen_logits": torch.zeros(1, 2), "student_logits": torch.zeros(1, 2)}
    assert float(promptsrc_regulariser(**start)) == 0
    start["student_texts"][1, 0] += 0.2
    assert float(promptsrc_regulariser(**start)) == pytest.approx(25 * 0.2 / 4)
    start["student_images"] -= 0.1
    assert float(promptsrc_regulariser(**start)) == pytest.approx(1.25 + 10 * 0.1)
    start["student_logits"][0, 1] += math.log(3)
    divergence = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    assert float(promptsrc_regulariser(**start)) == pytest.approx(2.25 + divergence / 2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6), st.integers(1, 7))
def test_the_value_agrees_with_plain_loops(seed: int, n: int, c: int, dim: int) -> None:
    made = parts(seed, n=n, c=c, dim=dim)
    assert float(promptsrc_regulariser(**made)) == pytest.approx(by_loops(made), rel=1e-9)
    weights = {"text_weight": 3.0, "image_weight": 0.5}
    assert float(promptsrc_regulariser(**made, **weights)) == pytest.approx(
        by_loops(made, **weights), rel=1e-9
    )


def test_the_gradients_are_those_of_central_differences() -> None:
    made, step = parts(1), 1e-6
    learned = {name: made[name].clone().requires_grad_() for name in STUDENT}
    promptsrc_regulariser(**made | learned).backward()
    for name in STUDENT:
        for place in np.ndindex(*made[name].shape):
            values = []
            for sign in (1, -1):
                moved = made[name].clone()
                moved[place] += sign * step
                values.append(float(promptsrc_regulariser(**made | {name: moved})))
            expected = (values[0] - values[1]) / (2 * step)
            assert float(learned[name].grad[place]) == pytest.approx(expected, abs=1e-7)


def test_the_divergence_is_divided_by_the_logits_and_not_by_the_pictures() -> None:
    made = unprompted(2, n=2, c=3)
    made["student_logits"] = made["student_logits"] + torch.tensor([1.0, 0.0, 0.0])
    per_picture = sum(
        kdpl_oracle.divergence(frozen, student) / 2
        for frozen, student in zip(
            made["frozen_logits"].tolist(), made["student_logits"].tolist(), strict=True
        )
    )
    assert float(promptsrc_regulariser(**made)) == pytest.approx(per_picture / 3, rel=1e-9)


def test_the_divergence_is_from_the_frozen_student_to_the_prompted_one() -> None:
    made = unprompted(3)
    made["student_logits"] = made["student_logits"] * 3
    exchanged = made | {
        "student_logits": made["frozen_logits"],
        "frozen_logits": made["student_logits"],
    }
    assert abs(by_loops(made) - by_loops(exchanged)) > 0.01
    assert float(promptsrc_regulariser(**made)) == pytest.approx(by_loops(made), rel=1e-9)


def test_mistake_3_no_gradient_reaches_what_is_frozen() -> None:
    made = {name: matrix.requires_grad_() for name, matrix in parts(4).items()}
    promptsrc_regulariser(**made).backward()
    assert [made[name].grad for name in FROZEN] == [None, None, None]
    assert all(made[name].grad.abs().sum() > 0 for name in STUDENT)


def test_half_precision_is_widened() -> None:
    made = {name: matrix.bfloat16() for name, matrix in parts(5).items()}
    found = promptsrc_regulariser(**made)
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(by_loops(made), rel=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"student_texts": torch.zeros(3, 5)},
            "frozen_texts and student_texts need one shape, got (3, 4) and (3, 5).",
        ),
        (
            {"student_logits": torch.zeros(3, 2), "frozen_logits": torch.zeros(3, 2)},
            "student_logits needs one row per picture and one column per class, got (3, 2) for 2 "
            "pictures and 3 classes.",
        ),
        (
            {"frozen_images": torch.zeros(4)},
            "frozen_images needs two axes, both at least 1 long, got shape (4,).",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        promptsrc_regulariser(**parts(6) | wrong)
    assert str(caught.value) == f"promptsrc_regulariser: {message}"


def test_a_row_that_is_no_number_is_refused() -> None:
    made = parts(7)
    made["student_images"][1, 2] = torch.nan
    with pytest.raises(InputError, match="student_images must be finite throughout, got nan in"):
        promptsrc_regulariser(**made)
