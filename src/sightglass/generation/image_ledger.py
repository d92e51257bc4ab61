"""The ledger of an image run: one line for each request and each verdict, kept through anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sightglass.whole_files import GrowingFile

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
        pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*/imagined-\d+-\d+\.png$",
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
    score: float | None = Field(
        default=None, allow_inf_nan=False, description="the filter's probability of its class"
    )
    reason: str | None = Field(default=None, description="why it was rejected or refused")


class ImageLedger(GrowingFile[Entry]):
    """A file of JSON lines that only grows; see ``GrowingFile``.

    Because of a line that a crash cut off, nothing was done yet.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            Entry,
            line="an entry of an image run",
            advice="Free some space and run the same command again: no picture is lost.",
        )

    def add(self, entry: Entry) -> None:
        """Append one line; on return it is on the disk.

        Raises:
            ResultsError: If the disk is full or the file cannot be written.
        """
        self.append([entry], to_disk=True)
