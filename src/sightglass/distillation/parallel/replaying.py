"""What must be as it was when a network is run on the same pictures a second time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where torch's random numbers stand, on the processor and on one other device.

    Attributes:
        device: The other one; may be the processor.
        host: State of the processor's generator.
        other: State of the device's own; None on the processor.
    """

    device: torch.device
    host: Tensor
    other: Tensor | None

    @classmethod
    def now(cls, device: torch.device) -> Randomness:
        """The present state."""
        other = None
        if device.type == "cuda":
            other = torch.cuda.get_rng_state(device)
        elif device.type == "mps":
            other = torch.mps.get_rng_state()
        return cls(device, torch.get_rng_state(), other)

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, the same numbers are drawn once more; afterwards, those that were due."""
        due = Randomness.now(self.device)
        self._restore()
        try:
            yield
        finally:
            due._restore()

    def _restore(self) -> None:
        torch.set_rng_state(self.host)
        if self.other is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(self.other, self.device)
        elif self.other is not None:
            torch.mps.set_rng_state(self.other)


@contextmanager
def kept_buffers(module: nn.Module) -> Iterator[None]:
    """Afterwards every buffer of ``module`` holds what it held before, running statistics too."""
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in before:
                    buffer.copy_(before[name])
