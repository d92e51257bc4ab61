"""Keeps Pillow's own remarks about damaged files away from a person who asked for a row."""

from __future__ import annotations

import ctypes
import functools
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import _imaging


class _InsideThisThread(threading.local):
    """Stands where a warning filter has its module pattern; matches while this thread decodes."""

    active = False

    def match(self, module: str) -> bool:  # noqa: ARG002 - whichever module of Pillow it is
        return self.active


_inside = _InsideThisThread()
_FILTER: Any = ("ignore", None, Warning, _inside, 0)
_lock = threading.Lock()


@contextmanager
def quiet_decoding() -> Iterator[None]:
    """Inside, no warning of this thread is shown or raised, whatever ``-W`` or pytest says.

    ``warnings.catch_warnings`` swaps the filters of the whole process and is therefore no use
    when several threads decode at once. One filter that asks which thread it is in stays instead;
    other threads, and this one outside, keep their own.

    libtiff writes lines about damage to the process's stderr by itself. It is told once not to,
    which holds for the whole process: it has one setting, and no notion of threads.
    """
    _silence_libtiff()
    _put_filter_first()
    _inside.active = True
    try:
        yield
    finally:
        _inside.active = False


def _put_filter_first() -> None:
    # Every call, because whoever leaves a catch_warnings block puts an older list back.
    filters: Any = warnings.filters
    if not filters or filters[0] is not _FILTER:
        with _lock:
            filters[:] = [_FILTER, *(entry for entry in filters if entry is not _FILTER)]


@functools.cache
def _silence_libtiff() -> None:
    # dlsym looks through the libraries that Pillow's own one needs; where libtiff is linked into
    # that one instead (Windows), its names are not to be had and it goes on speaking.
    pillow = ctypes.CDLL(_imaging.__file__)
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        set_handler = getattr(pillow, name, None)
        if set_handler is not None:
            set_handler.restype = ctypes.c_void_p
            set_handler(None)


# Python prints log records that no handler takes. Pillow logs some damage as errors; a program
# that has set logging up still receives them.
logging.getLogger("PIL").addHandler(logging.NullHandler())
