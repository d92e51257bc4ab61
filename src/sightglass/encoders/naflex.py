"""NaFlex: pictures of any shape as sequences of patches, for SigLIP 2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float32, Int32, Int64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchSequences:
    """A batch of pictures as patches, all padded to one length.

    Attributes:
        patches: Normalised pixels, row by row over the picture; zeros where there is no patch.
        mask: 1 for a patch, 0 for padding.
        grids: (rows, columns) of patches in each picture.
    """

    patches: Float32[np.ndarray, "n max_patches values"]
    mask: Int32[np.ndarray, "n max_patches"]
    grids: Int64[np.ndarray, "n 2"]


def patch_grid_size(
    height: int, width: int, *, patch_size: int, max_patches: int
) -> tuple[int, int]:
    """(height, width) in pixels that keeps the aspect and fills at most ``max_patches`` patches.

    Both sides are whole patches, at least one. The scale is found by bisection between 1e-6 and
    100 down to a width of 1e-5, because the networks were trained on sizes found that way.

    Source:
        Tschannen et al. 2025, arXiv:2502.14786, NaFlex variant.
    """

    def patches_along(side: int, scale: float) -> int:
        return max(1, math.ceil(side * scale / patch_size))

    fits, too_large = 1e-6, 100.0
    while too_large - fits >= 1e-5:
        scale = (fits + too_large) / 2
        if patches_along(height, scale) * patches_along(width, scale) <= max_patches:
            fits = scale
        else:
            too_large = scale
    return patches_along(height, fits) * patch_size, patches_along(width, fits) * patch_size


def patch_sequences(
    pictures: Sequence[Float32[np.ndarray, "3 height width"]], *, patch_size: int, max_patches: int
) -> PatchSequences:
    """The patches of every picture, each flattened as (row, column, channel).

    Args:
        pictures: Normalised, channels first; sides are whole patches, at most ``max_patches``.
        patch_size: Side of a patch, in pixels.
        max_patches: Length of every sequence.
    """
    n = len(pictures)
    patches = np.zeros((n, max_patches, 3 * patch_size * patch_size), dtype=np.float32)
    mask = np.zeros((n, max_patches), dtype=np.int32)
    grids = np.zeros((n, 2), dtype=np.int64)
    for index, picture in enumerate(pictures):
        rows, columns = picture.shape[1] // patch_size, picture.shape[2] // patch_size
        blocks = picture.reshape(3, rows, patch_size, columns, patch_size)
        patches[index, : rows * columns] = blocks.transpose(1, 3, 2, 4, 0).reshape(
            rows * columns, -1
        )
        mask[index, : rows * columns] = 1
        grids[index] = rows, columns
    return PatchSequences(patches=patches, mask=mask, grids=grids)
