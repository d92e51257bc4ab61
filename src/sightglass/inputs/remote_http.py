"""Web servers: one request for an object's bytes with its headers, one for the headers alone.

fsspec's own calls would take several, hide a server's errors, and read a reply to its end however
long it is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from sightglass.checks import require_extra
from sightglass.errors import PictureError

T = TypeVar("T")
Headers = Mapping[str, Any]

SCHEMES = ("http", "https")

_PART = 1 << 16
_CONNECT_SECONDS, _READ_SECONDS, _WHOLE_SECONDS = 10.0, 30.0, 300.0
# A URL as the standard has it: all else in it is written as %20 and the like.
_VALID = re.compile(
    r"[a-z]+://[\w.~:@!$&'()*+,;=%\[\]-]*"  # login, host, port
    r"(?:[/?](?:[\w.~:/?@!$&'()*+,;=-]|%[0-9a-f]{2})*)?(?:#.*)?",
    re.ASCII | re.IGNORECASE,
)
# Some servers answer GET alone, and signed addresses are often signed for GET alone.
_ASK_BY_GET = (400, 403, 405, 501)


def options() -> dict[str, Any]:
    """How fsspec's file system asks: proxies as the environment names them, and not for ever."""
    aiohttp = require_extra("aiohttp", extra="scale", purpose="Reading http:// and https://")
    timeout = aiohttp.ClientTimeout(
        total=_WHOLE_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS
    )
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}}


def is_quoted(url: str) -> bool:
    """Whether a URL can be sent as it is.

    It then must be: a signature may be of its very letters, and another way of writing the same
    address (``~`` for ``%7E``) would not fit it.
    """
    return url.isascii() and _VALID.fullmatch(url) is not None


def headers_of(system: Any, url: str) -> Headers:
    """The headers of a picture.

    Raises:
        Exception: aiohttp's, where the server refuses or cannot be reached.
    """

    async def ask() -> Headers:
        session = await system.set_session()
        async with session.head(system.encode_url(url), **_asked(system)) as reply:
            if reply.status not in _ASK_BY_GET:
                reply.raise_for_status()
                return dict(reply.headers)
        # Its body is not read.
        async with session.get(system.encode_url(url), **_asked(system)) as reply:
            reply.raise_for_status()
            return dict(reply.headers)

    return _wait(system, ask)


def bytes_of(system: Any, url: str, *, max_bytes: int) -> tuple[bytes, Headers]:
    """An object's bytes, with the headers that came with them.

    Raises:
        PictureError: ``too_large`` as soon as it is; the rest is not read.
        Exception: aiohttp's, where the server refuses or the reply stops early.
    """

    async def ask() -> tuple[bytes, Headers]:
        session = await system.set_session()
        async with session.get(system.encode_url(url), **_asked(system)) as reply:
            reply.raise_for_status()
            data = bytearray()
            async for part in reply.content.iter_chunked(_PART):
                data += part
                if len(data) > max_bytes:
                    raise PictureError("too_large", f"the limit is {max_bytes:,} bytes")
            return bytes(data), dict(reply.headers)

    return _wait(system, ask)


def _asked(system: Any) -> dict[str, Any]:
    """What the person's configuration adds to a request; bytes are wanted as they are stored."""
    given = dict(system.kwargs)
    return {
        **given,
        "headers": {**given.get("headers", {}), "Accept-Encoding": "identity"},
        "allow_redirects": True,
    }


def _wait(system: Any, ask: Callable[[], Awaitable[T]]) -> T:
    asyn = require_extra("fsspec.asyn", extra="scale", purpose="Reading URLs")
    answer: T = asyn.sync(system.loop, ask)
    return answer
