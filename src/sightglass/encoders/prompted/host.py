"""What the five prompt-learning methods have in common: a few vectors in front of frozen towers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sightglass.encoders.prompted.class_tokens import ClassTokens
    from sightglass.encoders.prompted.towers import ClipTowers

# Standard deviation of vectors that begin at random. Source: the hosts' papers.
RANDOM_STD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a prompted student says of some pictures.

    Attributes:
        logits: ``(n, c)``, the towers' logit scale times the cosines.
        images: ``(n, dim)``, unit rows.
        texts: ``(c, dim)`` unit rows; ``(n, c, dim)`` where each picture has its own.
    """

    logits: Tensor
    images: Tensor
    texts: Tensor


class PromptHost(nn.Module):
    """One method of prompting. Its parameters are the learned tensors, and nothing else.

    Towers are arguments of every call, never members: an optimiser that is given
    ``host.parameters()`` cannot reach a frozen weight.
    """

    name: str
    learns_texts: bool = True  # False: rows of classes are the same at every step

    def image_rows(
        self, towers: ClipTowers, pixels: Float[Tensor, "n 3 height width"]
    ) -> Float[Tensor, "n dim"]:
        """Unit rows of pictures."""
        return functional.normalize(towers.image_rows(pixels), dim=-1)

    def text_rows(self, towers: ClipTowers, tokens: ClassTokens) -> Float[Tensor, "c dim"]:
        """Unit rows of classes."""
        raise NotImplementedError

    def forward(
        self,
        towers: ClipTowers,
        pixels: Float[Tensor, "n 3 height width"],
        tokens: ClassTokens,
        *,
        texts: Float[Tensor, "c dim"] | None = None,
    ) -> Answer:
        """The student's logits over these classes, and the rows that they come from.

        Args:
            towers: The frozen towers.
            pixels: Normalised pictures.
            tokens: The classes.
            texts: Their unit rows where these are known already; only a host that does not learn
                texts can be given them.
        """
        images = self.image_rows(towers, pixels)
        if texts is None:
            texts = self.text_rows(towers, tokens)
        return Answer(logits=towers.logit_scale * images @ texts.T, images=images, texts=texts)


def with_context(
    embedded: Float[Tensor, "c l width"], context: Float[Tensor, "*c k width"]
) -> Float[Tensor, "c l width"]:
    """Token vectors with the k tokens behind the start token replaced by learned ones.

    Args:
        embedded: Of some texts.
        context: ``(k, width)`` for all of them, or ``(c, k, width)``: each text's own.
    """
    own = context.expand(len(embedded), -1, -1)
    return torch.cat([embedded[:, :1], own, embedded[:, 1 + own.shape[1] :]], dim=1)


def texts_with_context(
    towers: ClipTowers,
    tokens: ClassTokens,
    context: Float[Tensor, "*c k width"],
    deep: Sequence[Float[Tensor, "k width"]] = (),
) -> Float[Tensor, "c dim"]:
    """Unit rows of classes with learned tokens behind the start token.

    Args:
        towers: The frozen towers.
        tokens: The classes.
        context: As for ``with_context``.
        deep: For the blocks behind the first.
    """
    embedded = with_context(towers.embed_tokens(tokens.ids), context)
    return functional.normalize(towers.text_rows(embedded, tokens.ends, deep), dim=-1)


def pictures_with_tokens(
    towers: ClipTowers,
    pixels: Float[Tensor, "n 3 height width"],
    visual: Float[Tensor, "k width"],
    deep: Sequence[Float[Tensor, "k width"]],
) -> Float[Tensor, "n dim"]:
    """Unit rows of pictures with learned tokens behind the patches."""
    return functional.normalize(towers.image_rows(pixels, visual, deep), dim=-1)


def random_tokens(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """A parameter of this shape from N(0, 0.02)."""
    return nn.Parameter(torch.randn(*shape, generator=generator) * RANDOM_STD)


def random_linear(inputs: int, outputs: int, *, generator: torch.Generator) -> nn.Linear:
    """A linear layer begun as torch begins one, from this generator.

    Source: uniform in ±1 / sqrt(inputs), weight and bias alike (torch.nn.Linear).
    """
    layer = nn.Linear(inputs, outputs)
    bound = inputs**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
