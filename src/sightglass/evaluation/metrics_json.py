"""metrics.json: a list of measured numbers, each with all that says what it is."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sightglass.errors import InputError
from sightglass.whole_files import replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One measured number. None where a column says nothing about it.

    Attributes:
        suite: The named suite that it belongs to.
        table: Which of the suite's tables.
        dataset: What was measured on, or ``average`` over several.
        protocol: ``closed_set``, one of the open-set protocols, one of those of the suite kdpl, or
            ``flat_hit``.
        split: Which open-set split or seed, or ``mean`` over all.
        heads: The alignments that took part, joined by ``+``; or the host of a learned prompt.
        weighting: How they were weighed; or the loss that made the prompt.
        mode: ``paper_formula`` or ``released_code``; or how many shots, ``16_shots``.
        encoders: The models, joined by ``+``.
        metric: ``top1``, ``auroc`` and so on.
        value: A fraction, or seconds where the metric says so; finite.
        low: The lower end of its interval.
        high: The upper end.
        n: How many pictures it was measured on.

    Raises:
        InputError: If a number is NaN or infinite: JSON has no word for it, None is there for that.
    """

    suite: str | None = None
    table: str | None = None
    dataset: str
    protocol: str
    split: int | str | None = None
    heads: str | None = None
    weighting: str | None = None
    mode: str | None = None
    encoders: str | None = None
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise InputError(
                    f"MetricRow: {name} of '{self.metric}' must be finite or None, got {number}."
                )

    def to_dict(self) -> dict[str, Any]:
        """All columns in their order."""
        return asdict(self)


def write_metrics(path: Path, rows: Sequence[MetricRow]) -> None:
    """Write ``rows`` as a JSON list of objects that all have the same keys.

    Raises:
        ResultsError: If the file cannot be written.
    """
    with replacing(path) as stream:
        json.dump([row.to_dict() for row in rows], stream, indent=2, allow_nan=False)
        stream.write("\n")
