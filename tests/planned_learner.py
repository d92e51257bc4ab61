"""A learner that learns nothing: its skill stands in a table, a picture's level in its name.

Everything that it is asked is kept, so that a test can look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SKILLS: dict[str | None, int] = {"cross_entropy": 2, "kdpl": 3, "kdpl_ca": 1}
ZERO_SHOT = {"student": 1, "teacher": 4}


def answers(pictures: Sequence[str], class_names: Sequence[str], *, skill: int) -> np.ndarray:
    """Scores: with enough skill what the picture looks like, else anything but that."""
    scores = np.zeros((len(pictures), len(class_names)), np.float32)
    for row, path in enumerate(pictures):
        level, *looks = Path(path).name.rpartition(".")[0].split(".")
        looks = [name.replace("+", " ") for name in looks]
        for column, name in enumerate(class_names):
            if skill >= int(level.removeprefix("L").partition("-")[0]):
                scores[row, column] = len(looks) - looks.index(name) if name in looks else 0
            else:
                scores[row, column] = name not in looks
    return scores


@dataclass
class PlannedLearner:
    """Student of skill 1, teacher of 4; learned: 2, 3 or 1 by the loss, and one more of seed 2."""

    learnt: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def zero_shot(
        self, who: str, pictures: Sequence[str], class_names: Sequence[str], template: str
    ) -> np.ndarray:
        self.asked.append({"who": who, "class_names": class_names, "template": template})
        return answers(pictures, class_names, skill=ZERO_SHOT[who])

    def learn(
        self,
        host: str,
        loss: str,
        pictures: Sequence[str],
        labels: Sequence[int] | None,
        class_names: Sequence[str],
        *,
        teacher_template: str,
        seed: int,
        setting: str,
    ) -> PlannedStudent:
        self.learnt.append(
            {
                "host": host,
                "loss": loss,
                "pictures": pictures,
                "labels": labels,
                "class_names": class_names,
                "teacher_template": teacher_template,
                "seed": seed,
                "setting": setting,
            }
        )
        return PlannedStudent(SKILLS[loss] + (seed == 2), self)


@dataclass
class PlannedStudent:
    skill: int
    learner: PlannedLearner

    def logits(self, pictures: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
        self.learner.asked.append({"who": "learned", "class_names": class_names})
        return answers(pictures, class_names, skill=self.skill)
