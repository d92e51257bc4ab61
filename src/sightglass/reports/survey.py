"""What a report must know of all its rows before it can write the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.inputs.outcome import CLASSIFIED
from sightglass.reports.contents import Contents
from sightglass.reports.shown_rows import MOST_ROWS, ShownRows
from sightglass.reports.tally import Tally


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
        tally: Counts of all rows.
        names: Every label once: the classes in their order, then others as they were met.
            ``"unknown"`` is one of the others.
        shown: Which rows the page holds.
        shown_outcomes: Files per outcome among those.
        contents: All that may have a thumbnail: pictures of the rows shown, and references.
        references: All that some row names, as they were met.
    """

    tally: Tally
    names: tuple[str, ...]
    shown: ShownRows
    shown_outcomes: Mapping[str, int]
    contents: Contents
    references: Sequence[Reference]

    @property
    def files(self) -> int:
        """How many rows there are."""
        return self.tally.outcomes.total()

    @property
    def classified(self) -> int:
        """How many files got a label, ``"unknown"`` included."""
        return _classified(self.tally.outcomes)

    @property
    def failed(self) -> int:
        """How many files could not be used."""
        return self.files - self.classified

    @property
    def unknown(self) -> int:
        """How many files were classified as none of the classes."""
        return self.tally.unknown

    @property
    def n_classes(self) -> int:
        """How many of ``names`` are classes."""
        return self.tally.n_classes

    @property
    def alignments(self) -> tuple[str, ...]:
        """Names of those that some row has an opinion of, or a reference from."""
        return tuple(self.tally.alignments)

    @property
    def shown_files(self) -> int:
        """How many rows the page holds."""
        return sum(self.shown_outcomes.values())

    @property
    def shown_classified(self) -> int:
        """How many of the rows on the page have a label."""
        return _classified(self.shown_outcomes)

    @property
    def shown_failed(self) -> int:
        """How many of the rows on the page could not be used."""
        return self.shown_files - self.shown_classified


def survey_rows(
    rows: Callable[[], Iterable[dict[str, Any]]],
    classes: Iterable[str],
    *,
    most_rows: int | None = MOST_ROWS,
) -> Survey:
    """The survey of ``rows``, which gives the lines of predictions.jsonl in order; called twice.

    Memory grows with the labels and the references, not with the rows.

    Raises:
        ResultsError: If there is no room for a temporary file.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    tally = Tally(names=names, n_classes=len(names))
    for row in rows():
        tally.add(row)
    failed = tally.outcomes.total() - tally.labels.total()
    shown = ShownRows(labels=tally.labels, failed=failed, most=most_rows)
    outcomes = Counter[str]()
    contents = Contents(_pictures(shown.of(rows()), names, outcomes))
    contents.add_references(sha256 for _, _, sha256 in tally.references)
    return Survey(
        tally=tally,
        names=tuple(names),
        shown=shown,
        shown_outcomes=outcomes,
        contents=contents,
        references=[
            Reference(name=name, label=names[label], sha256=sha256, times=times)
            for (name, label, sha256), times in tally.references.items()
        ],
    )


def _pictures(
    rows: Iterable[dict[str, Any]], names: Mapping[str, int], outcomes: Counter[str]
) -> Iterator[tuple[str, int, float | None]]:
    """For each row with a label: sha256, number of the label, confidence; counts all outcomes."""
    for row in rows:
        outcomes[row["outcome"]] += 1
        if row["label"] is not None and row["sha256"]:
            yield row["sha256"], names[row["label"]], row["confidence"]


def _classified(outcomes: Mapping[str, int]) -> int:
    return sum(outcomes.get(status, 0) for status in CLASSIFIED)
