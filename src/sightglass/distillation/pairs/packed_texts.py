"""Millions of short texts in two arrays: a list of Python strings takes several times as much."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np


class PackedTexts:
    """Texts that are looked up by their number.

    Args:
        texts: Without lone surrogates, or with those of file names that are not UTF-8.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._bytes = bytearray()
        ends = []
        for text in texts:
            self._bytes += text.encode("utf-8", "surrogateescape")
            ends.append(len(self._bytes))
        self._ends = np.array([0, *ends], np.int64)

    @property
    def digest(self) -> bytes:
        """SHA-256 of all texts in their order."""
        return hashlib.sha256(self._ends.tobytes() + self._bytes).digest()

    def __len__(self) -> int:
        """How many."""
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        """The text with this number, from 0."""
        begin, end = self._ends[index], self._ends[index + 1]
        return self._bytes[begin:end].decode("utf-8", "surrogateescape")
