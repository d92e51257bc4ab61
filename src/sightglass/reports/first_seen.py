"""Which file of a run came first with the same bytes."""

from __future__ import annotations

from sightglass.inputs.private_tables import PrivateTables


class FirstSeen:
    """First path by content hash; on disk, so that it takes no memory however many there are.

    Example:
        >>> first_seen = FirstSeen()
        >>> first_seen.setdefault(b"hash", "a.jpg"), first_seen.setdefault(b"hash", "b.jpg")
        ('a.jpg', 'a.jpg')
    """

    def __init__(self) -> None:
        self._tables = PrivateTables(
            "CREATE TABLE first (content BLOB PRIMARY KEY, path BLOB NOT NULL) WITHOUT ROWID"
        )

    def setdefault(self, content: bytes, path: str) -> str:
        """The path that came first with this content, which is ``path`` if none did.

        Raises:
            ResultsError: If there is no room for the temporary file.
        """
        encoded = path.encode("utf-8", "surrogatepass")
        if self._tables.execute("INSERT OR IGNORE INTO first VALUES (?, ?)", (content, encoded)):
            return path
        (first,) = self._tables.one("SELECT path FROM first WHERE content = ?", (content,))
        return str(first, "utf-8", "surrogatepass")
