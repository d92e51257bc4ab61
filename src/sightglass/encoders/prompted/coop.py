"""CoOp: one context for all classes, learned in place of "a photo of a"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from sightglass.encoders.prompted.host import PromptHost, texts_with_context

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers


class CoOp(PromptHost):
    """Shared context at the input of the text tower, class name behind it.

    Args:
        towers: Give the vectors that the context begins with.
        context_ids: Tokens of the words it begins as, four in the paper.

    Source:
        Zhou et al. 2022, arXiv:2109.01134; class token at the end, no class-specific context.
    """

    name = "coop"

    def __init__(self, towers: ClipTowers, context_ids: Int[Tensor, " k"]) -> None:
        super().__init__()
        self.context = nn.Parameter(towers.embed_tokens(context_ids.to(towers.device)).clone())

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes."""
        return texts_with_context(towers, tokens, self.context)
