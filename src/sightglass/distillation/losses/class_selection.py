"""Which of a large vocabulary's names a batch is about, by the teacher alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.losses.finite_matrices import finite_matrix
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float, Int64


def select_classes(teacher_logits: Float[torch.Tensor, "n v"], k: int) -> Int64[torch.Tensor, " k"]:
    """The ``k`` classes with the highest probability, averaged over the pictures of the batch.

    Each picture's softmax is over all ``v`` classes, before the average. Among equals the lower
    index wins. Take the same columns, in this order, of the teacher's and the student's logits; a
    softmax over what is left renormalises.

    Args:
        teacher_logits: Finite, at the scale that the loss will use: it weighs the pictures.
        k: At least 1, at most ``v``.

    Returns:
        Indices in ascending order, on the device of the logits, without a gradient. With ``k``
        equal to ``v`` they are all classes as they stand, so that nothing changes.

    Raises:
        InputError: If ``k`` is out of range or a logit is NaN or infinite.
        ShapeError: If the logits do not have two axes, or no row or column.
        MissingExtraError: If torch is not installed.

    Source:
        KDPL, Mistretta et al. 2024, arXiv:2407.03056, the class-agnostic variant. The order of the
        indices and the rule for equals are ours: the released code leaves both open.

    Example:
        >>> import torch
        >>> logits = [[10.0, 9.5, 0.0, 5.0, 9.8], [0.0, 5.6, 6.0, 5.9, 0.0]]
        >>> select_classes(torch.tensor(logits), 2).tolist()
        [0, 1]
    """
    where = "select_classes"
    logits = finite_matrix(teacher_logits, where=where, name="teacher_logits")
    check_whole(k, where=where, name="k", least=1)
    if k > logits.shape[1]:
        raise InputError(
            f"{where}: k can be at most the number of classes, got {k} of {logits.shape[1]}. "
            f"Take a smaller k or a larger vocabulary."
        )
    probabilities = logits.softmax(dim=1).mean(dim=0)
    highest = probabilities.argsort(descending=True, stable=True)[:k]
    return highest.sort().values
