"""Which rows of a run are exported, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from sightglass.decisions.decide import UNKNOWN
from sightglass.errors import InputError, unknown_name
from sightglass.inputs.outcome import CLASSIFIED
from sightglass.reports.exports.finished_run import FinishedRun
from sightglass.reports.prediction import Row

Keeping = Literal["keep", "drop"]
KEEPING: tuple[Keeping, ...] = get_args(Keeping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person wants exported. Files that could not be classified never are.

    Attributes:
        min_confidence: Least probability of the label, in [0, 1]; "unknown" has none to compare.
        unknown: Whether pictures called "unknown" are kept, as a class of that name.
        duplicates: Whether files with the bytes of an earlier one are kept.

    Raises:
        InputError: If the least confidence is no probability.
        UnknownNameError: If it is neither keep nor drop.
    """

    min_confidence: float = 0.0
    unknown: str = "keep"
    duplicates: str = "keep"

    def __post_init__(self) -> None:
        """Check, once, where the value is made."""
        if not 0.0 <= self.min_confidence <= 1.0:
            raise InputError(
                f"convert: --min-confidence must lie between 0 and 1, got {self.min_confidence}. "
                f"Give a probability, such as 0.8."
            )
        for option, value in (("--unknown", self.unknown), ("--duplicates", self.duplicates)):
            if value not in KEEPING:
                raise unknown_name(f"word for {option}", value, KEEPING)


class ChosenRows:
    """The rows to export, with their line numbers; can be gone through several times.

    Args:
        run: Whose rows.
        choice: Which of them.

    Attributes:
        run: As given.
        left_out: In the latest pass: how many rows were not taken, by reason.
        taken: In the latest pass: how many were.
    """

    def __init__(self, run: FinishedRun, choice: Choice) -> None:
        self.run = run
        self._choice = choice
        self.left_out: Counter[str] = Counter()
        self.taken = 0

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """(Line of predictions.jsonl from 1 on, row) in order."""
        self.left_out, self.taken = Counter(), 0
        for number, row in enumerate(self.run.rows(), start=1):
            refused = self._refused(row)
            if refused is None:
                self.taken += 1
                yield number, row
            else:
                self.left_out[refused] += 1

    def leave_out(self, reason: str) -> None:
        """Count the latest row among those not taken after all."""
        self.taken -= 1
        self.left_out[reason] += 1

    @property
    def classes(self) -> tuple[str, ...]:
        """Names that an exported picture can have: the run's, then "unknown" if it is kept."""
        return (*self.run.classes, UNKNOWN) if self._choice.unknown == "keep" else self.run.classes

    def _refused(self, row: Row) -> str | None:
        if row["outcome"] not in CLASSIFIED:
            return str(row["outcome"])
        if row["outcome"] == "duplicate" and self._choice.duplicates == "drop":
            return "duplicate"
        if row["label"] == UNKNOWN:
            return UNKNOWN if self._choice.unknown == "drop" else None
        sure = row["confidence"] is not None and row["confidence"] >= self._choice.min_confidence
        return None if sure else f"below --min-confidence {self._choice.min_confidence:g}"


def confidence_of(row: Row) -> float | None:
    """The probability of the row's label; None for "unknown", whose number is its best class's."""
    return None if row["label"] == UNKNOWN else row["confidence"]


def is_plain_text(name: str) -> bool:
    """False for a file name that is not UTF-8: JSON holds it, databases and browsers do not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


NOT_TEXT = "file name that is not UTF-8"
