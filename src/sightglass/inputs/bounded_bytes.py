"""The bytes of something that a person named, which may be a pipe, and need not have an end."""

from __future__ import annotations

from pathlib import Path

_PIECE = 1 << 20


def read_at_most(path: Path, max_bytes: int) -> bytearray | None:
    """All that can be read from ``path``; None where that is more than ``max_bytes``.

    Unlike ``file_bytes.read_bytes`` it waits for a pipe, such as a shell makes of ``<(command)``.

    Raises:
        OSError: If it cannot be read.
    """
    data = bytearray()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            data += piece
            if len(data) > max_bytes:
                return None
    return data
