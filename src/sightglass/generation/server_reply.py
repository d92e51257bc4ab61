"""One request to an OpenAI-compatible server, and the whole of what comes back in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sightglass.checks import require_extra
from sightglass.generation.retrying import UnusableReplyError

_NOT_AN_ANSWER = 300  # the least status of redirects and errors
_LONGEST_ERROR = 100_000  # bytes of what a server says of one
NO_KEY = "none"  # the client insists on a key, a server on one's own machine does not


def open_client(*, base_url: str | None, key: str | None, timeout: float, purpose: str) -> Any:
    """A client for one request, to be closed after it: answers take longer than connecting.

    Args:
        base_url: Where the server is, up to and with ``/v1``; None for OpenAI's own.
        key: None for a server that needs none.
        timeout: Seconds without any byte until a request fails.
        purpose: What needs the client, as the start of a sentence.

    Raises:
        MissingExtraError: If the client is not installed.
    """
    openai = require_extra("openai", extra="generate", purpose=purpose)
    return openai.OpenAI(
        api_key=key or NO_KEY,
        base_url=base_url or "https://api.openai.com/v1",
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(
            event_hooks={"response": [lambda response: _bound(response, timeout=timeout)]}
        ),
    )


def _bound(response: Any, *, timeout: float) -> None:
    """Let what comes with an error or a redirect end: the client reads it whole, by itself."""
    if response.status_code >= _NOT_AN_ANSWER:
        # The client wants a stream of its library's, which is not the same for all its versions.
        kind = type("Bounded", (_Bounded, type(response.stream)), {})
        response.stream = kind(response.stream, timeout)


class _Bounded:
    """The first bytes of a stream, as far as they come in time."""

    def __init__(self, stream: Any, timeout: float) -> None:
        self._whole = stream
        self._deadline = time.monotonic() + timeout

    def __iter__(self) -> Iterator[bytes]:
        left = _LONGEST_ERROR
        for part in self._whole:
            yield part[:left]
            left -= len(part)
            if left <= 0 or time.monotonic() > self._deadline:
                return

    def close(self) -> None:
        self._whole.close()


def whole_body(response: Any, *, timeout: float, most_bytes: int) -> bytes:
    """All of an answer, if it ends in time: a server may also drip it byte by byte.

    Args:
        response: A streamed response of the client.
        timeout: Seconds for all of it.
        most_bytes: No sensible answer is longer.

    Raises:
        UnusableReplyError: If it does not end in time, is too long, or the connection breaks.
    """
    deadline = time.monotonic() + timeout
    parts: list[bytes] = []
    length = 0
    try:
        for part in response.iter_bytes():
            parts.append(part)
            length += len(part)
            if time.monotonic() > deadline or length > most_bytes:
                raise UnusableReplyError("the answer did not end in time")
    except UnusableReplyError:
        raise
    except Exception as error:
        # Of the library below the client, which is not the same for all its versions.
        raise UnusableReplyError(
            f"the connection broke within the answer ({type(error).__name__})"
        ) from error
    return b"".join(parts)


def start_of(body: bytes) -> str:
    """The first words of an answer that is none, for a message."""
    start = " ".join(body[:80].decode("utf-8", "replace").split())
    return f"'{start}…'" if start else "nothing"
