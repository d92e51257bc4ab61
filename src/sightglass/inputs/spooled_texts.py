"""A list of texts, such as the paths of a million files, that takes no memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from sightglass.inputs.private_tables import PrivateTables


class SpooledTexts(Sequence[str]):  # noqa: PLW1641 - equal to lists, which have no hash either
    """Texts in the order given; they lie in a temporary file and are read as they are asked for.

    Any text comes back as it was, lone surrogates (file names that are not UTF-8) included. It is
    equal to every sequence of the same texts in the same order.

    Args:
        texts: Taken one by one.

    Raises:
        ResultsError: If there is no room for the temporary file.

    Example:
        >>> found = SpooledTexts.sorted(["b.jpg", "a.jpg", "b.jpg"])
        >>> list(found), found[-1], len(found)
        (['a.jpg', 'b.jpg'], 'b.jpg', 2)
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._tables = PrivateTables(
            "CREATE TABLE texts (place INTEGER PRIMARY KEY, text BLOB NOT NULL)"
        )
        self._append(texts)
        self._count()

    @classmethod
    def sorted(cls, texts: Iterable[str]) -> SpooledTexts:
        """Each text once, by code points: ``sorted(set(texts))``."""
        spooled = cls(texts)
        # Bytes of UTF-8 sort as code points do. SQLite sorts in runs on disk, as it has to.
        spooled._tables.execute("ALTER TABLE texts RENAME TO found")
        spooled._tables.execute(
            "CREATE TABLE texts (place INTEGER PRIMARY KEY, text BLOB NOT NULL)"
        )
        spooled._tables.execute(
            "INSERT INTO texts (text) SELECT text FROM found GROUP BY text ORDER BY text"
        )
        spooled._tables.execute("DROP TABLE found")
        spooled._count()
        return spooled

    def _append(self, texts: Iterable[str]) -> None:
        self._tables.execute_for_each(
            "INSERT INTO texts (text) VALUES (?)", ((_encoded(text),) for text in texts)
        )

    def _count(self) -> None:
        self._length = int(self._tables.one("SELECT count(*) FROM texts")[0])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        for (text,) in self._tables.each("SELECT text FROM texts ORDER BY place"):
            yield _decoded(text)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        places = range(1, self._length + 1)[index]
        query = "SELECT text FROM texts WHERE place = ?"
        if isinstance(places, int):
            return _decoded(self._tables.one(query, (places,))[0])
        return [_decoded(self._tables.one(query, (place,))[0]) for place in places]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | bytes) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __repr__(self) -> str:
        shown = [repr(text) for text in self[:3]] + ["…"] * (self._length > 3)
        return f"SpooledTexts([{', '.join(shown)}])"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
