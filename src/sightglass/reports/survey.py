"""What a report must know of all its rows before it can write the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.decisions.decide import UNKNOWN
from sightglass.inputs.outcome import CLASSIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One distinct content among the files that were classified.

    Attributes:
        sha256: Of the bytes.
        label: Number of its label in ``Survey.names``.
        confidence: In [0, 1], or None.
        files: How many files hold it; more than one where there are duplicates.
    """

    sha256: str
    label: int
    confidence: float | None
    files: int


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
        pictures: Distinct contents, in the order of their first file.
        alignments: Names of those that some row has an opinion of, or a reference from.
        references: All that some row names, as they were met.
    """

    names: tuple[str, ...]
    n_classes: int
    outcomes: Mapping[str, int]
    unknown: int
    pictures: Sequence[Picture]
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

    @property
    def contents(self) -> tuple[str, ...]:
        """Every sha256 that may have a thumbnail, once: of the pictures, then of references."""
        pictures = [picture.sha256 for picture in self.pictures]
        references = [reference.sha256 for reference in self.references]
        return tuple(dict.fromkeys(pictures + references))


def reference_key(reference: Mapping[str, Any]) -> tuple[str, str, str]:
    """By what a row's reference is told from others: the same bytes may show two classes."""
    return reference["reference"], reference["label"], reference["sha256"]


def survey_rows(rows: Iterable[Mapping[str, Any]], classes: Iterable[str]) -> Survey:
    """The survey of ``rows``, the lines of predictions.jsonl, read once and in order."""
    names = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    n_classes = len(names)
    outcomes: Counter[str] = Counter()
    unknown = 0
    first: dict[str, tuple[int, float | None]] = {}
    files: Counter[str] = Counter()
    alignments: dict[str, None] = {}
    references: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        outcomes[row["outcome"]] += 1
        said = [entry for opinion in row["opinions"] for entry in opinion["top"]]
        near = row["nearest_references"]
        for entry in (*row["top"], *said, *near):
            names.setdefault(entry["label"], len(names))
        alignments |= dict.fromkeys(entry["alignment"] for entry in (*row["opinions"], *near))
        references.update(map(reference_key, near))
        if row["label"] is None:
            continue
        label = names.setdefault(row["label"], len(names))
        unknown += row["label"] == UNKNOWN and label >= n_classes
        if row["sha256"]:
            first.setdefault(row["sha256"], (label, row["confidence"]))
            files[row["sha256"]] += 1
    return Survey(
        names=tuple(names),
        n_classes=n_classes,
        outcomes=outcomes,
        unknown=unknown,
        pictures=[
            Picture(sha256=sha256, label=label, confidence=confidence, files=files[sha256])
            for sha256, (label, confidence) in first.items()
        ],
        alignments=tuple(alignments),
        references=[
            Reference(name=name, label=names[label], sha256=sha256, times=times)
            for (name, label, sha256), times in references.items()
        ],
    )
