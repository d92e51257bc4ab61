"""A finished student that a run begins from, instead of towers with random weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.student_file import read_student
from sightglass.errors import InputError

if TYPE_CHECKING:
    from sightglass.distillation.encoder.recipe import Recipe
    from sightglass.encoders.towers.student import DualStudent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """A student as another run left it.

    Attributes:
        student: Its towers and both learned scales.
        logit_scale: That was stated for it; None where the learned one counts.
        digest: Of all its files and settings.
    """

    student: DualStudent
    logit_scale: float | None
    digest: str


def read_start(folder: str, *, out: Path | None) -> Start:
    """The student in a folder that a run wrote.

    Args:
        folder: As the recipe names it.
        out: Of the run to come; None for none.

    Raises:
        InputError: If the run would write over the student that it begins from.
        ModelError: If there is no student, or its files are damaged.
    """
    if out is not None and Path(folder).resolve() == out.resolve():
        raise InputError(
            f"student.start: the run needs a folder of its own, got {folder} for both: the student "
            f"that it begins from would be written over. Choose another for --out."
        )
    student, about = read_student(Path(folder))
    told = [about.sha256, about.image, about.text, about.logit_scale]
    content = json.dumps(told, sort_keys=True).encode()
    return Start(
        student=student,
        logit_scale=about.logit_scale,
        digest=hashlib.sha256(content).hexdigest(),
    )


def keep_whole(student: DualStudent, recipe: Recipe) -> None:
    """Let a finished image tower learn as it answers: with both of its heads, where it has two.

    Of two heads, one answers with the text rows of an image teacher's names. Without that teacher
    in the run these rows stay as they are, so the text tower must too.

    Args:
        student: It begins from another run's.
        recipe: Without names of an image teacher's logits.

    Raises:
        InputError: If the text tower would learn away from these rows.
    """
    tower = student.image
    if not isinstance(tower, ConvolutionalTower) or tower.classes is None:
        return
    for phase in recipe.phases:
        if "text" not in phase.freeze:
            raise InputError(
                f"Phase '{phase.name}': the student in {recipe.student.start} answers by text rows "
                f"of its image teacher's names too, which its text tower would leave behind, and "
                f"the recipe has no such teacher to renew them from. Write freeze: [text]."
            )
    tower.learns_whole = True
