"""How many pixels of large pictures may be in memory at once, over all threads."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Pictures up to this many pixels (4,096 square) are decoded as they come, one per thread.
LARGE_PIXELS = 1 << 24
# Of larger ones, as many at once as have this many together: Pillow's own limit for one.
ROOM_PIXELS = 178_956_970

_changed = threading.Condition()
_taken = 0


class _OfThisThread(threading.local):
    depth = 0
    pixels = 0


_here = _OfThisThread()


@contextmanager
def decoding_room() -> Iterator[None]:
    """What this thread takes with ``take_room`` inside is given back at the end of the outermost.

    A file of some kilobytes may hold a hundred million pixels, which take up to 13 bytes each while
    they are decoded and made RGB. A folder of such files would otherwise take that once for every
    processor. Whoever shrinks a picture right after it was opened does so inside a room of their
    own, around both.
    """
    global _taken  # noqa: PLW0603 - the room is the process's, as its memory is
    _here.depth += 1
    try:
        yield
    finally:
        _here.depth -= 1
        if _here.depth == 0 and _here.pixels:
            _trim_memory()
            with _changed:
                _taken -= _here.pixels
                _changed.notify_all()
            _here.pixels = 0


def take_room(pixels: int) -> None:
    """Wait until a picture of ``pixels`` may be decoded; only large ones ever wait.

    One that is larger than the whole room is decoded alone. A thread that has room already gets
    more at once: it would wait for itself.
    """
    global _taken  # noqa: PLW0603
    if pixels <= LARGE_PIXELS:
        return
    with _changed:
        if not _here.pixels:
            _changed.wait_for(lambda: _taken == 0 or _taken + pixels <= ROOM_PIXELS)
        _taken += pixels
    _here.pixels += pixels


def _trim_memory() -> None:
    # The C library keeps what a thread freed for that thread's next picture: once per thread, as
    # if there were no common room. glibc has a call that hands it back; others need none.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
