"""What tests let two processes do together; they import it by name."""

from __future__ import annotations

import os
import signal
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrastive_students import (
    CUT,
    Student,
    cut,
    descend,
    embed,
    gradients,
    make_batch,
    our_gradient,
)
from sightglass.distillation.parallel.contrastive_step import backward
from sightglass.distillation.parallel.global_batch_norm import convert
from sightglass.distillation.parallel.launch import launch
from sightglass.distillation.parallel.processes import Processes
from sightglass.errors import PictureError

# Rows of each process in the checks of the norm alone.
NORM_ROWS = (5, 2)


@cache
def found_by_two() -> list[dict[str, Any]]:
    """What each of two processes found; they are started once for all tests."""
    return launch(2, all_checks)


def all_checks(processes: Processes) -> dict[str, Any]:
    """Every answer that needs a second process, for the tests to look at."""
    torch.set_num_threads(1)
    return {
        "exchange": exchange(processes),
        "steps": steps(processes),
        "dropout": dropout(processes),
        "careless": careless(processes),
        "only own": only_own(processes),
        "unequal": unequal(processes),
        "norm steps": norm_steps(processes),
        "norms": [norm_alone(processes, case) for case in range(len(norm_cases()))],
    }


def exchange(processes: Processes) -> dict[str, Any]:
    rank = processes.rank
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for tensor in module.state_dict().values():
        tensor.fill_(rank + 3)
    processes.broadcast(module)
    some = [nn.Parameter(torch.zeros(2, 3)) for _ in range(3)]
    some[0].grad = torch.full((2, 3), rank + 1.0)
    if rank == 1:
        some[1].grad = torch.full((2, 3), 7.0)
    processes.sum_gradients(some)
    return {
        "bool": processes.gather(torch.arange(2 + rank) % 2 == 0),
        "bf16": processes.gather(torch.full((rank, 2, 1), 0.1, dtype=torch.bfloat16)),
        "none": processes.gather(torch.zeros(0, 3)),
        "sum": processes.sum(torch.tensor([1, 10 * rank])),
        "broadcast": module.state_dict(),
        "summed": [one.grad for one in some],
    }


def own_parts(processes: Processes, *, seed: int) -> list[Any]:
    sizes = CUT[processes.rank]
    first = sum(sum(earlier) for earlier in CUT[: processes.rank])
    return cut(make_batch(seed=seed), sizes, first=first)


def steps(processes: Processes) -> Any:
    student = Student()
    found: dict[str, Any] = {}

    def leave(step: int) -> float:
        loss = our_gradient(student, own_parts(processes, seed=step), processes)
        if step == 0:
            found["gradients"] = gradients(student)
        return loss

    found["losses"], found["tensors"] = descend(student, leave)
    return found


def dropout(processes: Processes) -> Any:
    student = Student(dropout=0.5)
    torch.manual_seed(7 + processes.rank)
    our_gradient(student, own_parts(processes, seed=0), processes)
    return gradients(student), torch.rand(1)


def careless(processes: Processes) -> Any:
    """Rows gathered without gradient and put to the loss at once, gradients averaged."""
    student = Student()
    batch = make_batch(seed=0, without_caption=())
    part = batch.part(6 * processes.rank, 6)
    outputs = embed(student, part)
    assert outputs.texts is not None
    images, texts = processes.gather(outputs.images), processes.gather(outputs.texts)
    first = 6 * processes.rank
    targets = torch.arange(first, first + 6)
    scale = student.log_scale.exp()
    loss = functional.cross_entropy(scale * outputs.images @ texts.T, targets)
    loss = loss + functional.cross_entropy(scale * outputs.texts @ images.T, targets)
    loss = loss + outputs.own
    loss.backward()
    processes.sum_gradients(student.parameters())
    return {name: None if g is None else g / 2 for name, g in gradients(student).items()}


def only_own(processes: Processes) -> Any:
    student = Student()
    parts = own_parts(processes, seed=0)
    loss = backward(
        parts,
        partial(embed, student),
        None,
        module=student,
        sizes=[len(part.pixels) for part in parts],
        processes=processes,
    )
    return loss, gradients(student)


def unequal(processes: Processes) -> str:
    student = Student()
    parts = own_parts(processes, seed=0)[: processes.rank + 1]
    try:
        our_gradient(student, parts, processes)
    except ValueError as error:
        return str(error)
    return "went through"


def norm_steps(processes: Processes) -> Any:
    student = Student(norm=True)
    names = list(student.state_dict())
    assert convert(student, processes) is student
    assert list(student.state_dict()) == names

    def leave(step: int) -> float:
        sizes = [sum(sizes) for sizes in CUT]
        first = sum(sizes[: processes.rank])
        part = make_batch(seed=step).part(first, sizes[processes.rank])
        return our_gradient(student, [part], processes)

    return descend(student, leave)


def norm_cases() -> list[tuple[nn.Module, tuple[int, ...]]]:
    """Norms of several kinds, and the shape of a row for each."""
    torch.manual_seed(3)
    cases: list[tuple[nn.Module, tuple[int, ...]]] = [
        (nn.BatchNorm2d(3), (3, 4, 5)),
        (nn.BatchNorm2d(3, momentum=None), (3, 2, 2)),
        (nn.BatchNorm2d(3, affine=False, momentum=0.3), (3, 2, 2)),
        (nn.BatchNorm2d(3, track_running_stats=False), (3, 2, 2)),
        (nn.BatchNorm1d(4, eps=0.1), (4,)),
        (nn.BatchNorm1d(4), (4, 3)),
    ]
    for norm, _ in cases:
        for parameter in norm.parameters():
            nn.init.uniform_(parameter, 0.5, 1.5)
    return cases


def norm_rows(case: int) -> tuple[Tensor, Tensor]:
    """Rows far from 0, which a sum of squares in float32 would lose, and weights of the answer."""
    shape = norm_cases()[case][1]
    generator = torch.Generator().manual_seed(case)
    rows = 50 + torch.randn(sum(NORM_ROWS), *shape, generator=generator)
    return rows, torch.randn(rows.shape, generator=generator)


def run_norm(norm: nn.Module, rows: Tensor, weights: Tensor) -> dict[str, Any]:
    """Two passes in ``train`` mode, the gradient of the second, and one pass in ``eval`` mode."""
    norm.train()
    rows = rows.clone().requires_grad_()
    norm(rows.detach() + 1)
    answer = norm(rows)
    (answer * weights).sum().backward()
    norm.eval()
    return {
        "answer": answer.detach(),
        "slope": rows.grad,
        "parameters": [one.grad for one in norm.parameters()],
        "state": norm.state_dict(),
        "eval": norm(rows).detach(),
    }


def norm_alone(processes: Processes, case: int) -> dict[str, Any]:
    norm = convert(norm_cases()[case][0], processes)
    first = sum(NORM_ROWS[: processes.rank])
    rows, weights = (both[first : first + NORM_ROWS[processes.rank]] for both in norm_rows(case))
    found = run_norm(norm, rows, weights)
    processes.sum_gradients(norm.parameters())
    return found | {"parameters": [one.grad for one in norm.parameters()]}


def refuse_a_picture(processes: Processes) -> None:
    """The second process fails, the first waits for it."""
    if processes.rank == 1:
        raise PictureError("unreadable", "made so")
    processes.sum(torch.ones(1))


def die(processes: Processes) -> None:
    if processes.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    processes.sum(torch.ones(1))
