from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sightglass.distillation.encoder.optimiser import make_optimiser, rate
from sightglass.distillation.encoder.recipe import Optimiser
from sightglass.encoders.towers.learned_scale import LearnedScale

PUBLISHED = Optimiser(
    kind="sgd", lr=3e-3, momentum=0.9, weight_decay=0.0, warmup_steps=0, cosine_per="epoch"
)


def test_the_published_rate_changes_once_per_epoch_of_ten_without_a_warm_up() -> None:
    # By hand, 0.003 (1 + cos(pi e / 10)) / 2.
    by_hand = [
        *(0.003, 0.00292658, 0.00271353, 0.00238168, 0.00196353),
        *(0.0015, 0.00103647, 0.00061832, 0.00028647, 0.00007342),
    ]
    rates = [rate(step, 50, PUBLISHED, steps_per_epoch=5) for step in range(50)]
    assert rates[::5] == pytest.approx(by_hand, abs=5e-9)
    for epoch in range(10):
        assert len(set(rates[5 * epoch : 5 * epoch + 5])) == 1


def test_it_is_torchs_own_cosine() -> None:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10)
    for epoch in range(10):
        assert rate(7 * epoch, 70, PUBLISHED, steps_per_epoch=7) == pytest.approx(
            schedule.get_last_lr()[0], rel=1e-9
        )
        optimiser.step()
        schedule.step()


def test_a_warm_up_rises_in_equal_steps_and_the_cosine_begins_behind_it() -> None:
    settings = Optimiser(lr=0.8, warmup_steps=4)
    rates = [rate(step, 8, settings, steps_per_epoch=1) for step in range(8)]
    root = math.sqrt(0.5)
    after = [0.8, 0.4 * (1 + root), 0.4, 0.4 * (1 - root)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, *after])


def test_a_constant_rate_stays() -> None:
    settings = Optimiser(lr=0.5, warmup_steps=2, schedule="constant")
    assert [rate(step, 9, settings, steps_per_epoch=3) for step in (0, 1, 2, 8)] == [
        *(0.25, 0.5, 0.5, 0.5),
    ]


@given(st.integers(1, 300), st.integers(0, 60), st.sampled_from(["step", "epoch"]))
def test_the_rate_never_leaves_0_to_its_highest(steps: int, warmup: int, per: str) -> None:
    settings = Optimiser(lr=1.0, warmup_steps=warmup, cosine_per=per)
    length = max(1, steps // 7)
    rates = [rate(step, steps, settings, steps_per_epoch=length) for step in range(steps)]
    assert all(0 < one <= 1 for one in rates)
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(2)
        self.scale = LearnedScale()


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_mistake_14_only_matrices_decay(kind: str) -> None:
    module = Towers()
    optimiser = make_optimiser(module, Optimiser(kind=kind, weight_decay=0.5, lr=0.1))
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: one.detach().clone() for name, one in module.named_parameters()}
    optimiser.step()
    changed = {
        name for name, one in module.named_parameters() if not torch.equal(one, before[name])
    }
    assert changed == {"weights.weight"}
    # Both decay by rate times decay where there is no gradient.
    torch.testing.assert_close(module.weights.weight.detach(), 0.95 * before["weights.weight"])


def test_mistake_14_what_does_decay_everything_draws_the_scale_down() -> None:
    scale = LearnedScale()
    naive = torch.optim.AdamW(scale.parameters(), lr=0.1, weight_decay=0.5)
    scale.log_scale.grad = torch.zeros(())
    naive.step()
    assert scale.log_scale.item() == pytest.approx(3.9 * 0.95)
    assert scale().item() == pytest.approx(math.exp(3.705))


def test_what_has_no_gradient_is_left_out() -> None:
    module = Towers()
    module.weights.requires_grad_(False)
    groups = make_optimiser(module, Optimiser()).param_groups
    assert [len(group["params"]) for group in groups] == [0, 3]
