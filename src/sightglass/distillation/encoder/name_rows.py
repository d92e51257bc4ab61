"""Text rows of class names, as the student's text tower has them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from sightglass.distillation.parallel.replaying import Randomness

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sightglass.encoders.towers.student import DualStudent

WORDING = "a photo of a {}."


class NameRows:
    """Rows of lists of names; computed once where the text tower is frozen, else once in a step.

    A step begins with ``begin_step``. Its parts gather their gradients at the same rows, and
    ``pull`` takes them back through the text tower.

    Args:
        student: Its text tower gives the rows.
        lists: Names, in the order of their classes, by a key of the caller's.
        wording: The sentence that a name goes into.
    """

    def __init__(
        self,
        student: DualStudent,
        lists: Mapping[str, Sequence[str]],
        *,
        wording: str = WORDING,
    ) -> None:
        self._student = student
        self._texts = {
            key: tuple(wording.format(name) for name in names) for key, names in lists.items()
        }
        self._kept: dict[str, Tensor] = {}
        # What the tower gave, and what the parts are given: the same without its history.
        self._learning: dict[str, tuple[Tensor, Tensor]] = {}

    def __contains__(self, key: str) -> bool:
        """Whether there is such a list."""
        return key in self._texts

    def forget(self) -> None:
        """Compute all rows anew when they are next asked for: the text tower may have learned."""
        self._kept.clear()
        self._learning.clear()

    def begin_step(self) -> None:
        """Compute those rows anew that the text tower learns from."""
        self._learning.clear()

    def rows(self, key: str) -> Float[Tensor, "n_names dim"]:
        """Unit rows; where the text tower learns, they gather a gradient until ``pull``.

        Args:
            key: Of one of the lists.
        """
        assert self._student.text is not None
        if any(parameter.requires_grad for parameter in self._student.text.parameters()):
            self._kept.clear()
            if key not in self._learning:
                # The part that asks first is to draw the same as when it was rehearsed without.
                with Randomness.now(next(self._student.parameters()).device).again():
                    made = self._student.text_rows(self._texts[key])
                self._learning[key] = made, made.detach().requires_grad_()
            return self._learning[key][1]
        if key not in self._kept:
            self._kept[key] = self.of(self._student, key)
        return self._kept[key]

    def pull(self) -> None:
        """Take what the rows of this step have gathered back through the text tower, once."""
        learning, self._learning = self._learning, {}
        used = [(made, rows.grad) for made, rows in learning.values() if rows.grad is not None]
        if used:
            torch.autograd.backward([made for made, _ in used], [slope for _, slope in used])

    def of(self, student: DualStudent, key: str) -> Float[Tensor, "n_names dim"]:
        """The rows that a student's text tower has in ``eval`` mode, without gradient."""
        assert student.text is not None
        training = student.text.training
        student.text.eval()
        with torch.no_grad():
            rows = student.text_rows(self._texts[key]).float()
        student.text.train(training)
        return rows
