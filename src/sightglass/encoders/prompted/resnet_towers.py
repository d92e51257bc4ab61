"""The towers of a CLIP whose pictures go through a ResNet: only its texts can be prompted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sightglass.encoders.prompted.towers import ClipTowers

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class ResNetTowers(ClipTowers):
    """CLIP whose pictures go through a ResNet; sizes are those of the attention that pools them.

    Args:
        model: A ``ResNetClip``; it is frozen here.
    """

    takes_tokens = False

    def image_rows(
        self,
        pixels: Float[Tensor, "n 3 height width"],
        tokens: Float[Tensor, "k vision_width"] | None = None,
        deep: Sequence[Float[Tensor, "k vision_width"]] = (),
    ) -> Float[Tensor, "n dim"]:
        """Rows of pictures, not yet of unit length; there is no place for tokens.

        In fp32 whatever the precision: bf16 is too coarse for fifty convolutions in a row.
        """
        assert tokens is None
        assert not deep
        rows: Tensor = self._vision(pixels)
        return rows

    def _vision_sizes(self) -> tuple[int, int, int, int]:
        pool = self._vision.attnpool
        places, width = pool.positional_embedding.shape
        return width, 1, pool.heads, places - 1
