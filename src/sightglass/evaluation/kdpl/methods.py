"""Methods: a host with a loss, or a model as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Loss = Literal["cross_entropy", "kdpl", "kdpl_ca"]
CROSS_ENTROPY: Final = "cross_entropy"
KDPL: Final = "kdpl"
KDPL_CA: Final = "kdpl_ca"
LOSSES: tuple[Loss, ...] = (CROSS_ENTROPY, KDPL, KDPL_CA)
HOSTS = {
    "coop": "CoOp",
    "cocoop": "CoCoOp",
    "vpt": "VPT",
    "maple": "MaPLe",
    "promptsrc": "PromptSRC",
}
_SUFFIXES = {CROSS_ENTROPY: "", KDPL: "+KDPL", KDPL_CA: "+KDPL-CA"}


@dataclass(frozen=True, slots=True)
class Method:
    """What is measured.

    Attributes:
        host: One of ``HOSTS``; or ``student_zero_shot``, ``teacher_zero_shot``.
        loss: What made the prompt; None where nothing was learned.
    """

    host: str
    loss: Loss | None = None

    @property
    def title(self) -> str:
        """As the literature writes it."""
        if self.loss is None:
            return self.host.replace("_zero_shot", ", zero-shot")
        return HOSTS[self.host] + _SUFFIXES[self.loss]


STUDENT, TEACHER = Method("student_zero_shot"), Method("teacher_zero_shot")


def methods_of(hosts: tuple[str, ...]) -> tuple[Method, ...]:
    """Each host supervised, with KDPL, and with its class-agnostic variant."""
    return tuple(Method(host, loss) for host in hosts for loss in LOSSES)
