"""Where an OpenAI-compatible server is, and the key to it: from options, else the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sightglass.errors import InputError

BASE_URL, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """A server.

    Attributes:
        base_url: Up to and with ``/v1``; None for the client's own default.
        key: None for a server that needs none. Never shown.
    """

    base_url: str | None
    key: str | None = field(repr=False)


def server_settings(
    *, base_url: str | None, api_key_env: str | None, environment: Mapping[str, str]
) -> ServerSettings | None:
    """The server that is configured; None if none is.

    Args:
        base_url: As given; by default that of the environment.
        api_key_env: Name of the variable that holds the key; by default ``OPENAI_API_KEY``.
        environment: The process's variables.

    Raises:
        InputError: If the variable was named and is not set, or holds what is no key; or if the
            URL is none.
    """
    if api_key_env is not None and not environment.get(api_key_env):
        raise InputError(
            f"Server: --api-key-env must name an environment variable that holds the key, "
            f"'{api_key_env}' is not set. Set it, or leave the option out for a server without key."
        )
    url = base_url or environment.get(BASE_URL) or None
    key = environment.get(api_key_env or KEY, "").strip() or None
    if url is not None:
        _check_url(url)
    if key is not None and not (key.isascii() and key.isprintable()):
        raise InputError(
            f"Server: a key of plain letters, digits and signs is needed, '{api_key_env or KEY}' "
            f"holds others. Copy it again."
        )
    return None if url is None and key is None else ServerSettings(base_url=url, key=key)


def _check_url(url: str) -> None:
    """Raise InputError unless ``url`` can be asked."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        usable = False
    if not usable:
        raise InputError(
            f"Server: a base URL that begins with http:// or https:// and names a host is needed, "
            f"got '{url}'. Write, for instance, http://localhost:8000/v1."
        )
