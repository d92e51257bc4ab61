from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sightglass.distillation import ema_decay
from sightglass.distillation.losses.ema import EmaTeacher
from sightglass.errors import InputError, ModelError, UnknownNameError

# The worked example of the specification: the teacher is 0, the student 1.
FOLLOWED = (0.818182, 0.954545, 0.986014)


def constant(value: float) -> nn.Linear:
    """A network of one weight."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    ("step", "decay"),
    [(1, 0.181818), (2, 0.25), (10, 0.55), (100, 0.918182), (8990, 0.999), (10**9, 0.999)],
)
def test_the_decay_has_the_values_of_the_specification(step: int, decay: float) -> None:
    assert ema_decay(step) == pytest.approx(decay, abs=1e-6)


def test_the_highest_decay_is_reached_at_step_8990() -> None:
    assert ema_decay(8989) < 0.999
    assert ema_decay(8990) == 0.999
    assert ema_decay(8991) == 0.999


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_the_decay_is_the_lesser_of_the_two(step: int, maximum: float) -> None:
    assert ema_decay(step, maximum) == min(maximum, (1 + step) / (10 + step))


@pytest.mark.parametrize("step", [0, -1, 1.5])
def test_a_step_that_is_not_counted_from_1_is_refused(step: float) -> None:
    with pytest.raises(InputError, match="ema_decay: step must be a whole number of at least 1"):
        ema_decay(step)


@pytest.mark.parametrize("maximum", [-0.1, 1.1, math.nan])
def test_a_highest_decay_out_of_range_is_refused(maximum: float) -> None:
    with pytest.raises(InputError, match="ema_decay: maximum must be a number from 0 to 1, got"):
        ema_decay(1, maximum)
    with pytest.raises(InputError, match="ema_decay: maximum must be a number from 0 to 1, got"):
        EmaTeacher(constant(0), maximum=maximum)


def test_the_teacher_follows_as_in_the_specification() -> None:
    teacher, student = EmaTeacher(constant(0).double()), constant(1).double()
    for step, value in enumerate(FOLLOWED, start=1):
        teacher.update(student, step)
        assert teacher.module.weight.item() == pytest.approx(value, abs=1e-6)


def test_mistake_4_a_constant_decay_would_leave_the_teacher_where_it_began() -> None:
    teacher, student = EmaTeacher(constant(0)), constant(1)
    for step in range(1, 11):
        teacher.update(student, step)
    assert teacher.module.weight.item() > 0.99
    assert 1 - 0.999**10 < 0.01  # what 0.999 from the first step on gives


def test_mistake_4_the_teacher_of_a_step_holds_the_student_of_the_step_before() -> None:
    def run(*, before: bool) -> list[float]:
        """What the teacher was at the time of each of three steps."""
        student = constant(0).double()
        teacher, seen = EmaTeacher(student), []
        optimiser = torch.optim.SGD(student.parameters(), lr=1.0)
        for step in (1, 2, 3):
            if before:
                teacher.update(student, step)
            optimiser.zero_grad()
            (-student.weight).sum().backward()  # every step adds 1 to the weight
            if before:
                seen.append(teacher.module.weight.item())
            optimiser.step()
            if not before:
                teacher.update(student, step)
                seen.append(teacher.module.weight.item())
        return seen

    # By hand, student 0, 1, 2 at the start of the steps: 0; 3/4 of 1; 4/13 of that and 9/13 of 2.
    assert run(before=True) == pytest.approx([0, 0.75, 4 / 13 * 0.75 + 9 / 13 * 2], rel=1e-12)
    assert run(before=False)[0] == pytest.approx(9 / 11, rel=1e-12)


def test_mistake_4_the_teacher_has_no_gradient_and_the_student_keeps_its_own() -> None:
    student = network()
    teacher = EmaTeacher(student)
    teacher.update(student, 1)
    assert not any(parameter.requires_grad for parameter in teacher.module.parameters())
    assert not teacher.module(torch.ones(2, 3)).requires_grad
    assert all(parameter.requires_grad for parameter in student.parameters())


def test_the_teacher_shares_no_memory_with_its_student() -> None:
    student = network()
    teacher = EmaTeacher(student)
    before = tensors_of(teacher.module)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1)
    for name, tensor in teacher.module.state_dict().items():
        assert torch.equal(tensor, before[name])
    kept = tensors_of(student)
    teacher.update(student, 1)
    for name, tensor in student.state_dict().items():
        assert torch.equal(tensor, kept[name])


@given(st.integers(0, 2**32 - 1), st.integers(1, 20000), st.sampled_from([0.0, 0.9, 0.999, 1.0]))
def test_every_parameter_is_the_mean_of_the_two_that_the_decay_says(
    seed: int, step: int, maximum: float
) -> None:
    teacher = EmaTeacher(network(seed % 1000).double(), maximum=maximum)
    student = network(seed % 1000 + 1).double()
    old = tensors_of(teacher.module)
    teacher.update(student, step)
    d = min(maximum, (1 + step) / (10 + step))
    for name, parameter in student.named_parameters():
        expected = d * old[name] + (1 - d) * parameter.detach()
        np.testing.assert_allclose(teacher.module.state_dict()[name], expected, atol=1e-12)


def test_mistake_5_by_default_buffers_are_the_teachers_own_and_decide_nothing() -> None:
    student = network()
    teacher = EmaTeacher(student)
    assert teacher.module.training
    torch.manual_seed(0)
    batch = torch.randn(8, 3) * 5 + 2
    student(batch)  # moves the student's running statistics
    teacher.update(student, 1)
    norm, others = teacher.module[1], student[1]
    assert norm.running_mean.tolist() == [0, 0, 0, 0]
    assert others.running_mean.abs().min() > 0
    # Its BatchNorm has the batch's statistics, and so a batch that is 0 on average.
    found = nn.Sequential(*list(teacher.module)[:2])(batch)
    np.testing.assert_allclose(found.detach().mean(dim=0), 0, atol=1e-6)
    # In evaluation mode the answer is another one: the choice is not for nothing.
    teacher.module.eval()
    assert nn.Sequential(*list(teacher.module)[:2])(batch).detach().mean(dim=0).abs().max() > 0.1


def test_mistake_5_averaged_buffers_follow_and_decide() -> None:
    student = network()
    teacher = EmaTeacher(student, buffers="averaged")
    assert not teacher.module.training
    for _ in range(3):
        student(torch.randn(8, 3) * 5 + 2)
    teacher.update(student, 1)
    norm, followed = teacher.module[1], student[1]
    # d_1 = 2/11, from a mean of 0 and a variance of 1.
    np.testing.assert_allclose(norm.running_mean, 9 / 11 * followed.running_mean, rtol=1e-6)
    np.testing.assert_allclose(norm.running_var, 2 / 11 + 9 / 11 * followed.running_var, rtol=1e-6)
    assert norm.num_batches_tracked.item() == 3
    assert student.training


def test_a_student_in_evaluation_mode_gets_the_same_teacher() -> None:
    student = network().eval()
    assert EmaTeacher(student).module.training
    assert not EmaTeacher(student, buffers="averaged").module.training
    assert not student.training


def test_parameters_that_a_student_ties_stay_tied() -> None:
    student = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    student["b"].weight = student["a"].weight
    teacher = EmaTeacher(student)
    with torch.no_grad():
        student["a"].weight.zero_()
    old = teacher.module["a"].weight.clone()
    teacher.update(student, 1)
    assert teacher.module["a"].weight is teacher.module["b"].weight
    np.testing.assert_allclose(teacher.module["a"].weight, old * 2 / 11, rtol=1e-6)


def test_the_state_is_what_a_run_goes_on_from() -> None:
    student = network()
    teacher = EmaTeacher(network(1))
    teacher.update(student, 1)
    teacher.module(torch.randn(8, 3))
    stored = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    again = EmaTeacher(network(2))
    again.load_state_dict(stored)
    for each in (teacher, again):
        each.update(student, 2)
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert "1.running_mean" in stored
    assert not any(parameter.requires_grad for parameter in again.module.parameters())


def test_another_network_is_refused_and_changes_nothing() -> None:
    teacher = EmaTeacher(network())
    before = tensors_of(teacher.module)
    wider = nn.Sequential(*list(network(1))[:3], nn.Linear(4, 5))
    message = (
        "EmaTeacher: tensors with the names and shapes of the student that was copied are needed, "
        "2 differ, the first is '3.weight'. Make a new teacher of another student."
    )
    with pytest.raises(ModelError) as caught:
        teacher.update(wider, 1)
    assert str(caught.value) == message
    with pytest.raises(ModelError) as caught:
        teacher.load_state_dict(wider.state_dict())
    assert str(caught.value) == message
    with pytest.raises(ModelError, match=r"6 differ, the first is '1\.weight'"):
        teacher.load_state_dict(
            {name: tensor for name, tensor in before.items() if name.startswith(("0", "1.n"))}
        )
    for name, tensor in teacher.module.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_an_unknown_policy_of_buffers_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Unknown policy of buffers 'average'"):
        EmaTeacher(network(), buffers="average")
