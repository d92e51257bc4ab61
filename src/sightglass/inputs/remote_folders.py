"""Which objects a URL names: one, those below a folder, or those that fit a pattern."""

from __future__ import annotations

import re
from typing import Any

from sightglass.errors import InputError
from sightglass.inputs import remote_http
from sightglass.inputs.patterns import MAGIC
from sightglass.inputs.remote import file_system, require_file_system, scheme_of, server_of
from sightglass.inputs.remote_patience import in_words, patiently
from sightglass.inputs.url_secrets import without_secrets

_MAGIC_ON_THE_WEB = re.compile(r"\*")  # a question mark begins the query there
# Pages that link to pages: no real folder is as deep, and a circle of links has no end.
_DEEPEST_ON_THE_WEB = 32


def find_far(url: str) -> list[str]:
    """Every object that ``url`` names, spelled as ``url`` begins.

    On a web server a folder is a URL that ends in ``/`` and whose page links to the files in it.

    Args:
        url: An object; a folder, with all below it; or a pattern (``s3://bucket/*/a.jpg``, ``**``
            is any depth). What exists under its literal name is never taken for a pattern.

    Returns:
        URLs; empty where a folder or a pattern gives none.

    Raises:
        InputError: If it does not exist or cannot be listed.
        MissingExtraError: If a package that it needs is not installed.
    """
    require_file_system(url)
    try:
        found = patiently(lambda: _find(url), server=server_of(url))
    except Exception as error:
        if isinstance(error, FileNotFoundError):
            raise InputError(
                f"Pictures: '{without_secrets(url)}' does not exist. Check the address."
            ) from error
        raise InputError(
            f"Pictures: '{without_secrets(url)}' cannot be listed ({in_words(error)}). Check the "
            f"address and your permission."
        ) from error
    return found


def _find(url: str) -> list[str]:
    system = file_system(url)
    # What an earlier call in this process was told may have changed.
    system.invalidate_cache()
    on_the_web = scheme_of(url) in remote_http.SCHEMES
    magic = (_MAGIC_ON_THE_WEB if on_the_web else MAGIC).search(url)
    if on_the_web and magic is None:
        return _linked(system, url) if url.endswith("/") else [url]
    path = system._strip_protocol(url)
    if magic is None or _exists(system, path):
        if system.info(path)["type"] != "directory":
            return [url]
        return _spelled(system.find(path), path, url)
    head = url[: url.rindex("/", 0, magic.start()) + 1]
    files: list[str] = []
    for match, facts in system.glob(path, detail=True).items():
        files += system.find(match) if facts["type"] == "directory" else [match]
    return _spelled(files, system._strip_protocol(head), head)


def _exists(system: Any, path: str) -> bool:
    try:
        system.info(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _linked(system: Any, url: str) -> list[str]:
    # Listings link to themselves, sorted another way.
    return [found for found in system.find(url, maxdepth=_DEEPEST_ON_THE_WEB) if "?" not in found]


def _spelled(paths: list[str], root: str, url: str) -> list[str]:
    """``paths`` as URLs that begin like ``url``, whose path ``root`` is."""
    scheme, mark, place = url.partition("://")
    if place.strip("/"):  # else it names no bucket or host, and the slashes are the scheme's own
        place = place.rstrip("/") + "/"
    start, root = scheme + mark + place, root.rstrip("/")
    return [start + path.removeprefix(root).lstrip("/") for path in paths]
