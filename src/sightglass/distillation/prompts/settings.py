"""The numbers of one training run, with each host's published ones as defaults."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

from sightglass.checks import check_positive
from sightglass.distillation.whole_numbers import check_whole
from sightglass.encoders.card import Precision
from sightglass.errors import InputError, unknown_name

Loss = Literal["kdpl", "cross_entropy"]
LOSSES: tuple[Loss, ...] = get_args(Loss)

# host -> (lr, epochs, pictures per step).
# Source: the training configurations released with KDPL (Mistretta et al. 2024, arXiv:2407.03056).
PUBLISHED: dict[str, tuple[float, int, int]] = {
    "coop": (0.002, 50, 32),
    "cocoop": (0.002, 10, 1),
    "vpt": (0.0025, 5, 4),
    "maple": (0.0035, 5, 4),
    "promptsrc": (0.0025, 20, 4),
}
# Which epochs count in PromptSRC's average, of 20: 15 give or take 1. For another number of epochs
# both are stretched alike. Source: Khattak et al. 2023, arXiv:2307.06948, base-to-novel.
_AVERAGE_MEAN, _AVERAGE_STD = 15 / 20, 1 / 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSettings:
    """How prompts are trained; ``PromptSettings.of`` fills in the published numbers.

    Attributes:
        host: One of the five.
        loss: ``"kdpl"`` follows the teacher; ``"cross_entropy"`` is the host's own, with labels.
        lr: Learning rate after the warm-up.
        epochs: Passes over the pictures; the first is the warm-up.
        batch_size: Pictures per step.
        seed: At least 0; all that is random follows from it.
        top_k: Classes kept for each step, of a vocabulary; None where the classes are known.
        depth: Blocks with tokens of their own; None for the host's published number.
        average_mean: The epoch, from 1, that counts most in PromptSRC's average.
        average_std: In epochs.
        precision: Of the student's towers.
    """

    host: str
    loss: Loss
    lr: float
    epochs: int
    batch_size: int
    seed: int
    top_k: int | None
    depth: int | None
    average_mean: float
    average_std: float
    precision: Precision

    @classmethod
    def of(
        cls,
        host: str,
        *,
        loss: str = "kdpl",
        lr: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        seed: int = 1,
        top_k: int | None = None,
        depth: int | None = None,
        average: tuple[float, float] | None = None,
        precision: str = "fp32",
    ) -> PromptSettings:
        """The host's published numbers, but for those that are given.

        Args:
            host: One of the five.
            loss: One of ``LOSSES``.
            lr: Above 0.
            epochs: At least 1.
            batch_size: At least 1.
            seed: At least 0.
            top_k: At least 2.
            depth: At least 1.
            average: Mean and standard deviation, in epochs, of PromptSRC's average.
            precision: ``"fp32"`` or ``"bf16"``.

        Raises:
            UnknownNameError: If there is no such host or loss.
            InputError: If a number is outside its range.
        """
        if host not in PUBLISHED:
            raise unknown_name("host", host, PUBLISHED)
        if loss not in LOSSES:
            raise unknown_name("loss", loss, LOSSES)
        if precision not in ("fp32", "bf16"):
            raise unknown_name("precision of training", precision, ("fp32", "bf16"))
        if depth is not None and host in ("coop", "cocoop"):
            raise InputError(
                f"PromptSettings: depth counts the blocks with tokens of their own, {host} has "
                f"tokens at the input alone, got {depth}. Leave it out."
            )
        published_lr, published_epochs, published_batch = PUBLISHED[host]
        n = published_epochs if epochs is None else epochs
        settings = cls(
            host=host,
            loss="kdpl" if loss == "kdpl" else "cross_entropy",
            lr=published_lr if lr is None else lr,
            epochs=n,
            batch_size=published_batch if batch_size is None else batch_size,
            seed=seed,
            top_k=top_k,
            depth=depth,
            average_mean=n * _AVERAGE_MEAN if average is None else average[0],
            average_std=n * _AVERAGE_STD if average is None else average[1],
            precision="bf16" if precision == "bf16" else "fp32",
        )
        where = "PromptSettings"
        for name, value, least in (
            ("epochs", settings.epochs, 1),
            ("batch_size", settings.batch_size, 1),
            ("seed", seed, 0),
            ("top_k", 2 if top_k is None else top_k, 2),
            ("depth", 1 if depth is None else depth, 1),
        ):
            check_whole(value, where=where, name=name, least=least)
        check_positive(settings.lr, where=where, name="lr")
        check_positive(settings.average_std, where=where, name="average_std")
        if not math.isfinite(settings.average_mean):
            raise InputError(
                f"{where}: average_mean must be a finite number, got {settings.average_mean}."
            )
        return settings

    def as_record(self) -> dict[str, object]:
        """For run.json, and to tell one run from another."""
        return dataclasses.asdict(self)
