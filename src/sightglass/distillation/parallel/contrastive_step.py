"""The gradient of a contrastive loss over a batch that no memory and no single process holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from sightglass.distillation.parallel.processes import Processes
from sightglass.distillation.parallel.replaying import Randomness, kept_buffers
from sightglass.errors import InputError, ModelError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor, nn

P = TypeVar("P")

# How far, of their length, a part's rows may be from those that it was rehearsed with.
_LARGEST_DIFFERENCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a student says of one part of a batch.

    Attributes:
        images: (k, d), a row per picture.
        texts: (j, d), a row per caption, in the order of their pictures; None where no picture of
            the part has one.
        paired: (k,), which pictures have a caption; j of them.
        own: Mean over the k pictures of the losses that need one picture only; 0 where there are
            none.
    """

    images: Float[Tensor, "k d"]
    texts: Float[Tensor, "j d"] | None
    paired: Bool[Tensor, " k"]
    own: Float[Tensor, ""]


Compare = Callable[
    ["Float[Tensor, 'n d']", "Float[Tensor, 'm d'] | None", "Bool[Tensor, ' n']"],
    "Float[Tensor, '']",
]


def backward(
    parts: Sequence[P],
    embed: Callable[[P], Outputs],
    compare: Compare | None,
    *,
    module: nn.Module,
    sizes: Sequence[int],
    shared: Sequence[nn.Parameter] = (),
    last: Callable[[], None] | None = None,
    processes: Processes | None = None,
) -> float:
    """Add to ``.grad`` the gradient of a whole batch's loss, and return that loss.

    The loss is the mean of ``own`` over the pictures of all parts of all processes, plus
    ``compare`` of all their rows. What parts and processes a batch is cut into does not change it:
    every process compares the rows of all, so that each row learns from both of its sides, and
    each takes the gradient of its own rows back through its own student.

    One part is run once. Several are run twice: first without gradient for their rows alone, then
    one by one with the gradient that the comparison gave those rows. So one part's activations are
    alive at a time. Random numbers of torch are the same both times, and buffers change once; what
    else is random in ``embed`` must be kept out of it. In the first run torch.is_grad_enabled() is
    False, and ``own`` is not looked at: it need not be computed.

    A batch norm takes its statistics from each part by itself: where ``batch_norms`` finds one,
    several parts have not quite the gradient of one. ``GlobalBatchNorm2d`` does the same for the
    parts that the processes run at the same time, so that one part in each process is one batch.

    Args:
        parts: What this process has of the batch, at least one part.
        embed: The student's answer to a part; may run under autocast.
        compare: From all image rows, all text rows (None where there are none at all) and which
            pictures have a text, to a scalar. Always in float32; it must come to the same in every
            process. None for no comparison.
        module: What ``embed`` runs; all that it learns.
        sizes: Pictures of each part.
        shared: What ``compare`` learns beside the rows, such as a scale; may be in ``module`` too.
        last: Called when all parts are through, before processes add up their gradients: takes
            back what the parts have gathered at rows that ``embed`` computes once for all of them.
        processes: None for one alone. All must have equally many parts.

    Returns:
        The loss of the whole batch, the same in every process.

    Raises:
        InputError: If a part is empty, or the processes have unequally many.
        ShapeError: If an answer does not fit its part, or the loss is no scalar.
        ModelError: If a part's rows are others the second time.

    Source:
        Gao et al. 2021, arXiv:2101.06983, for the two runs; Cheng et al. 2021, arXiv:2104.08945,
        gather rows without gradient, by which the gradient depends on the number of processes.
    """
    processes = processes or Processes.alone()
    device = next(module.parameters()).device
    pictures = _pictures(parts, sizes, processes)
    share = [size / sum(pictures) for size in sizes]
    offset = sum(pictures[: processes.rank])
    learned = [one for one in dict.fromkeys((*module.parameters(), *shared)) if one.requires_grad]
    own, compared = 0.0, 0.0

    def answer(number: int) -> Outputs:
        return _checked(embed(parts[number]), sizes[number])

    with _added_to_gradients(learned):
        lone: Outputs | None = None
        rehearsed: list[_Rehearsed] = []
        slopes: list[_Slopes] = [_Slopes(None, None)] * len(parts)
        if compare is not None:
            if len(parts) == 1:
                randomness = Randomness.now(device)
                lone = answer(0)
                rehearsed = [_Rehearsed.of(lone, randomness)]
            else:
                rehearsed = _rehearse(answer, len(parts), module, device)
            compared, slopes = _compared(compare, rehearsed, offset, processes, learned)
        for number, slope in enumerate(slopes):
            if lone is not None:
                outputs = lone
            elif compare is None:
                outputs = answer(number)
            else:
                with rehearsed[number].randomness.again():
                    outputs = answer(number)
                _check_same(outputs.images, rehearsed[number].images)
            own += share[number] * float(outputs.own.detach())
            _pull(outputs, slope, share[number], device)
            del outputs  # before the next part is run
        if last is not None:
            last()
        processes.sum_gradients(learned)
    # The first process's comparison: others may have rounded otherwise.
    totals = processes.gather(torch.tensor([[own, compared]], dtype=torch.float64))
    return float(totals[:, 0].sum() + totals[0, 1])


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """A part's rows, without gradient, and the random numbers that they were made with."""

    images: Tensor
    texts: Tensor
    paired: Tensor
    randomness: Randomness

    @classmethod
    def of(cls, outputs: Outputs, randomness: Randomness) -> _Rehearsed:
        images = outputs.images.detach().float()
        texts = images[:0] if outputs.texts is None else outputs.texts.detach().float()
        return cls(images, texts, outputs.paired, randomness)


@dataclass(frozen=True, slots=True)
class _Slopes:
    """The comparison's gradient of a part's rows; None where it does not look at them."""

    images: Tensor | None
    texts: Tensor | None


def _rehearse(
    answer: Callable[[int], Outputs], count: int, module: nn.Module, device: torch.device
) -> list[_Rehearsed]:
    """Every part's rows. Running statistics are left as they were: they move in the second run."""
    rehearsed = []
    with torch.no_grad(), kept_buffers(module):
        for number in range(count):
            randomness = Randomness.now(device)
            rehearsed.append(_Rehearsed.of(answer(number), randomness))
    # Under the caller's autocast, older versions of torch (before their change 165068) now hold
    # weights in half precision that no gradient would flow through.
    torch.clear_autocast_cache()
    return rehearsed


def _compared(
    compare: Compare,
    rehearsed: list[_Rehearsed],
    offset: int,
    processes: Processes,
    learned: Sequence[nn.Parameter],
) -> tuple[float, list[_Slopes]]:
    """The loss of all rows, and its gradient of this process's rows, part by part."""
    images = processes.gather(torch.cat([part.images for part in rehearsed])).requires_grad_()
    texts = processes.gather(torch.cat([part.texts for part in rehearsed])).requires_grad_()
    paired = processes.gather(torch.cat([part.paired for part in rehearsed]))
    with torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
        loss = compare(images, texts if len(texts) else None, paired)
        if loss.ndim:
            raise ShapeError(
                f"backward: compare must return a scalar, got the shape {tuple(loss.shape)}."
            )
        if loss.requires_grad:
            torch.autograd.backward(loss)
    if processes.rank:
        # Every process has the same gradient of what compare learns; in the sum it counts once.
        for parameter in learned:
            parameter.grad = None
    slopes = []
    text_offset = int(paired[:offset].sum())
    for part in rehearsed:
        until, texts_until = offset + len(part.images), text_offset + len(part.texts)
        slopes.append(
            _Slopes(
                None if images.grad is None else images.grad[offset:until],
                None if texts.grad is None else texts.grad[text_offset:texts_until],
            )
        )
        offset, text_offset = until, texts_until
    return float(loss.detach()), slopes


def _pull(outputs: Outputs, slopes: _Slopes, share: float, device: torch.device) -> None:
    """Send the gradients of rows and of ``own`` back through the student."""
    roots, gradients = [], []
    pairs = [
        (outputs.images, slopes.images),
        (outputs.texts, slopes.texts),
        (outputs.own, torch.full_like(outputs.own, share)),
    ]
    for root, gradient in pairs:
        if root is not None and gradient is not None and root.requires_grad:
            roots.append(root)
            gradients.append(gradient.to(root.dtype))
    if roots:
        with torch.autocast(device.type, enabled=False):
            torch.autograd.backward(roots, gradients)


@contextmanager
def _added_to_gradients(learned: Sequence[nn.Parameter]) -> Iterator[None]:
    """Gradients begin at None inside; afterwards they are added to what was there before."""
    before = [parameter.grad for parameter in learned]
    for parameter in learned:
        parameter.grad = None
    yield
    for parameter, earlier in zip(learned, before, strict=True):
        if earlier is not None:
            parameter.grad = earlier if parameter.grad is None else earlier + parameter.grad


def _pictures(parts: Sequence[object], sizes: Sequence[int], processes: Processes) -> list[int]:
    """How many pictures each process has; all raise the same where something does not fit."""
    fits = len(parts) == len(sizes) and min(sizes, default=0) >= 1
    mine = torch.tensor([[sum(sizes), len(parts) if fits else -1]])
    found = processes.gather(mine).tolist()
    if not fits or any(count < 0 for _, count in found):
        raise InputError(
            f"backward: at least one part, and a size of at least 1 for each, are needed in every "
            f"process, got {len(parts)} parts and sizes {list(sizes)} here."
        )
    if len({count for _, count in found}) > 1:
        raise InputError(
            f"backward: all processes need equally many parts, got {[count for _, count in found]} "
            f"by rank. Cut each process's pictures into the same number of parts."
        )
    return [total for total, _ in found]


def _checked(outputs: Outputs, size: int) -> Outputs:
    """``outputs``, if they are of a part of ``size`` pictures."""
    texts = 0 if outputs.texts is None else len(outputs.texts)
    captions = int(outputs.paired.sum())
    if (len(outputs.images), len(outputs.paired), captions) != (size, size, texts):
        raise ShapeError(
            f"backward: a part of {size} pictures needs {size} image rows, {size} marks and a text "
            f"row per mark, got {len(outputs.images)}, {len(outputs.paired)} and {texts} text rows "
            f"for {captions} marks."
        )
    if outputs.paired.dtype != torch.bool or outputs.own.ndim:
        raise ShapeError(
            f"backward: paired must be bool and own a scalar, got {outputs.paired.dtype} and the "
            f"shape {tuple(outputs.own.shape)}."
        )
    return outputs


def _check_same(rows: Tensor, rehearsed: Tensor) -> None:
    difference = (rows.detach().float() - rehearsed).norm()
    if difference > _LARGEST_DIFFERENCE * rehearsed.norm():
        raise ModelError(
            f"backward: a part run twice must give the same rows, they differ by "
            f"{float(difference / rehearsed.norm()):.2g} of their length. Keep random numbers that "
            f"are not torch's out of embed."
        )
