from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.losses.map_loss import MapNorm
from sightglass.errors import InputError, ShapeError


def maps(seed: int, n: int = 2, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """A student's map and a teacher's whose channels have very different scales."""
    rng = np.random.default_rng(seed)
    scales = 10.0 ** rng.uniform(-1, 1, (1, channels, 1, 1))
    shifts = rng.uniform(-5, 5, (1, channels, 1, 1))
    student, teacher = (rng.standard_normal((n, channels, 4, 5)) for _ in range(2))
    return torch.from_numpy(student).float(), torch.from_numpy(teacher * scales + shifts).float()


def by_loops(student: torch.Tensor, teacher: torch.Tensor, ruler: torch.Tensor) -> float:
    """Both normalised, then compared, one value at a time."""
    squares = []
    for channel in range(student.shape[1]):
        values = ruler[:, channel].flatten().tolist()
        mean, std = statistics.fmean(values), statistics.pstdev(values)
        for s, t in zip(
            student[:, channel].flatten().tolist(),
            teacher[:, channel].flatten().tolist(),
            strict=True,
        ):
            squares.append(((s - mean) / std - (t - mean) / std) ** 2)
    return math.fsum(squares) / len(squares)


def test_mean_and_deviation_by_hand() -> None:
    norm = MapNorm(2)
    # Channel 0 holds 1 and 3 over two pictures: mean 2, deviation 1. Channel 1: 10, 30: 20 and 10.
    teacher = torch.tensor([[[[1.0]], [[10.0]]], [[[3.0]], [[30.0]]]])
    loss = norm(torch.tensor([[[[2.0]], [[10.0]]], [[[3.0]], [[0.0]]]]), teacher)
    assert norm.mean.tolist() == [2, 20]
    assert norm.std.tolist() == [1, 10]
    # Differences 1, 0, 0, -30 over the deviations: squares 1, 0, 0, 9.
    assert loss.item() == pytest.approx(10 / 4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_the_loss_agrees_with_plain_loops(seed: int, n: int, channels: int) -> None:
    student, teacher = maps(seed, n, channels)
    assert MapNorm(channels)(student, teacher).item() == pytest.approx(
        by_loops(student, teacher, teacher), rel=1e-4
    )


def test_the_ruler_is_that_of_the_first_batch_in_training_mode_and_stays() -> None:
    norm = MapNorm(3)
    (student, first), (_, second) = maps(1), maps(2)
    norm(student, first)
    mean, std = norm.mean.clone(), norm.std.clone()
    assert norm(student, second).item() == pytest.approx(by_loops(student, second, first), rel=1e-4)
    norm.eval()(student, second)
    assert torch.equal(norm.mean, mean)
    assert torch.equal(norm.std, std)
    norm.learn(second)
    assert not torch.equal(norm.mean, mean)


@given(st.integers(0, 2**32 - 1))
def test_a_normal_map_has_mean_0_and_deviation_1(seed: int) -> None:
    _, teacher = maps(seed)
    norm = MapNorm(3)
    norm.learn(teacher)
    normal = norm.normalise(teacher)
    np.testing.assert_allclose(normal.mean(dim=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(normal.std(dim=(0, 2, 3), correction=0), 1, rtol=1e-4)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-5, 5))
def test_the_loss_of_normal_maps_does_not_depend_on_the_teachers_scale(
    seed: int, factor: float, shift: float
) -> None:
    student, teacher = maps(seed)
    expected = MapNorm(3)(student, teacher).item()
    moved = MapNorm(3)(student * factor + shift, teacher * factor + shift).item()
    assert moved == pytest.approx(expected, rel=1e-2)


def test_a_channel_that_hardly_varies_in_the_first_batch_is_left_out() -> None:
    # Two pictures of one place. Deviations 1, 0, and on either side of a thousandth of the largest.
    teacher = torch.tensor([[1.0, 7.0, 0.0, 0.0], [3.0, 7.0, 0.0019, 0.0021]]).view(2, 4, 1, 1)
    norm = MapNorm(4)
    norm.learn(teacher)
    assert norm.std.tolist() == [1, math.inf, math.inf, pytest.approx(0.00105)]
    # The second channel fires later, and the student is far from still there: neither counts.
    later = torch.tensor([[2.0, 7.0, 0.0, 0.0], [4.0, 5.0, 0.5, 0.00315]]).view(2, 4, 1, 1)
    expected = [[0, 0, 0, -1], [2, 0, 0, 2]]
    torch.testing.assert_close(norm.normalise(later).flatten(1), torch.tensor(expected).float())
    student = (later + torch.tensor([1.0, 10, 10, 0]).view(1, 4, 1, 1)).requires_grad_()
    loss = norm(student, later)
    loss.backward()
    # A difference of 1 in two of eight numbers; the gradient is twice it over their count.
    assert loss.item() == pytest.approx(2 / 8)
    expected = [[1 / 4, 0, 0, 0]] * 2
    torch.testing.assert_close(student.grad.flatten(1), torch.tensor(expected))


def test_the_gradient_reaches_the_student_alone() -> None:
    student, teacher = maps(4)
    learned, frozen = student.requires_grad_(), teacher.requires_grad_()
    norm = MapNorm(3)
    norm(learned, frozen).backward()
    assert frozen.grad is None
    # Of a mean of squares: twice the difference over the squared deviation and the number.
    std = norm.std.view(1, 3, 1, 1)
    expected = 2 * (student - teacher).detach() / std.square() / student.numel()
    np.testing.assert_allclose(learned.grad, expected, rtol=1e-4, atol=1e-7)
    assert list(norm.parameters()) == []


def test_a_map_that_is_the_teachers_has_no_loss() -> None:
    _, teacher = maps(5)
    assert MapNorm(3)(teacher.clone(), teacher).item() == 0


def test_half_precision_is_widened_even_under_autocast() -> None:
    student, teacher = (each.bfloat16() for each in maps(6))
    norm = MapNorm(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = norm(student, teacher)
    assert loss.dtype == norm.mean.dtype == torch.float32
    assert loss.item() == pytest.approx(by_loops(student, teacher, teacher), rel=1e-4)


def test_the_loss_of_maps_in_float64_is_float32_too() -> None:
    student, teacher = (each.double() for each in maps(10))
    loss = MapNorm(3)(student, teacher)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(by_loops(student, teacher, teacher), rel=1e-4)


def test_the_ruler_is_part_of_the_state() -> None:
    student, teacher = maps(7)
    norm, again = MapNorm(3), MapNorm(3).eval()
    expected = norm(student, teacher)
    again.load_state_dict(norm.state_dict())
    assert sorted(norm.state_dict()) == ["mean", "ready", "std"]
    assert torch.equal(again(student, teacher), expected)


def test_without_a_first_batch_there_is_no_ruler() -> None:
    student, teacher = maps(8)
    norm = MapNorm(3).eval()
    for call in (
        lambda: norm(student, teacher),
        lambda: norm.normalise(teacher),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == (
            "MapNorm: mean and deviation come from the first batch in training mode, none was "
            "seen. Call it in training mode once, or load its state."
        )


@pytest.mark.parametrize(("value", "largest"), [(0.0, "0.0"), (math.nan, "nan"), (math.inf, "nan")])
def test_a_first_batch_that_gives_no_ruler_is_refused_and_not_remembered(
    value: float, largest: str
) -> None:
    norm = MapNorm(3)
    bad = torch.full((2, 3, 4, 5), value)
    with pytest.raises(InputError, match=f"must be finite and must vary, got {largest} as the"):
        norm(torch.zeros(2, 3, 4, 5), bad)
    assert not norm.ready
    student, teacher = maps(9)
    assert norm(student, teacher).isfinite()


def test_maps_that_do_not_fit_are_refused() -> None:
    norm = MapNorm(3)
    with pytest.raises(ShapeError) as caught:
        norm(torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 2, 2))
    assert str(caught.value) == (
        "MapNorm: student_map and teacher_map need one shape, got (2, 3, 4, 4) and (2, 3, 2, 2)."
    )
    with pytest.raises(ShapeError) as caught:
        norm(torch.zeros(2, 5, 4, 4), torch.zeros(2, 3, 4, 4))
    assert str(caught.value) == (
        "MapNorm: student_map needs the axes pictures, 3 channels, height and width, each at "
        "least 1 long, got shape (2, 5, 4, 4)."
    )
    with pytest.raises(ShapeError, match=r"MapNorm: teacher_map needs the axes .* got shape \(3,"):
        norm(torch.zeros(2, 3, 4, 4), torch.zeros(3, 4, 4))
    with pytest.raises(InputError, match="MapNorm: channels must be a whole number of at least 1"):
        MapNorm(0)
