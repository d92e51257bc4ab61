"""Row: one picture, still encoded, with what is said about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One row of a source.

    Attributes:
        source: Which source of the mix; 0 as long as it is in none.
        index: Which row of that source, from 0.
        image: A whole encoded file.
        captions: None, one or several, none of them blank.
        label: Index into the source's classes, or a bare class number; -1 where there is none.
        where: What a person would look for: ``photos.parquet row 17`` (rows count from 1).
    """

    source: int = 0
    index: int
    image: bytes
    captions: tuple[str, ...] = ()
    label: int = -1
    where: str
