"""MaPLe: text tokens that bring visual tokens with them, through linear couplings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from sightglass.encoders.prompted.host import (
    PromptHost,
    pictures_with_tokens,
    random_linear,
    random_tokens,
    texts_with_context,
)

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers


class MaPLe(PromptHost):
    """Tokens of both towers, the visual ones a linear function of the textual ones.

    Of the prefix's words only the first two are learned; "of a" stays where it is.

    Args:
        towers: Give the sizes, and the vectors that the first tokens begin with.
        context_ids: Tokens of the prefix; the first ``tokens`` of them are learned.
        generator: For deeper tokens, from N(0, 0.02), and couplings, as torch begins a layer.
        tokens: Learned vectors per block.
        depth: Blocks with tokens of their own, the input's included; at most all there are.

    Source:
        Khattak et al. 2023, arXiv:2210.03117.
    """

    name = "maple"

    def __init__(
        self,
        towers: ClipTowers,
        context_ids: Int[Tensor, " k"],
        *,
        generator: torch.Generator,
        tokens: int = 2,
        depth: int = 9,
    ) -> None:
        super().__init__()
        depth = min(depth, towers.text_depth, towers.vision_depth)
        learned = context_ids[:tokens].to(towers.device)
        self.context = nn.Parameter(towers.embed_tokens(learned).clone())
        self.deep_context = random_tokens(
            depth - 1, len(learned), towers.text_width, generator=generator
        )
        self.couplings = nn.ModuleList(
            random_linear(towers.text_width, towers.vision_width, generator=generator)
            for _ in range(depth)
        )

    def image_rows(
        self, towers: ClipTowers, pixels: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n dim"]:
        """Unit rows of pictures."""
        shallow, *deep = (
            couple(text)
            for couple, text in zip(self.couplings, (self.context, *self.deep_context), strict=True)
        )
        return pictures_with_tokens(towers, pixels, shallow, deep)

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes."""
        return texts_with_context(towers, tokens, self.context, tuple(self.deep_context))
