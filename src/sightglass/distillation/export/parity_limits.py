"""How near an export must be to its student, by the bits of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sightglass.distillation.export.weights import ExportPrecision
from sightglass.errors import InputError

# Cosines of two classes that are nearer than this are a tie: fp32 itself does not order them.
TIE = 1e-5
# How far an entry of a row may move with the row's neighbours in a batch.
NEIGHBOURS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityLimits:
    """What an export must keep to.

    Attributes:
        max_difference: Largest difference of an entry of a unit row; None for no such limit.
        mean_cosine: Between a row and the student's, over all rows of a kind.
        min_cosine: The same, for every single row.
        top_1: Share of pictures with the student's nearest name, ties aside.
    """

    max_difference: float | None
    mean_cosine: float
    min_cosine: float
    top_1: float


LIMITS: dict[ExportPrecision, ParityLimits] = {
    "fp32": ParityLimits(max_difference=1e-4, mean_cosine=0.99999, min_cosine=0.99999, top_1=1.0),
    "fp16": ParityLimits(max_difference=None, mean_cosine=0.9999, min_cosine=0.999, top_1=0.98),
    "int8": ParityLimits(max_difference=None, mean_cosine=0.995, min_cosine=0.97, top_1=0.95),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precisions:
    """Bits of the stored weights.

    Attributes:
        image: Of the image graph.
        text: Of the text graph.
        min_cosine: Least cosine of a row, in place of the precisions' own.
        min_top_1: Least share of pictures that keep their nearest name, likewise.

    Raises:
        InputError: If ``min_cosine`` is not between -1 and 1, or ``min_top_1`` not from 0 to 1.
    """

    image: ExportPrecision = "fp32"
    text: ExportPrecision = "fp32"
    min_cosine: float | None = None
    min_top_1: float | None = None

    def __post_init__(self) -> None:
        """Check once, where the value is made."""
        if self.min_cosine is not None and not -1 <= self.min_cosine <= 1:
            raise InputError(
                f"Least cosine: a number from -1 to 1 is needed, got {self.min_cosine:g}."
            )
        if self.min_top_1 is not None and not 0 <= self.min_top_1 <= 1:
            raise InputError(
                f"Least agreement: a share from 0 to 1 is needed, got {self.min_top_1:g}."
            )

    @property
    def image_limits(self) -> ParityLimits:
        """For pictures and features."""
        return self._limits(self.image)

    @property
    def text_limits(self) -> ParityLimits:
        """For texts."""
        return self._limits(self.text)

    @property
    def top_1(self) -> float:
        """Share of pictures that keep their nearest name; else the lower of both limits."""
        if self.min_top_1 is not None:
            return self.min_top_1
        return min(LIMITS[self.image].top_1, LIMITS[self.text].top_1)

    def _limits(self, precision: ExportPrecision) -> ParityLimits:
        limits = LIMITS[precision]
        if self.min_cosine is None:
            return limits
        return replace(limits, min_cosine=self.min_cosine)
