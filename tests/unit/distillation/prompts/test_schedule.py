from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from sightglass.distillation import warmup_cosine_lr
from sightglass.errors import InputError

# The worked examples of the specification: the highest rate, the epochs, then the rate of epochs 0,
# 1, 2 and the last.
HOSTS = [
    ("coop", 0.002, 50, [0.00001, 0.002, 0.00199803, 0.00000789]),
    ("maple", 0.0035, 5, [0.00001, 0.0035, 0.00316578, 0.00120922]),
    ("promptsrc", 0.0025, 20, [0.00001, 0.0025, 0.00248461, 0.00006118]),
]


@pytest.mark.parametrize(("host", "lr", "epochs", "expected"), HOSTS)
def test_a_hosts_rates_are_those_of_the_specification(
    host: str, lr: float, epochs: int, expected: list[float]
) -> None:
    found = [warmup_cosine_lr(epoch, lr=lr, epochs=epochs) for epoch in (0, 1, 2, epochs - 1)]
    assert found == pytest.approx(expected, abs=5e-9)


@given(st.integers(1, 60), st.integers(0, 5))
def test_after_the_warm_up_the_rate_is_that_of_torchs_cosine_started_anew(
    epochs: int, warmup: int
) -> None:
    optimiser = SGD([Parameter()], lr=0.0025)
    cosine = CosineAnnealingLR(optimiser, T_max=epochs)
    for epoch in range(epochs):
        ours = warmup_cosine_lr(epoch, lr=0.0025, epochs=epochs, warmup_epochs=warmup)
        if epoch < warmup:
            assert ours == 1e-5
        else:
            assert ours == pytest.approx(cosine.get_last_lr()[0], rel=1e-9)
            optimiser.step()
            cosine.step()


@given(st.integers(2, 200), st.integers(0, 3))
def test_the_rate_falls_from_epoch_to_epoch_and_stays_above_0(epochs: int, warmup: int) -> None:
    rates = [
        warmup_cosine_lr(epoch, lr=1.0, epochs=epochs, warmup_epochs=warmup)
        for epoch in range(min(warmup, epochs), epochs)
    ]
    assert rates == sorted(set(rates), reverse=True)
    assert all(0 < rate <= 1 for rate in rates)


def test_the_warm_up_has_the_rate_and_the_length_that_it_is_given() -> None:
    rates = [
        warmup_cosine_lr(epoch, lr=0.1, epochs=4, warmup_epochs=2, warmup_lr=0.01)
        for epoch in range(4)
    ]
    # cos(pi / 4) is the root of 1/2.
    assert rates == pytest.approx([0.01, 0.01, 0.1, 0.05 * (1 + math.sqrt(0.5))])
    assert warmup_cosine_lr(0, lr=0.1, epochs=4, warmup_epochs=0) == pytest.approx(0.1)


def test_mistake_13_no_warm_up_or_a_clock_that_runs_on_give_other_rates() -> None:
    lr, epochs = 0.002, 50
    ours = [warmup_cosine_lr(epoch, lr=lr, epochs=epochs) for epoch in range(epochs)]
    no_warm_up = [lr * (1 + math.cos(math.pi * epoch / epochs)) / 2 for epoch in range(epochs)]
    assert ours[0] == 1e-5
    assert no_warm_up[0] == lr
    # The clock restarts: epoch 1 has the rate in full, and the last is that of epoch 48 of 50.
    assert ours[1] == lr > no_warm_up[1] + 1e-6
    assert ours[49] == pytest.approx(no_warm_up[48], rel=1e-12)
    assert ours[49] > 3.9 * no_warm_up[49]


def test_mistake_13_a_rate_within_an_epoch_is_refused_because_it_changes_per_epoch() -> None:
    with pytest.raises(InputError) as caught:
        warmup_cosine_lr(1.5, lr=0.002, epochs=50)
    assert str(caught.value) == (
        "warmup_cosine_lr: epoch must be a whole number of at least 0, got 1.5."
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epoch": 5}, "epoch counts from 0 and must be below epochs, got 5 of 5."),
        ({"epoch": -1}, "epoch must be a whole number of at least 0, got -1."),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0."),
        ({"warmup_epochs": -1}, "warmup_epochs must be a whole number of at least 0, got -1."),
        ({"lr": 0.0}, "lr must be a finite number above 0, got 0.0."),
        ({"warmup_lr": math.inf}, "warmup_lr must be a finite number above 0, got inf."),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        warmup_cosine_lr(**{"epoch": 0, "lr": 0.002, "epochs": 5} | wrong)
    assert str(caught.value) == f"warmup_cosine_lr: {message}"
