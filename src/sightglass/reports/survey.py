"""What a report must know of all its rows before it can write the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sightglass.decisions.decide import UNKNOWN
from sightglass.inputs.outcome import CLASSIFIED
from sightglass.reports.contents import Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One reference picture that is near to some picture of the run.

    Attributes:
        name: Its path, or the name that came with its bytes.
        label: Number of its class in ``Survey.names``.
        sha256: Of the bytes.
        times: How often a row names it.
    """

    name: str
    label: int
    sha256: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Counts and numbering.

    Attributes:
        names: Every label once: the classes in their order, then others as they were met.
            ``"unknown"`` is one of the others.
        n_classes: How many of ``names`` are classes.
        outcomes: Files per outcome.
        unknown: How many files were classified as none of the classes.
        contents: All that may have a thumbnail.
        alignments: Names of those that some row has an opinion of, or a reference from.
        references: All that some row names, as they were met.
    """

    names: tuple[str, ...]
    n_classes: int
    outcomes: Mapping[str, int]
    unknown: int
    contents: Contents
    alignments: tuple[str, ...]
    references: Sequence[Reference]

    @property
    def files(self) -> int:
        """How many rows there are."""
        return sum(self.outcomes.values())

    @property
    def classified(self) -> int:
        """How many files got a label, ``"unknown"`` included."""
        return sum(self.outcomes.get(status, 0) for status in CLASSIFIED)


def reference_key(reference: Mapping[str, Any]) -> tuple[str, str, str]:
    """By what a row's reference is told from others: the same bytes may show two classes."""
    return reference["reference"], reference["label"], reference["sha256"]


def survey_rows(rows: Iterable[Mapping[str, Any]], classes: Iterable[str]) -> Survey:
    """The survey of ``rows``, the lines of predictions.jsonl, read once and in order.

    Memory grows with the labels and the references, not with the rows.

    Raises:
        ResultsError: If there is no room for a temporary file.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    tally = _Tally(names=names, n_classes=len(names))
    contents = Contents(tally.classified(rows))
    contents.add_references(sha256 for _, _, sha256 in tally.references)
    return Survey(
        names=tuple(names),
        n_classes=tally.n_classes,
        outcomes=tally.outcomes,
        unknown=tally.unknown,
        contents=contents,
        alignments=tuple(tally.alignments),
        references=[
            Reference(name=name, label=names[label], sha256=sha256, times=times)
            for (name, label, sha256), times in tally.references.items()
        ],
    )


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What is counted while the rows go by; see ``Survey``."""

    names: dict[str, int]
    n_classes: int
    outcomes: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    alignments: dict[str, None] = field(default_factory=dict)
    references: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def classified(
        self, rows: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[str, int, float | None]]:
        """For each row with a label: sha256, number of the label, confidence."""
        names = self.names
        for row in rows:
            self.outcomes[row["outcome"]] += 1
            said = [entry for opinion in row["opinions"] for entry in opinion["top"]]
            near = row["nearest_references"]
            for entry in (*row["top"], *said, *near):
                names.setdefault(entry["label"], len(names))
            self.alignments |= dict.fromkeys(
                entry["alignment"] for entry in (*row["opinions"], *near)
            )
            self.references.update(map(reference_key, near))
            if row["label"] is None:
                continue
            label = names.setdefault(row["label"], len(names))
            self.unknown += row["label"] == UNKNOWN and label >= self.n_classes
            if row["sha256"]:
                yield row["sha256"], label, row["confidence"]
