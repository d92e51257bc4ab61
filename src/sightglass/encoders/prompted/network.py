"""A prompted student in torch: loaded once, run row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sightglass.encoders.card import EncoderCard
from sightglass.encoders.hub_network import PICTURES_PER_PASS, TEXTS_PER_PASS, row_by_row
from sightglass.encoders.preprocess import normalise
from sightglass.encoders.prompted.class_tokens import ClassTokens, class_tokens, context_ids
from sightglass.encoders.prompted.cocoop import CoCoOp
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.prompt_file import StoredPrompts, fill_host
from sightglass.encoders.prompted.student import Student, load_student
from sightglass.encoders.rows import Inputs, RowByRow

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from torch import Tensor

# A text's length in the network is the next multiple of this: it follows from the text alone.
_LENGTH_STEP = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptedNetwork:
    """Both sides of a prompted student, each row independent of its neighbours.

    Attributes:
        student: The frozen checkpoint.
        prefix: The words that the learned context stands for.
        images: From pixels to unit rows of pictures.
        texts: From tokens to unit rows of names in the learned context.
        paired: From tokens and pictures' rows to those of names, each in its picture's own
            context; None where no picture shifts the context.
    """

    student: Student
    prefix: str
    images: RowByRow
    texts: RowByRow
    paired: RowByRow | None

    def pictures(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> list[Inputs]:
        """What ``images`` takes, from prepared pictures."""
        return [{"pixels": one} for one in normalise(pictures, self.student.image_input)]

    def names(self, names: Sequence[str]) -> list[Inputs]:
        """What ``texts`` takes, from class names."""
        if not names:
            return []
        student = self.student
        found = class_tokens(student.tokenise, names, end_id=student.end_id, prefix=self.prefix)
        assert student.card.text is not None
        most = student.card.text.length
        inputs = []
        for ids, end in zip(found.ids.numpy(), found.ends.numpy(), strict=True):
            padded = np.full(min(most, -(-(end + 1) // _LENGTH_STEP) * _LENGTH_STEP), ids[end])
            padded[: end + 1] = ids[: end + 1]
            inputs.append({"ids": padded, "ends": np.asarray(end)})
        return inputs


def load_prompted(
    stored: StoredPrompts, *, student: str, card: EncoderCard, where: str
) -> PromptedNetwork:
    """The student called ``student`` with these prompts, in fp32.

    Args:
        stored: From ``read_prompts``.
        student: The checkpoint that they were learned on.
        card: Its card, files included.
        where: What an error begins with.

    Raises:
        ModelError: If student and prompts do not fit, or the weights cannot be loaded.
    """
    opened = load_student(student, card=card)
    towers = opened.towers
    host = build_host(
        stored.about.host,
        towers,
        context_ids(opened.tokenise, end_id=opened.end_id, prefix=stored.about.prefix),
        generator=torch.Generator().manual_seed(0),  # every number is replaced
        depth=stored.about.depth,
    )
    fill_host(host, stored, where=where)
    host.eval().requires_grad_(False)
    device = towers.device.type

    def paired(ids: Tensor, ends: Tensor, images: Float[Tensor, "c dim"]) -> Float[Tensor, "c dim"]:
        assert isinstance(host, CoCoOp)
        return host.paired_text_rows(towers, ClassTokens(ids=ids, ends=ends), images)

    return PromptedNetwork(
        student=opened,
        prefix=stored.about.prefix,
        images=row_by_row(
            lambda pixels: host.image_rows(towers, pixels),
            size=PICTURES_PER_PASS["fp32"],
            device=device,
        ),
        texts=row_by_row(
            lambda ids, ends: host.text_rows(towers, ClassTokens(ids=ids, ends=ends)),
            size=TEXTS_PER_PASS,
            device=device,
        ),
        paired=row_by_row(paired, size=TEXTS_PER_PASS, device=device)
        if isinstance(host, CoCoOp)
        else None,
    )
