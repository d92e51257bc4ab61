"""The targets of OTTER: which captions apply to which pictures, by optimal transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.checks import check_positive
from sightglass.distillation.losses.batch_similarities import batch_similarities
from sightglass.distillation.losses.sinkhorn import row_plan
from sightglass.distillation.losses.target import Target
from sightglass.distillation.whole_numbers import check_whole

if TYPE_CHECKING:
    from sightglass.distillation.losses.batch_similarities import Square


def otter_targets(
    image_text: Square,
    image_image: Square,
    text_text: Square,
    *,
    image_weight: float = 1.0,
    text_weight: float = 1.0,
    regularisation: float = 0.15,
    iterations: int = 5,
    remove_diagonal: bool = True,
) -> tuple[Target, Target]:
    """Plans of ``image_weight vv + text_weight tt + vt``, and of the same with ``tv``.

    All three matrices are the teacher's, and of the global batch.

    Args:
        image_text: vt, cosines of pictures (rows) with captions; tv is its transpose. Detached.
        image_image: vv, cosines of pictures with pictures.
        text_text: tt, cosines of captions with captions.
        image_weight: At least 0.
        text_weight: At least 0.
        regularisation: Divides the sums, above 0.
        iterations: Of rows and columns, at least 1.
        remove_diagonal: Take 100 off the diagonals of vv and of tt, which leaves the pair itself to
            the contrastive loss: exactly 0 at the published settings. Where both weights are 0,
            nothing is taken off: the plan is that of vt, with the pair.

    Returns:
        For picture to caption, and for caption to picture (its rows are the captions). The second
        is not quite the first transposed: rows are made even before columns in both.

    Raises:
        InputError: If an entry is NaN or infinite, a number is out of range, or something would be
            taken off a single pair.
        ShapeError: If a matrix is not square, or they differ in size.
        MissingExtraError: If torch is not installed.

    Source:
        OTTER, Wu et al. 2022, arXiv:2112.09445, with the settings of its launch script.
    """
    where = "otter_targets"
    both = batch_similarities(
        image_text,
        image_image,
        text_text,
        image_weight=image_weight,
        text_weight=text_weight,
        remove_diagonal=remove_diagonal,
        where=where,
    )
    check_positive(regularisation, where=where, name="regularisation")
    check_whole(iterations, where=where, name="iterations", least=1)
    images, texts = (
        row_plan(one, regularisation=regularisation, iterations=iterations, where=where)
        for one in both
    )
    return Target.of(images), Target.of(texts)
