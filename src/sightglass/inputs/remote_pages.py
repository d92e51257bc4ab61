"""Folders of web servers: pages whose links name the files and the folders in them.

fsspec's own listing joins links as text: what links to itself it finds again and again, and what
leads out of the folder it follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from sightglass.errors import PictureError
from sightglass.inputs import remote_http
from sightglass.inputs.remote import file_system, server_of
from sightglass.inputs.remote_patience import patiently

# Pages that link to pages: no real folder is as deep, and a server may invent folders for ever.
_DEEPEST = 32
_LONGEST_PAGE = 1 << 26
_HTML = ("text/html", "application/xhtml+xml", "")
# What stands in front of the path; a page may name its own server with another one.
_START = re.compile(r"https?://(?:[^/?#]*@)?", re.IGNORECASE)


def linked_below(folder: str, *, pattern: str = "**") -> list[str]:
    """The URLs of all files that a folder's page links to, and the pages of the folders below it.

    Each comes once, spelled as ``folder`` begins. What lies elsewhere is left out, and so are
    links with a query: listings link to themselves, sorted another way. A page of a folder in it
    that cannot be read is itself returned, and so is what ends in ``/`` and is no page.

    Args:
        folder: A URL that ends in ``/``.
        pattern: Of paths below it: ``*`` is any name or a part of one, ``**`` any depth; all
            files below a folder that fits are taken.

    Raises:
        Exception: aiohttp's, where the folder's own page cannot be read.
    """
    wanted = pattern.rstrip("/").split("/")
    root = _place(folder)
    files: list[str] = []
    seen = {folder}
    pages = [(folder, 0)]
    for page, depth in pages:  # grows
        try:
            links = _links_of(page)
        except Exception:
            if page == folder:
                raise
            files.append(page)
            continue
        if links is None:
            files.append(page)
            continue
        for link in links:
            place = _place(link)
            if not place.startswith(root) or "?" in place:
                continue
            end = place.removeprefix(root)
            url = folder + end
            if url in seen:
                continue
            seen.add(url)
            names = end.rstrip("/").split("/")
            if not url.endswith("/"):
                if _fits(wanted, names):
                    files.append(url)
            elif depth + 1 < _DEEPEST and _may_fit(wanted, names):
                pages.append((url, depth + 1))
    return files


def _place(url: str) -> str:
    """Host and path: ``http://`` and ``https://`` are one server, with and without a login."""
    start = _START.match(url)
    return "" if start is None else url[start.end() :]


def _links_of(page: str) -> Sequence[str] | None:
    """Whole URLs; None where this is no page but a file."""
    system = file_system(page)

    def get() -> tuple[bytes, remote_http.Headers]:
        return remote_http.bytes_of(system, page, max_bytes=_LONGEST_PAGE)

    try:
        text, headers = patiently(get, server=server_of(page))
    except PictureError:
        return None  # longer than any page
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "")
    if kind.partition(";")[0].strip().lower() not in _HTML:
        return None
    links = _Links(page)
    links.feed(text.decode("utf-8", "replace"))
    links.close()
    return links.found


class _Links(HTMLParser):
    """Collects where a page's links lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        link = dict(attrs).get("href") if tag == "a" else None
        if link:
            with suppress(ValueError):  # no URL, as "http://[" is none
                self.found.append(urldefrag(urljoin(self._page, link.strip())).url)


def _fits(pattern: Sequence[str], names: Sequence[str]) -> bool:
    """Whether the pattern fits these names, or the first few of them: a folder that fits."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return _fits(pattern[1:], names) or (bool(names) and _fits(pattern, names[1:]))
    return bool(names) and _is_like(names[0], pattern[0]) and _fits(pattern[1:], names[1:])


def _may_fit(pattern: Sequence[str], folder: Sequence[str]) -> bool:
    """Whether something in this folder may fit."""
    if not pattern or not folder or pattern[0] == "**":
        return True
    return _is_like(folder[0], pattern[0]) and _may_fit(pattern[1:], folder[1:])


def _is_like(name: str, part: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, part.split("*"))), name) is not None
