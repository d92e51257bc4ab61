"""Answers that were paid for, kept on disk: the same question is never paid for twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sightglass.cache_folder import cache_folder
from sightglass.errors import InputError
from sightglass.whole_files import put_bytes

_FORMAT: Literal["sightglass-answer-1"] = "sightglass-answer-1"


class KeptAnswer(BaseModel):
    """One answer, with what it answers. Holds no key and no address."""

    model_config = ConfigDict(frozen=True)

    format: Literal["sightglass-answer-1"] = _FORMAT
    model: str
    messages: list[dict[str, str]]
    schema_of_answer: dict[str, Any]
    answer: str
    date: str


class KeptAnswers:
    """A folder with one file per answer, named by the question's digest.

    Args:
        folder: Made if absent; by default ``answers`` beside the store of embeddings.

    Raises:
        InputError: If the folder cannot be written. Said before anything is paid for.
    """

    def __init__(self, folder: Path | None = None) -> None:
        try:
            self.folder = cache_folder() / "answers" if folder is None else folder
            self.folder.mkdir(parents=True, exist_ok=True)
            # Named by process: several runs may keep their answers in one folder.
            probe = self.folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except (OSError, RuntimeError) as error:  # RuntimeError: nobody's home folder is known
            place = "the cache folder" if folder is None else f"'{folder}'"
            raise InputError(
                f"Answers: a folder that can be written is needed to keep them, {place} cannot "
                f"({getattr(error, 'strerror', None) or error}). Name another with --answers."
            ) from error

    def get(self, digest: str) -> KeptAnswer | None:
        """The answer to the question with this digest; None where it is absent or damaged."""
        try:
            return KeptAnswer.model_validate_json((self.folder / f"{digest}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def put(self, digest: str, answer: KeptAnswer) -> None:
        """Keep ``answer``; its file is there whole or not at all.

        Raises:
            ResultsError: If it cannot be written.
        """
        put_bytes(self.folder / f"{digest}.json", answer.model_dump_json(indent=2).encode() + b"\n")
