"""PromptSRC: textual and visual tokens side by side; how it is held back is the trainer's part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from sightglass.encoders.prompted.host import (
    PromptHost,
    pictures_with_tokens,
    random_tokens,
    texts_with_context,
)

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers


class PromptSRC(PromptHost):
    """Independent tokens of both towers, in the first ``depth`` blocks of each.

    Args:
        towers: Give the sizes, and the vectors that the context begins with.
        context_ids: Tokens of the words it begins as, four in the paper.
        generator: For all other tokens, from N(0, 0.02).
        visual_tokens: Learned vectors per block of the vision tower.
        depth: Blocks with tokens of their own, the input's included; at most all there are. The
            paper takes 9 from base to novel classes and 3 across data sets.

    Source:
        Khattak et al. 2023, arXiv:2307.06948.
    """

    name = "promptsrc"

    def __init__(
        self,
        towers: ClipTowers,
        context_ids: Int[Tensor, " k"],
        *,
        generator: torch.Generator,
        visual_tokens: int = 4,
        depth: int = 9,
    ) -> None:
        super().__init__()
        self.context = nn.Parameter(towers.embed_tokens(context_ids.to(towers.device)).clone())
        self.deep_context = random_tokens(
            min(depth, towers.text_depth) - 1,
            len(context_ids),
            towers.text_width,
            generator=generator,
        )
        self.visual = random_tokens(visual_tokens, towers.vision_width, generator=generator)
        self.deep_visual = random_tokens(
            min(depth, towers.vision_depth) - 1,
            visual_tokens,
            towers.vision_width,
            generator=generator,
        )

    def image_rows(
        self, towers: ClipTowers, pixels: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n dim"]:
        """Unit rows of pictures."""
        return pictures_with_tokens(towers, pixels, self.visual, tuple(self.deep_visual))

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes."""
        return texts_with_context(towers, tokens, self.context, tuple(self.deep_context))
