"""Everything of a run that changes while it learns, so that a checkpoint holds all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from sightglass.distillation.losses.ema import EmaTeacher
from sightglass.distillation.losses.map_loss import MapNorm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sightglass.distillation.encoder.recipe import Recipe
    from sightglass.encoders.towers.student import DualStudent


class Learner(nn.Module):
    """The student, its moving averages, and the rulers of its teacher's maps.

    Attributes:
        student: What is trained.
        follower: The average that teaches (``average`` soft targets); None where none does.
        result: The average that is the run's result; None where the last step is.
        norms: One ruler per map of the image teacher.

    Args:
        student: As it begins.
        recipe: For which averages are kept.
        map_widths: Channels of the image teacher's maps.
    """

    def __init__(self, student: DualStudent, recipe: Recipe, map_widths: Sequence[int]) -> None:
        super().__init__()
        self.student = student
        softs = [phase.losses.soft for phase in recipe.phases if phase.losses.soft]
        # The recipe has refused phases with unequal ones.
        decays = {soft.decay for soft in softs if soft.teacher == "average"}
        self._follower = EmaTeacher(student, maximum=decays.pop()) if decays else None
        self._result = (
            EmaTeacher(student, maximum=recipe.average, buffers="averaged")
            if recipe.average
            else None
        )
        # Their modules are registered here too: what is not in state_dict is lost at a cut.
        self.follower = self._follower.module if self._follower else None
        self.result = self._result.module if self._result else None
        device = next(student.parameters()).device
        self.norms = nn.ModuleList(MapNorm(width) for width in map_widths).to(device)

    def follow(self, step: int) -> None:
        """Let the teaching average take in the student of the step before; ``step`` from 1."""
        if self._follower is not None:
            self._follower.update(self.student, step)

    def follow_modes(self) -> None:
        """Let the towers of the teaching average train or rest as the student's now do.

        What rests, a tower or a part of one, is its own average. Its batch norms then answer from
        running statistics, and those of the average, which nothing read while it trained, are
        taken from it too.
        """
        if self.follower is None:
            return
        pairs = ((self.follower.image, self.student.image), (self.follower.text, self.student.text))
        for mine, theirs in pairs:
            if mine is not None and theirs is not None:
                _follow_modes(mine, theirs)

    def average(self, step: int) -> None:
        """Let the resulting average take in the student as ``step`` (from 1) left it."""
        if self._result is not None:
            self._result.update(self.student, step)

    def finished(self) -> DualStudent:
        """What the run has made: the average where one is kept, else the student."""
        made = self.student if self.result is None else self.result
        return made.eval()

    def train(self, mode: bool = True) -> Learner:
        """Like every module; the averages keep their own mode, which their policy chose."""
        super().train(mode)
        if self._follower is not None:
            self._follower.module.train(self._follower.buffers == "own")
        if self._result is not None:
            self._result.module.eval()
        return self


def _follow_modes(mine: nn.Module, theirs: nn.Module) -> None:
    if not theirs.training:
        mine.eval()
        mine.load_state_dict(theirs.state_dict())
        return
    mine.training = True
    for own, its in zip(mine.children(), theirs.children(), strict=True):
        _follow_modes(own, its)
