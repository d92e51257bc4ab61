"""One row of the answer: what was found, how it went, what was decided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sightglass.decisions import Decision, Evidence
from sightglass.inputs.outcome import Outcome
from sightglass.reading import ReadPicture

# A line of predictions.jsonl: what travels between processes, files and tools.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """One per file found.

    Attributes:
        outcome: The path and what happened to the file.
        decision: None where the file could not be classified.
        width: Of the upright picture, in pixels; None where it could not be opened.
        height: As ``width``.
        sha256: Of the file's bytes, 64 hex digits; None where they could not be used.
    """

    outcome: Outcome
    decision: Decision | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None

    @property
    def path(self) -> str:
        """As found."""
        return self.outcome.path

    @property
    def label(self) -> str | None:
        """The class's display name, ``"unknown"``, or None where the file failed."""
        return None if self.decision is None else self.decision.label

    def as_row(self) -> Row:
        """A line of predictions.jsonl. Numbers are rounded to six decimals."""
        decision = self.decision
        evidence = None if decision is None else decision.evidence
        return {
            "path": self.outcome.path,
            "outcome": self.outcome.status,
            "detail": self.outcome.detail,
            "label": self.label,
            "confidence": None if decision is None else round(decision.confidence, 6),
            "unknown_score": None if decision is None else _known(decision.unknown_score),
            "margin": None if decision is None else round(decision.margin, 6),
            "top": [] if decision is None else _ranked(decision.top),
            "width": self.width,
            "height": self.height,
            "sha256": self.sha256,
            "opinions": [] if evidence is None else _opinions(evidence),
            "nearest_references": [] if evidence is None else _nearest(evidence),
        }


def _known(number: float) -> float | None:
    """Six decimals; None where it was not computed."""
    return None if math.isnan(number) else round(number, 6)


def _ranked(top: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"label": name, "probability": round(p, 6)} for name, p in top]


def _opinions(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "alignment": opinion.alignment,
            "weight": round(opinion.weight, 6),
            "top": _ranked(opinion.top),
        }
        for opinion in evidence.opinions
    ]


def _nearest(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "reference": reference.name,
            "label": reference.label,
            "alignment": reference.alignment,
            "similarity": round(reference.similarity, 6),
            "sha256": reference.sha256,
        }
        for reference in evidence.nearest
    ]


class FirstPaths(Protocol):
    """Path by content hash: a ``FirstSeen``, or a plain dictionary."""

    def setdefault(self, content: bytes, path: str, /) -> str:
        """The path that came first with this content, which is ``path`` if none did."""


def predictions_of(
    batch: Sequence[ReadPicture], decisions: Sequence[Decision], first_seen: FirstPaths
) -> list[Prediction]:
    """One prediction per picture read: decisions go, in order, to those that could be used.

    Args:
        batch: What was read.
        decisions: One for each picture of ``batch`` that is known or fresh.
        first_seen: Path by content hash of what came before in this run; added to. A picture whose
            bytes came before is a ``duplicate``.
    """
    remaining = iter(decisions)
    predictions = []
    for picture in batch:
        size = picture.fresh.stored if picture.fresh is not None else picture.known
        if size is None or picture.content is None:
            predictions.append(Prediction(outcome=picture.outcome))
            continue
        path = picture.outcome.path
        first = first_seen.setdefault(picture.content, path)
        same = Outcome(path=path, status="duplicate", detail=f"same bytes as {first}")
        predictions.append(
            Prediction(
                outcome=picture.outcome if first == path else same,
                decision=next(remaining),
                width=size.width,
                height=size.height,
                sha256=picture.content.hex(),
            )
        )
    return predictions
