"""FusionPlan: what was settled about a run's alignments before its first answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightglass.fusion.agreement import Hits


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentPlan:
    """How one alignment takes part.

    Attributes:
        name: One of ``ALIGNMENTS``.
        logit_scale: Multiplies its similarities; dimensionless.
        scale_source: Where the scale comes from, in words.
        coefficient: Its part in a ``stacked`` pool.
        used: False where it was dropped.
        why: Why it is used or was dropped, in a sentence.
        leave_one_out: On references that carry their class by construction; None where too few.
        agreement: With confident answers of the class names on unlabelled pictures; None where
            there were too few pictures.
    """

    name: str
    logit_scale: float
    scale_source: str
    coefficient: float = 1.0
    used: bool = True
    why: str = ""
    leave_one_out: Hits | None = None
    agreement: Hits | None = None

    def as_record(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "name": self.name,
            "logit_scale": round(self.logit_scale, 4),
            "scale_source": self.scale_source,
            "coefficient": round(self.coefficient, 4),
            "used": self.used,
            "why": self.why,
            "leave_one_out": _record(self.leave_one_out),
            "agreement": _record(self.agreement),
        }


def _record(hits: Hits | None) -> dict[str, Any] | None:
    if hits is None:
        return None
    return {"accuracy": round(hits.share, 4), "chance": round(hits.chance, 4), "n": hits.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionPlan:
    """All of it.

    Attributes:
        alignments: In the order of ``ALIGNMENTS``; those without data are absent.
        weighting: As for ``fuse``.
        mode: As for ``fuse``.
        pictures: How many unlabelled pictures had a say.
        evidence: How many references had a say by leave-one-out.
        notes: What a person should know, in sentences.
    """

    alignments: tuple[AlignmentPlan, ...]
    weighting: str
    mode: str = "paper_formula"
    pictures: int = 0
    evidence: int = 0
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[AlignmentPlan, ...]:
        """Those that were not dropped; at least one."""
        return tuple(alignment for alignment in self.alignments if alignment.used)
