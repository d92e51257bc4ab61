"""The ledger of bad pictures: which rows could not be used, and why; each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from sightglass.errors import InputError, ResultsError
from sightglass.inputs.outcome import Status


class BadPicture(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str
    status: Status
    detail: str

    @field_validator("where")
    @classmethod
    def _as_text(cls, where: str) -> str:
        """File names that are not UTF-8 hold what neither JSON nor a terminal takes."""
        return where.encode("utf-8", "backslashreplace").decode("utf-8")


class Ledger:
    """A file of JSON lines that only grows; the same row is never written twice.

    A run that is resumed meets bad pictures again that it had met after its last checkpoint, and
    finds them here. Several processes need a file each.

    Args:
        path: Read if it exists; None to keep nothing beyond this run.

    Attributes:
        entries: All lines, oldest first.

    Raises:
        InputError: If a line other than the last is no entry; a last line that a crash cut off is
            forgotten, and found again when the row is.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.entries: list[BadPicture] = []
        self._known: set[str] = set()
        self._whole = 0  # bytes that hold the entries
        self._gap = b""  # what the last of them lacks: editors drop a file's last newline
        if path is not None:
            self._read(path)

    def add(self, found: Iterable[BadPicture]) -> None:
        """Append those that are not in it yet.

        Raises:
            ResultsError: If the file cannot be written.
        """
        new = {one.where: one for one in found if one.where not in self._known}
        if not new:
            return
        if self.path is not None:
            self._append(self.path, new.values())
        self.entries.extend(new.values())
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

    def _append(self, path: Path, new: Iterable[BadPicture]) -> None:
        lines = self._gap + b"".join(entry.model_dump_json().encode() + b"\n" for entry in new)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.truncate(self._whole)
                stream.write(lines)
        except OSError as error:
            raise ResultsError(
                f"{path}: cannot be written ({error.strerror}). Free some space and run the same "
                f"command to go on."
            ) from error
        self._whole += len(lines)
        self._gap = b""

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"{path}: must be readable ({error.strerror}). Change its permissions."
            ) from error
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            ended = line.endswith(b"\n")
            try:
                entry = BadPicture.model_validate_json(line)
            except ValidationError as error:
                if not ended:
                    return
                first = error.errors()[0]["msg"]
                raise InputError(
                    f"{path}: line {number} must be an entry of a ledger of bad pictures, but: "
                    f"{first}. Correct or remove the line."
                ) from error
            self._whole += len(line)
            self._gap = b"" if ended else b"\n"
            if entry.where not in self._known:
                self.entries.append(entry)
                self._known.add(entry.where)
