"""The targets that a teacher's own similarities make, such as those of a student's moving mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.losses.batch_similarities import batch_similarities
from sightglass.distillation.losses.square_matrices import check_scale
from sightglass.distillation.losses.target import Target

if TYPE_CHECKING:
    from sightglass.distillation.losses.batch_similarities import Square


def teacher_targets(
    image_text: Square,
    *,
    scale: float = 100.0,
    image_image: Square | None = None,
    text_text: Square | None = None,
    remove_diagonal: bool = False,
) -> tuple[Target, Target]:
    """The softmax of the rows and of the columns, at the teacher's scale.

    As published the teacher's cosines of pictures with captions are all there is. ``image_image``
    and ``text_text`` can be added, but every picture is 1 like itself: with the diagonal kept they
    add 2 there, which at a scale of 100 leaves nothing of the other columns. The target is then one
    at the pair and 0 elsewhere, and the loss is a second contrastive one. The code released with
    OTTER does just that in its comparison; remove the diagonal with them.

    Args:
        image_text: Cosines of the teacher's pictures (rows) and captions. Detached.
        scale: Multiplies them, above 0. It is fixed, and not the student's.
        image_image: Cosines among the pictures, added to both directions.
        text_text: Cosines among the captions, added to both directions.
        remove_diagonal: Take 100 off the diagonals of those two. The diagonal of ``image_text``
            stays: without those two nothing is taken off.

    Returns:
        For picture to caption, and for caption to picture (its rows are the captions).

    Raises:
        InputError: If an entry is NaN or infinite, the scale is not above 0, or something would be
            taken off a single pair.
        ShapeError: If a matrix is not square, or they differ in size.
        MissingExtraError: If torch is not installed.

    Source:
        Cheng et al. 2021, arXiv:2104.08945; the scale is that of the code released with Wu et al.
        2022, arXiv:2112.09445.
    """
    where = "teacher_targets"
    both = batch_similarities(
        image_text, image_image, text_text, remove_diagonal=remove_diagonal, where=where
    )
    check_scale(scale, where=where, name="scale")
    images, texts = ((float(scale) * one).softmax(dim=1) for one in both)
    return Target.of(images), Target.of(texts)
