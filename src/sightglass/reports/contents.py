"""The distinct pictures of a run, numbered: on disk, because there may be millions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sightglass.inputs.private_tables import PrivateTables


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


class Contents:
    """Every sha256 that may have a thumbnail, once, by numbers from 0 on.

    First the pictures that were classified, in the order of their first file, then references that
    are none of them.

    Args:
        pictures: For each file that was classified: sha256, number of its label, confidence.

    Attributes:
        n_pictures: How many of the contents are pictures.
    """

    def __init__(self, pictures: Iterable[tuple[str, int, float | None]]) -> None:
        self._tables = PrivateTables(
            "CREATE TABLE contents (place INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE,"
            " label INTEGER, confidence REAL, files INTEGER NOT NULL)"
        )
        self._tables.execute_for_each(
            "INSERT INTO contents (sha256, label, confidence, files) VALUES (?, ?, ?, 1)"
            " ON CONFLICT DO UPDATE SET files = files + 1",
            pictures,
        )
        self._length = self.n_pictures = self._count()

    def add_references(self, sha256s: Iterable[str]) -> None:
        """Number those that are not among the pictures."""
        self._tables.execute_for_each(
            "INSERT INTO contents (sha256, files) VALUES (?, 0) ON CONFLICT DO NOTHING",
            ((sha256,) for sha256 in sha256s),
        )
        self._length = self._count()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return (sha256 for (sha256,) in self._each("sha256"))

    def __getitem__(self, number: int) -> str:
        (sha256,) = self._tables.one("SELECT sha256 FROM contents WHERE place = ?", (number + 1,))
        return str(sha256)

    def number(self, sha256: str | None) -> int | None:
        """By which a content is known; None where it is none of these."""
        found = self._tables.one("SELECT place FROM contents WHERE sha256 = ?", (sha256,))
        return None if found is None else found[0] - 1

    def pictures(self) -> Iterator[Picture]:
        """Those that were classified, by their numbers."""
        for sha256, label, confidence, files in self._each("sha256, label, confidence, files"):
            if not files:
                return
            yield Picture(sha256=sha256, label=label, confidence=confidence, files=files)

    def _count(self) -> int:
        (count,) = self._tables.one("SELECT count(*) FROM contents")
        return int(count)

    def _each(self, columns: str) -> Iterator[Any]:
        return self._tables.each(f"SELECT {columns} FROM contents ORDER BY place")
