"""Calls to far servers: again where that may help, and in words where it does not."""

from __future__ import annotations

import errno
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from sightglass.errors import PictureError, first_line
from sightglass.inputs.url_secrets import text_without_secrets

T = TypeVar("T")

# Seconds before the second, third and fourth attempt.
PAUSES = (0.5, 1.0, 2.0)
# A server that failed so many times in a row is asked once per picture, until it answers again:
# every attempt may wait for it for half a minute, beside the pauses.
PATIENCE = 20

_LENGTH = 200
_LONGEST = 4096  # what is looked at; a URL in it may be a megabyte
_PASSING_STATUS = frozenset((408, 425, 429, 500, 502, 503, 504))
_PASSING_ERRNO = frozenset((errno.EBUSY, errno.EIO, errno.EAGAIN, errno.ETIMEDOUT))

# What a server sends that no other attempt would mend, by the names of aiohttp's errors: that
# library is not imported for every s3:// URL.
_REFUSED = {
    "TooManyRedirects": "redirected too often, in a circle perhaps",
    "RedirectClientError": "redirected to what is no address of the web",
    "InvalidURL": "no valid address",
}

_failed_in_a_row: Counter[str] = Counter()
_lock = threading.Lock()


def patiently(call: Callable[[], T], *, server: str) -> T:
    """What ``call`` returns; called again, after a pause, where it fails in a way that passes.

    Args:
        call: One request.
        server: Whom it asks.

    Raises:
        Exception: What the last call raised.
    """
    pauses = () if is_given_up(server) else PAUSES
    for pause in (*pauses, None):
        try:
            answer = call()
        except Exception as error:
            if not _passes(error):
                _answered(server)  # a refusal is an answer too
                raise
            if pause is None:
                with _lock:
                    _failed_in_a_row[server] += 1
                raise
            time.sleep(pause)
        else:
            _answered(server)
            return answer
    raise AssertionError("the last attempt returns or raises")


def is_given_up(server: str) -> bool:
    """Whether a server failed so often that it is asked no more than it must be."""
    return _failed_in_a_row[server] >= PATIENCE


def in_words(error: Exception) -> str:
    """Why a request failed: one printable line without logins and signatures."""
    if is_absent(error):
        return "not found"
    status = _status(error)
    if isinstance(error, PermissionError) or status in (401, 403):
        return "permission denied" + (f" ({status})" if status else "")
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if status is not None:
        said = getattr(error, "message", "")
        return _one_line(f"the server answered {status} {said if isinstance(said, str) else ''}")
    if refused := _refused(error):
        return refused
    said = first_line(error, otherwise=type(error).__name__)[:_LONGEST]
    return _one_line(text_without_secrets(said))


def is_absent(error: Exception) -> bool:
    """Whether a server says that there is nothing under this name."""
    return isinstance(error, FileNotFoundError) or _status(error) in (404, 410)


def _answered(server: str) -> None:
    with _lock:
        _failed_in_a_row[server] = 0


def _passes(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, PictureError | FileNotFoundError | PermissionError | ValueError):
        return False
    if _refused(error):
        return False
    status = _status(error)
    if status is not None:
        return status in _PASSING_STATUS
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING_ERRNO:
        return True
    # Lost connections, and replies that stop early.
    return type(error).__module__.startswith("aiohttp.")


def _refused(error: Exception) -> str:
    """In words, where a reply is one of those in ``_REFUSED``; else empty."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((words for name, words in _REFUSED.items() if name in names), "")


def _status(error: Exception) -> int | None:
    """The HTTP status that an error of any of the libraries carries."""
    for name in ("status", "status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value if 100 <= value < 600 else None
    return None


def _one_line(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_LENGTH]
