from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from contrastive_processes import die, exchange, found_by_two, refuse_a_picture
from sightglass.distillation.parallel.launch import launch
from sightglass.distillation.parallel.processes import Processes
from sightglass.errors import InputError, ModelError, PictureError, ShapeError


@pytest.fixture
def two() -> list[dict[str, Any]]:
    return [found["exchange"] for found in found_by_two()]


def test_rows_of_any_number_and_type_come_in_the_order_of_ranks(two: list[dict[str, Any]]) -> None:
    for found in two:
        assert found["bool"].tolist() == [True, False, True, False, True]
        assert found["bool"].dtype == torch.bool
        assert found["bf16"].shape == (1, 2, 1)
        assert found["bf16"].flatten().tolist() == torch.tensor([0.1, 0.1]).bfloat16().tolist()
        assert found["none"].shape == (0, 3)
        assert found["sum"].tolist() == [2, 10]


def test_everybody_has_the_parameters_and_buffers_of_the_first(two: list[dict[str, Any]]) -> None:
    for found in two:
        assert len(found["broadcast"]) == 7
        assert all((tensor == 3).all() for tensor in found["broadcast"].values())


def test_a_gradient_that_some_have_counts_as_zeros_elsewhere(two: list[dict[str, Any]]) -> None:
    for found in two:
        both, one, nobody = found["summed"]
        assert (both == 1.0 + 2.0).all()
        assert (one == 7.0).all()
        assert nobody is None


def test_alone_nothing_is_exchanged() -> None:
    alone, parameter = Processes.alone(), nn.Parameter(torch.zeros(2))
    rows = torch.ones(2, requires_grad=True)
    assert (alone.rank, alone.count) == (0, 1)
    assert torch.equal(alone.gather(rows), rows)
    assert torch.equal(alone.sum(rows), rows)
    assert not alone.gather(rows).requires_grad
    alone.sum_gradients([parameter])
    assert parameter.grad is None
    assert launch(1, lambda processes, word: (processes, word), "here") == [(alone, "here")]
    with pytest.raises(ShapeError, match="rows need at least one axis"):
        alone.gather(torch.tensor(1.0))


def test_the_first_failure_ends_all_and_is_raised_as_it_was() -> None:
    with pytest.raises(PictureError) as caught:
        launch(2, refuse_a_picture)
    assert str(caught.value) == "unreadable: made so"
    assert (caught.value.status, caught.value.detail) == ("unreadable", "made so")


def test_a_process_that_dies_ends_all() -> None:
    with pytest.raises(ModelError) as caught:
        launch(2, die)
    assert str(caught.value) == (
        "launch: each of 2 processes must answer, number 1 was ended by signal SIGKILL. If memory "
        "is short, use fewer processes or smaller parts."
    )


def test_what_cannot_be_sent_to_a_process_is_refused() -> None:
    with pytest.raises(InputError, match="function and arguments must be what pickle takes"):
        launch(2, lambda _: None)
    with pytest.raises(InputError, match="count must be a whole number of at least 1, got 0"):
        launch(0, exchange)
