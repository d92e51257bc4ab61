"""The ledger of bad pictures: which rows could not be used, and why; each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from sightglass.inputs.outcome import Status
from sightglass.inputs.valid_text import as_utf8
from sightglass.whole_files import GrowingFile


class BadPicture(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str
    status: Status
    detail: str

    @field_validator("where", "detail")
    @classmethod
    def _as_text(cls, said: str) -> str:
        """File names that are not UTF-8 hold what neither JSON nor a terminal takes."""
        return as_utf8(said)


class Ledger(GrowingFile[BadPicture]):
    """A file of JSON lines that only grows; the same row is never written twice.

    A run that is resumed meets bad pictures again that it had met after its last checkpoint, and
    finds them here; one whose line a crash cut off is found again when the row is. Several
    processes need a file each.

    Args:
        path: Read if it exists; None to keep nothing beyond this run.

    Raises:
        InputError: If a line other than the last is no entry.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(
            path,
            BadPicture,
            line="an entry of a ledger of bad pictures",
            advice="Free some space and run the same command to go on.",
        )
        first: dict[str, BadPicture] = {}
        for entry in self.entries:
            first.setdefault(entry.where, entry)
        self.entries = list(first.values())
        self._known = set(first)

    def add(self, found: Iterable[BadPicture]) -> None:
        """Append those that are not in it yet.

        Raises:
            ResultsError: If the file cannot be written.
        """
        new = {one.where: one for one in found if one.where not in self._known}
        if new:
            self.append(new.values())
            self._known.update(new)

    def told(self, first: int = 5) -> str:
        """How many of each kind, and the first few; empty where there is none."""
        if not self.entries:
            return ""
        counts = Counter(entry.status for entry in self.entries)
        kinds = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
        lines = [f"{entry.where}: {entry.detail}" for entry in self.entries[:first]]
        if len(self.entries) > first:
            lines.append(f"… and {len(self.entries) - first:,} more")
        many = "" if len(self.entries) == 1 else "s"
        return "\n".join([f"{len(self.entries):,} picture{many} left out: {kinds}", *lines])
