"""The ledger of an image run: one line for each request and each verdict, kept through anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightglass.errors import InputError, ResultsError

Event = Literal[
    "asked",  # about to be sent; without a later line, its answer never arrived or is in arrived/
    "accepted",  # is, or was once, in its class's folder
    "rejected",  # by the quality gate
    "refused",  # by the generator, which made no picture
]


class Entry(BaseModel):
    """One line. A verdict repeats what was asked, so that each line can be read alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: Event
    time: str = Field(description="ISO 8601")
    class_name: str
    slot: int = Field(ge=0, description="which of the class's pictures")
    attempt: int = Field(ge=0, description="how many were made for this slot before")
    file: str = Field(
        pattern=r"^[^./\\][^/\\]*/imagined-\d+-\d+\.png$",
        description="relative to the folder that holds the picture's class folder",
    )
    prompt: str
    partner: str | None = None
    features: tuple[str, ...] = ()
    generator: str
    seed: int | None = None
    licence: str | None = None
    sha256: str | None = Field(default=None, description="of the picture's file")
    pixels: str | None = Field(default=None, description="hash of the decoded picture")
    score: float | None = Field(default=None, description="the filter's probability of its class")
    reason: str | None = Field(default=None, description="why it was rejected or refused")


class ImageLedger:
    """A file of JSON lines that only grows.

    Attributes:
        entries: All lines, oldest first.

    Raises:
        InputError: If a line other than the last is no entry; a last line that a crash cut off is
            forgotten: nothing was done yet because of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self._whole = 0  # bytes that hold the entries
        self._gap = b""  # what the last of them lacks: editors drop a file's last newline
        self._read()

    def add(self, entry: Entry) -> None:
        """Append one line; on return it is on the disk.

        Raises:
            ResultsError: If the disk is full or the file cannot be written.
        """
        line = self._gap + entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as stream:
                stream.truncate(self._whole)
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise ResultsError(
                f"{self.path}: cannot be written ({error.strerror}). Free some space and run the "
                f"same command again: no picture is lost."
            ) from error
        self._whole += len(line)
        self._gap = b""
        self.entries.append(entry)

    def _read(self) -> None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(
                f"{self.path}: must be readable ({error.strerror}). Change its permissions."
            ) from error
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            ended = line.endswith(b"\n")
            try:
                self.entries.append(Entry.model_validate_json(line))
            except ValidationError as error:
                if not ended:
                    return
                first = error.errors()[0]["msg"]
                raise InputError(
                    f"{self.path}: line {number} must be an entry of an image run, but: {first}. "
                    f"Correct or remove the line."
                ) from error
            self._whole += len(line)
            self._gap = b"" if ended else b"\n"
