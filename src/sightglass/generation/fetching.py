"""A picture from a URL that a server named: no longer than expected, and in time."""

from __future__ import annotations

import time
from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
)

from sightglass.generation.retrying import UnusableReplyError

_PART = 1 << 16  # bytes


def fetch(url: str, *, timeout: float, most_bytes: int) -> bytes:
    """What lies at ``url``.

    Args:
        url: Of HTTP or HTTPS, and what it redirects to as well; the server that named it could
            else make us read files.
        timeout: Seconds for all of it.
        most_bytes: Longer answers are not read to their end.

    Raises:
        UnusableReplyError: If it cannot be had.
    """
    deadline = time.monotonic() + timeout
    data = bytearray()
    try:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise UnusableReplyError(f"'{url[:60]}' is no address of HTTP")
        with _http_only().open(url, timeout=timeout) as response:
            while part := response.read1(_PART):  # read() waits for all of a part
                data += part
                if time.monotonic() > deadline or len(data) > most_bytes:
                    raise UnusableReplyError("the picture did not end in time")
            promised = response.headers.get("Content-Length", "")
    except (OSError, ValueError, HTTPException) as error:
        raise UnusableReplyError(f"the picture cannot be fetched ({error})") from error
    if promised.isdecimal() and int(promised) != len(data):
        raise UnusableReplyError("the connection broke within the picture")
    return bytes(data)


def _http_only() -> OpenerDirector:
    """What follows redirects and proxies, and knows no files and no FTP."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        HTTPHandler,
        HTTPSHandler,
        HTTPDefaultErrorHandler,
        HTTPRedirectHandler,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener
