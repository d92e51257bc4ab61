"""Several processes that train one model together: who they are, and what they exchange."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import distributed

from sightglass.errors import ShapeError

if TYPE_CHECKING:
    from jaxtyping import Shaped
    from torch import Tensor, nn

# A process that waits longer than this for the others fails: one of them has died or gone astray.
LONGEST_WAIT = timedelta(minutes=30)
# Gradients travel in pieces of about this many numbers: whole tensors, few messages.
_NUMBERS_PER_PIECE = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process among those that train one model.

    Every method but ``alone`` is a meeting: all processes must call it, in the same order. One
    process alone meets nobody, and torch.distributed is not needed.

    Attributes:
        rank: Of this process, from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def alone(cls) -> Processes:
        """The only process."""
        return cls()

    def gather(self, rows: Shaped[Tensor, "k ..."]) -> Shaped[Tensor, "all ..."]:
        """The rows of all processes, in the order of ranks; without gradient.

        Args:
            rows: Of any number type, bool included; ``k`` may differ and may be 0.

        Raises:
            ShapeError: If there is no first axis, or rows of different processes differ in size.
        """
        if rows.ndim == 0:
            raise ShapeError("gather: rows need at least one axis, got a single number.")
        mine = rows.detach()
        if self.count == 1:
            return mine
        flat = mine.reshape(len(mine), mine.shape[1:].numel()).contiguous()
        # As bytes: no backend knows every number type.
        raw = flat.view(torch.uint8).to(_meeting_place())
        lengths, widths = zip(*self._sizes(raw), strict=True)
        if len(set(widths)) > 1:
            raise ShapeError(
                f"gather: rows of all processes need one size, got {list(widths)} bytes by rank. "
                f"Do all processes train the same model?"
            )
        padded = raw.new_zeros(max(lengths), raw.shape[1])
        padded[: len(raw)] = raw
        found = [torch.empty_like(padded) for _ in lengths]
        distributed.all_gather(found, padded)
        whole = torch.cat([part[:length] for part, length in zip(found, lengths, strict=True)])
        return whole.to(rows.device).view(rows.dtype).reshape(-1, *rows.shape[1:])

    def sum(self, numbers: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The sum over processes, entry by entry, equal to the bit in all; without gradient."""
        if self.count == 1:
            return numbers.detach()
        total = numbers.detach().to(_meeting_place(), copy=True)
        distributed.all_reduce(total)
        return total.to(numbers.device)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Put into every ``.grad`` its sum over processes, in place.

        A gradient that is None in some processes counts as zeros there; one that is None in all
        stays None, so that an optimiser passes over it as it would in a single process.

        Args:
            parameters: In the same order in all processes.
        """
        if self.count == 1:
            return
        learned = [parameter for parameter in parameters if parameter.requires_grad]
        have = torch.tensor([parameter.grad is not None for parameter in learned])
        anywhere = self.sum(have.int()).tolist()
        wanted = [one for one, times in zip(learned, anywhere, strict=True) if times]
        for piece in _pieces(wanted):
            gradients = [_gradient(parameter) for parameter in piece]
            # Half precision would lose what many processes add.
            wide = torch.promote_types(gradients[0].dtype, torch.float32)
            flat = torch.cat([gradient.reshape(-1).to(wide) for gradient in gradients])
            sizes = [gradient.numel() for gradient in gradients]
            for gradient, total in zip(gradients, torch.split(self.sum(flat), sizes), strict=True):
                gradient.copy_(total.view_as(gradient))

    def broadcast(self, module: nn.Module) -> None:
        """Give every process the parameters and buffers of the first one, in place."""
        if self.count == 1:
            return
        with torch.no_grad():
            for tensor in (*module.parameters(), *module.buffers()):
                raw = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
                travelling = raw.to(_meeting_place(), copy=True)
                distributed.broadcast(travelling, src=0)
                tensor.copy_(travelling.to(tensor.device).view(tensor.dtype).view(tensor.shape))

    def _sizes(self, raw: Shaped[Tensor, "k width"]) -> list[list[int]]:
        mine = torch.tensor(raw.shape, device=raw.device)
        found = [torch.empty_like(mine) for _ in range(self.count)]
        distributed.all_gather(found, mine)
        return [[int(number) for number in sizes] for sizes in found]


def _meeting_place() -> torch.device:
    """Where tensors must lie that travel between processes."""
    if distributed.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _pieces(parameters: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Neighbours of one number type and device, until they are numbers enough."""
    piece: list[nn.Parameter] = []
    numbers = 0
    for parameter in parameters:
        kind = (parameter.dtype, parameter.device)
        if piece and (kind != (piece[0].dtype, piece[0].device) or numbers >= _NUMBERS_PER_PIECE):
            yield piece
            piece, numbers = [], 0
        piece.append(parameter)
        numbers += parameter.numel()
    if piece:
        yield piece
