"""A student of method C: two towers into one space, and the scales that it learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from sightglass.encoders.towers.learned_scale import LearnedScale
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sightglass.encoders.towers.contract import ImageTower, TextTower


class DualStudent(nn.Module):
    """An image tower and, unless it learns from an image teacher alone, a text tower.

    Two scales are learned, never one for both: the contrastive one, which classification uses,
    and the one of the distillation loss.

    Args:
        image: The image tower.
        text: The text tower; None for a student that answers with features only.

    Raises:
        InputError: If the towers end in spaces of different width.

    Source:
        Wu et al. 2022, arXiv:2112.09445, and the code released with it.
    """

    def __init__(self, image: ImageTower, text: TextTower | None = None) -> None:
        super().__init__()
        if text is not None and text.dim != image.dim:
            raise InputError(
                f"Student: both towers must end in one space, the image tower's has {image.dim} "
                f"dimensions and the text tower's {text.dim}. Give both the same dim."
            )
        self.image = image
        self.text = text
        self.contrastive_scale = LearnedScale()
        self.distillation_scale = LearnedScale()

    def text_rows(self, texts: list[str] | tuple[str, ...]) -> Float[Tensor, "n dim"]:
        """Unit rows of texts, on the device that the tower is on.

        Raises:
            InputError: If there is no text tower.
        """
        if self.text is None:
            raise InputError("Student: texts need a text tower, this student has none.")
        device = next(self.text.parameters()).device
        return torch.cat(
            [
                self.text(self.text.tokenise(texts[at : at + 256]).to(device))
                for at in range(0, len(texts), 256)
            ]
        )
