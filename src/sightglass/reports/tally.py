"""What a report counts over all rows of a run, also over those that its page does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sightglass.decisions.decide import UNKNOWN
from sightglass.reports.four_decimals import rounded

# The page's script draws as many bars.
BINS = 20


@dataclass(slots=True, kw_only=True)
class Tally:
    """Grows by a row at a time; memory grows with the labels and the references, not the rows.

    Attributes:
        names: Number of every label: the classes in their order, then others as they are met.
        n_classes: How many of ``names`` are classes.
        outcomes: Files per outcome.
        labels: Files per label.
        bins: Files with a confidence, by bars of the histogram from 0 to 1; on an edge belongs to
            the bar above, 1 to the last one.
        unknown_bins: How many of ``bins`` are unknown.
        heard: Files that several alignments have an opinion of.
        disputed: How many of ``heard`` have an opinion with another best class than the answer.
        alignments: Names, as they are met.
        references: How often a row names each, by ``reference_key``.
    """

    names: dict[str, int]
    n_classes: int
    outcomes: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    unknown_bins: list[int] = field(default_factory=lambda: [0] * BINS)
    heard: int = 0
    disputed: int = 0
    alignments: dict[str, None] = field(default_factory=dict)
    references: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one line of predictions.jsonl."""
        self.outcomes[row["outcome"]] += 1
        opinions, near = row["opinions"], row["nearest_references"]
        for ranked in (row["top"], *(opinion["top"] for opinion in opinions), near):
            for entry in ranked:
                self.names.setdefault(entry["label"], len(self.names))
        self.alignments |= dict.fromkeys(entry["alignment"] for entry in (*opinions, *near))
        self.references.update(map(reference_key, near))
        if row["label"] is not None:
            self.names.setdefault(row["label"], len(self.names))
            self.labels[row["label"]] += 1
        self._count_bar(row)
        self._count_opinions(row["top"], opinions)

    @property
    def unknown(self) -> int:
        """How many files were classified as none of the classes."""
        return self.labels[UNKNOWN] if self._is_unknown(UNKNOWN) else 0

    def _is_unknown(self, label: str | None) -> bool:
        """A class may bear the name, and is a class then."""
        return label == UNKNOWN and self.names.get(UNKNOWN, -1) >= self.n_classes

    def _count_bar(self, row: Mapping[str, Any]) -> None:
        # Of what the page would hold: its script puts each row that it has into the same bar.
        confidence = rounded(row["confidence"])
        if confidence is None:
            return
        bar = min(BINS - 1, round(confidence * 10_000) * BINS // 10_000)
        self.bins[bar] += 1
        self.unknown_bins[bar] += self._is_unknown(row["label"])

    def _count_opinions(
        self, top: Sequence[Mapping[str, Any]], opinions: Sequence[Mapping[str, Any]]
    ) -> None:
        best = [opinion["top"][0]["label"] for opinion in opinions if opinion["top"]]
        if len(best) > 1:
            self.heard += 1
            self.disputed += any(label != top[0]["label"] for label in best)


def reference_key(reference: Mapping[str, Any]) -> tuple[str, str, str]:
    """By what a row's reference is told from others: the same bytes may show two classes."""
    return reference["reference"], reference["label"], reference["sha256"]
