"""CoCoOp: a context that a small network shifts for every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from sightglass.encoders.prompted.host import (
    Answer,
    PromptHost,
    random_linear,
    texts_with_context,
    with_context,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers

_BOTTLENECK = 16  # the meta-net is narrower than a row by this factor


class CoCoOp(PromptHost):
    """The context plus a bias that follows from the picture's unit row.

    n pictures and c classes make n · c texts: this is what the method costs.

    Args:
        towers: Give the vectors that the context begins with.
        context_ids: Tokens of the words it begins as, four in the paper.
        generator: For the meta-net.

    Source:
        Zhou et al. 2022, arXiv:2203.05557.
    """

    name = "cocoop"

    def __init__(
        self, towers: ClipTowers, context_ids: Int[Tensor, " k"], *, generator: torch.Generator
    ) -> None:
        super().__init__()
        narrow = max(1, towers.dim // _BOTTLENECK)
        self.context = nn.Parameter(towers.embed_tokens(context_ids.to(towers.device)).clone())
        self.meta = nn.Sequential(
            random_linear(towers.dim, narrow, generator=generator),
            nn.ReLU(),
            random_linear(narrow, towers.text_width, generator=generator),
        )

    def text_rows_for(
        self, towers: ClipTowers, tokens: ClassTokens, images: Float[Tensor, "n dim"]
    ) -> Float[Tensor, "n c dim"]:
        """Unit rows of classes, for every picture its own.

        Args:
            towers: The frozen towers.
            tokens: The classes.
            images: Unit rows of the pictures.
        """
        embedded = towers.embed_tokens(tokens.ids)
        contexts = self._contexts(images)
        texts = torch.cat([with_context(embedded, context) for context in contexts])
        rows = towers.text_rows(texts, tokens.ends.repeat(len(images)))
        return functional.normalize(rows, dim=-1).view(len(images), len(tokens), -1)

    def paired_text_rows(
        self, towers: ClipTowers, tokens: ClassTokens, images: Float[Tensor, "c dim"]
    ) -> Float[Tensor, "c dim"]:
        """Unit rows of classes, the i-th as the i-th picture has it.

        Args:
            towers: The frozen towers.
            tokens: The classes; one may come several times.
            images: Unit rows of pictures, one per class.
        """
        return texts_with_context(towers, tokens, self._contexts(images))

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes in the context alone, as no picture has shifted it.

        Names can be compared with each other by these; with pictures only by ``text_rows_for``.
        """
        return texts_with_context(towers, tokens, self.context)

    def forward(
        self,
        towers: ClipTowers,
        pixels: Float[Tensor, "n 3 height width"],
        tokens: ClassTokens,
        *,
        texts: Float[Tensor, "c dim"] | None = None,
    ) -> Answer:
        """The student's logits over these classes, and the rows that they come from."""
        images = self.image_rows(towers, pixels)
        texts = self.text_rows_for(towers, tokens, images)
        logits = towers.logit_scale * torch.einsum("nd,ncd->nc", images, texts)
        return Answer(logits=logits, images=images, texts=texts)

    def _contexts(self, images: Float[Tensor, "n dim"]) -> Float[Tensor, "n k text_width"]:
        contexts: Tensor = self.context + self.meta(images)[:, None, :]
        return contexts
