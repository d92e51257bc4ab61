"""What tells a changed file from an unchanged one, here or far away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """What tells a changed file from an unchanged one.

    Attributes:
        size: In bytes.
        mtime_ns: Time of the last change, nanoseconds since 1970; of an object at a URL, a number
            made of what its server says of its version.
        settled: False for a file that was changed a moment before it was read: it may change again
            within the clock's grain, and the stamp would not show it.
    """

    size: int
    mtime_ns: int
    settled: bool = True
