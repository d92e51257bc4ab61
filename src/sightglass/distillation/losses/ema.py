"""A teacher that is the moving mean of its student."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError, ModelError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

Module = TypeVar("Module", bound="nn.Module")
Buffers = Literal["own", "averaged"]


def ema_decay(step: int, maximum: float = 0.999) -> float:
    """``min(maximum, (1 + step) / (10 + step))``: what the teacher keeps of itself at a step.

    At first it follows its student closely, since what it began with is worth nothing; a constant
    0.999 would keep it there for thousands of steps. 0.999 is reached at step 8990.

    Args:
        step: Counted from 1.
        maximum: From 0 to 1.

    Raises:
        InputError: If a number is out of range.

    Source:
        Wu et al. 2022, arXiv:2112.09445, the released code.

    Example:
        >>> [round(ema_decay(step), 4) for step in (1, 2, 10, 8990)]
        [0.1818, 0.25, 0.55, 0.999]
    """
    where = "ema_decay"
    check_whole(step, where=where, name="step", least=1)
    if not 0 <= maximum <= 1:
        raise InputError(f"{where}: maximum must be a number from 0 to 1, got {maximum}.")
    return min(maximum, (1 + step) / (10 + step))


class EmaTeacher(Generic[Module]):
    """A copy of a student whose parameters follow it, and have no gradient.

    What is no parameter, such as BatchNorm's running statistics, is either

    - ``"own"``, as published: only parameters are averaged. The copy is in training mode, so that
      BatchNorm takes each batch's statistics, as in the student, and keeps its own running ones,
      which nothing reads; in evaluation mode those would decide, and would lag behind weights that
      change. Dropout is active too, as in the student.
    - ``"averaged"``: buffers follow like parameters (whole numbers are copied), and the copy is in
      evaluation mode, so that it reads them, and dropout is off.

    In training mode with dropout the copy draws from the same random numbers as the student. A run
    that goes on after a cut must restore the generator's state, and must have called the teacher
    at the same places before.

    Args:
        student: Copied as it is now.
        maximum: The highest decay, from 0 to 1.
        buffers: ``"own"`` or ``"averaged"``.

    Attributes:
        module: The copy. Call it like the student.
        maximum: As given.
        buffers: As given.

    Raises:
        InputError: If ``maximum`` is out of range.
        UnknownNameError: If ``buffers`` is neither of the two.

    Source:
        Cheng et al. 2021, arXiv:2104.08945; decay and buffers as in the code released with Wu et
        al. 2022, arXiv:2112.09445. ``"averaged"`` is ours.
    """

    def __init__(
        self, student: Module, *, maximum: float = 0.999, buffers: Buffers = "own"
    ) -> None:
        if buffers not in ("own", "averaged"):
            raise unknown_name("policy of buffers", buffers, ["own", "averaged"])
        ema_decay(1, maximum)
        self.maximum = maximum
        self.buffers = buffers
        self.module = copy.deepcopy(student)
        self.module.requires_grad_(False)
        self.module.train(buffers == "own")

    def update(self, student: Module, step: int) -> None:
        """``teacher -= (1 - d) (teacher - student)`` with ``d = ema_decay(step, maximum)``.

        Call it at the start of a step, before the student's own update: the teacher of step n holds
        the student of step n - 1.

        Args:
            student: Of the same make as the one that was copied.
            step: Counted from 1, over the whole run.

        Raises:
            InputError: If ``step`` is below 1.
            ModelError: If the student's tensors have other names or shapes; nothing is changed.
        """
        import torch

        share = 1 - ema_decay(step, self.maximum)
        parameters = _pairs(self.module.named_parameters(), student.named_parameters())
        buffers = _pairs(self.module.named_buffers(), student.named_buffers())
        with torch.no_grad():
            for mine, theirs in parameters:
                mine.lerp_(theirs, share)
            if self.buffers == "averaged":
                for mine, theirs in buffers:
                    if mine.is_floating_point():
                        mine.lerp_(theirs, share)
                    else:
                        mine.copy_(theirs)

    def state_dict(self) -> dict[str, Tensor]:
        """All tensors of the copy by name: what a checkpoint must hold of it."""
        return dict(self.module.state_dict())

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Put back what ``state_dict`` gave.

        Raises:
            ModelError: If the tensors have other names or shapes; nothing is changed.
        """
        _pairs(self.state_dict().items(), state.items())
        self.module.load_state_dict(dict(state))


def _pairs(
    mine: Iterable[tuple[str, Tensor]], theirs: Iterable[tuple[str, Tensor]]
) -> list[tuple[Tensor, Tensor]]:
    """Tensors of one name, side by side.

    Raises:
        ModelError: If one has no partner, or one of another shape.
    """
    own, other = dict(mine), dict(theirs)
    differing = [
        name
        for name in own | other
        if name not in own or name not in other or own[name].shape != other[name].shape
    ]
    if differing:
        raise ModelError(
            f"EmaTeacher: tensors with the names and shapes of the student that was copied are "
            f"needed, {len(differing)} differ, the first is '{differing[0]}'. Make a new teacher "
            f"of another student."
        )
    return [(own[name], other[name]) for name in own]
