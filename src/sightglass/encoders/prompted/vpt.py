"""VPT (deep): learned tokens among the patches; the texts are those of plain CLIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from sightglass.encoders.prompted.host import PromptHost, pictures_with_tokens, random_tokens

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers


class VPT(PromptHost):
    """Visual tokens at the input, and new ones for every further block down to ``depth``.

    Args:
        towers: Give the sizes.
        generator: For the tokens, from N(0, 0.02).
        tokens: Learned vectors per block, eight in the paper's configuration.
        depth: Blocks with tokens of their own, the input's included; at most all there are.

    Source:
        Jia et al. 2022, arXiv:2203.12119, as Khattak et al. 2023 (arXiv:2210.03117) put it on CLIP.
    """

    name = "vpt"
    learns_texts = False

    def __init__(
        self, towers: ClipTowers, *, generator: torch.Generator, tokens: int = 8, depth: int = 12
    ) -> None:
        super().__init__()
        deep = min(depth, towers.vision_depth) - 1
        width = towers.vision_width
        self.visual = random_tokens(tokens, width, generator=generator)
        self.deep_visual = random_tokens(deep, tokens, width, generator=generator)

    def image_rows(
        self, towers: ClipTowers, pixels: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n dim"]:
        """Unit rows of pictures."""
        return pictures_with_tokens(towers, pixels, self.visual, tuple(self.deep_visual))

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes; nothing in them is learned."""
        rows = towers.text_rows(towers.embed_tokens(tokens.ids), tokens.ends)
        return functional.normalize(rows, dim=-1)
