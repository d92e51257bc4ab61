"""Which objects a URL names: one, those below a folder, or those that fit a pattern."""

from __future__ import annotations

import re
from typing import Any

from sightglass.errors import InputError
from sightglass.inputs import remote_http
from sightglass.inputs.patterns import MAGIC
from sightglass.inputs.remote import (
    FOLDER,
    facts_of,
    file_system,
    require_file_system,
    scheme_of,
    server_of,
)
from sightglass.inputs.remote_pages import linked_below
from sightglass.inputs.remote_patience import in_words, is_absent, patiently
from sightglass.inputs.url_secrets import without_secrets

_MAGIC_ON_THE_WEB = re.compile(r"\*")  # a question mark begins the query there


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
        if scheme_of(url) in remote_http.SCHEMES:
            return _find_on_the_web(url)
        return patiently(lambda: _find(url), server=server_of(url))
    except Exception as error:
        if is_absent(error):
            raise InputError(
                f"Pictures: '{without_secrets(url)}' does not exist. Check the address."
            ) from error
        raise InputError(
            f"Pictures: '{without_secrets(url)}' cannot be listed ({in_words(error)}). Check the "
            f"address and your permission."
        ) from error


def _find_on_the_web(url: str) -> list[str]:
    address, question, _ = url.partition("?")
    magic = _MAGIC_ON_THE_WEB.search(address)
    if magic is not None and not _is_on_the_web(url):
        cut = url.rindex("/", 0, magic.start()) + 1
        return linked_below(url[:cut], pattern=url[cut:])
    return linked_below(url) if url.endswith("/") and not question else [url]


def _is_on_the_web(url: str) -> bool:
    try:
        remote_http.headers_of(file_system(url), url)
    except Exception:
        return False  # looking for what fits will say why
    return True


def _find(url: str) -> list[str]:
    system = file_system(url)
    # What an earlier call in this process was told may have changed.
    system.invalidate_cache()
    magic = MAGIC.search(url)
    path = system._strip_protocol(url)
    if magic is None or _exists(system, path):
        if system.info(path)["type"] != FOLDER and not url.endswith("/"):
            return [url]
        return _spelled(system.find(path), path, url)
    head = url[: url.rindex("/", 0, magic.start()) + 1]
    files: list[str] = []
    for match, facts in system.glob(path, detail=True).items():
        is_folder = facts["type"] == FOLDER
        files += system.find(match) if is_folder else []
        if not is_folder or facts_of(system, match)["type"] != FOLDER:
            files.append(match)
    return _spelled(files, system._strip_protocol(head), head)


def _exists(system: Any, path: str) -> bool:
    try:
        system.info(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _spelled(paths: list[str], root: str, url: str) -> list[str]:
    """``paths`` as URLs that begin like ``url``, whose path ``root`` is.

    A slash at the end of a name marks an empty folder of an object store, and is no object. Two
    slashes in a row are as much a part of a key as one.
    """
    scheme, mark, place = url.partition("://")
    if place.strip("/"):  # else it names no bucket or host, and the slashes are the scheme's own
        place = place.rstrip("/") + "/"
    start, root = scheme + mark + place, root.rstrip("/")
    objects = (path for path in paths if not path.endswith("/"))
    return [start + path.removeprefix(root).removeprefix("/") for path in objects]
