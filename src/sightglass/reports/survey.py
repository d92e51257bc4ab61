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
class Survey:
    """Counts and numbering.

    Attributes:
        names: Every label once: the classes in their order, then others as they were met.
            ``"unknown"`` is one of the others.
        n_classes: How many of ``names`` are classes.
        outcomes: Files per outcome.
        unknown: How many files were classified as none of the classes.
        pictures: Distinct contents, in the order of their first file.
    """

    names: tuple[str, ...]
    n_classes: int
    outcomes: Mapping[str, int]
    unknown: int
    pictures: Sequence[Picture]

    @property
    def files(self) -> int:
        """How many rows there are."""
        return sum(self.outcomes.values())

    @property
    def classified(self) -> int:
        """How many files got a label, ``"unknown"`` included."""
        return sum(self.outcomes.get(status, 0) for status in CLASSIFIED)


def survey_rows(rows: Iterable[Mapping[str, Any]], classes: Iterable[str]) -> Survey:
    """The survey of ``rows``, the lines of predictions.jsonl, read once and in order."""
    names = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    n_classes = len(names)
    outcomes: Counter[str] = Counter()
    unknown = 0
    first: dict[str, tuple[int, float | None]] = {}
    files: Counter[str] = Counter()
    for row in rows:
        outcomes[row["outcome"]] += 1
        for entry in row["top"]:
            names.setdefault(entry["label"], len(names))
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
    )


def packed_row(
    row: Mapping[str, Any], numbers: Mapping[str, int], thumbnail: int | None
) -> list[Any]:
    """The row as the page's script reads it: a list, labels as numbers, four decimals.

    The script holds the same order of fields. Lists instead of objects halve what 10,000 rows
    take, which leaves room for thumbnails.
    """
    return [
        row["path"],
        row["outcome"],
        row["detail"],
        None if row["label"] is None else numbers[row["label"]],
        _rounded(row["confidence"]),
        _rounded(row["margin"]),
        _rounded(row["unknown_score"]),
        [[numbers[entry["label"]], _rounded(entry["probability"])] for entry in row["top"]],
        row["width"],
        row["height"],
        row["sha256"],
        thumbnail,
    ]


def _rounded(number: float | None) -> float | None:
    """Four decimals save a third of the page; 0.99998 must not become certainty all the same."""
    if number is None or number in (0, 1):
        return number
    return min(max(round(number, 4), 0.0001), 0.9999)
