"""Finds the files to classify. Whatever is found gets a row later, picture or not."""

from __future__ import annotations

import fnmatch
import glob
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, unquote

from sightglass.errors import InputError
from sightglass.inputs.absent_path import advice_on_absent
from sightglass.inputs.listed_paths import listed_paths
from sightglass.inputs.manifests import read_manifest
from sightglass.inputs.patterns import MAGIC
from sightglass.inputs.remote import is_url, local_path, require_file_system, scheme_of
from sightglass.inputs.remote_folders import find_far
from sightglass.inputs.spooled_texts import SpooledTexts
from sightglass.inputs.url_secrets import without_secrets

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SEPARATOR = re.compile(f"[{re.escape(os.sep + (os.altsep or ''))}]")


def find_pictures(
    sources: Sequence[str | os.PathLike[str]],
    *,
    stdin: TextIO | None = None,
    manifests: Sequence[str] = (),
    column: str | None = None,
) -> Sequence[str]:
    """Every file that the sources name: one path each, sorted by code points, none twice.

    Nothing is opened and no suffix is looked at. What is no picture, or cannot be read (a broken
    link, a named pipe, a folder that may not be listed), is returned as well, so that it becomes
    a row of its own instead of vanishing.

    Args:
        sources: Each a folder (with all below it; links to folders are followed, each folder is
            entered once), a file, a glob pattern (``photos/*.jpg``; ``**`` is any depth; a folder
            that matches is entered), a URL of one of these, or ``-`` for one path per line from
            ``stdin``. What exists under its literal name is never taken for a pattern.
        stdin: Read for ``-``, see ``listed_paths.separated``. None is the process's own.
        manifests: Files that list paths and URLs, see ``read_manifest``. A URL in them is a file;
            a folder's path is entered, as one from ``stdin`` is.
        column: Of the manifests.

    Returns:
        Paths that begin as the person spelled their source. What ``stdin`` or a manifest lists is
        returned even where nothing exists under it. Names that are not UTF-8 carry surrogate
        escapes. They lie on disk: a million of them take no memory.

    Raises:
        InputError: If there is no source, or one does not exist or holds no file at all; or a
            manifest cannot be used.
        MissingExtraError: If a package that URLs or parquet need is not installed.
        ResultsError: If there is no room for a temporary file.
    """
    if not sources and not manifests:
        raise InputError(
            "Pictures: some are needed, got nothing. Name a folder, a file, a URL, '-', or a "
            "manifest."
        )
    named = (path for source in sources for path in _some_of(os.fspath(source), stdin))
    listed = (source for one in manifests for source in read_manifest(one, column=column))
    return SpooledTexts.sorted(chain(named, _entered(listed)))


def _some_of(name: str, stdin: TextIO | None) -> Iterator[str]:
    """The files that one source names; at least one."""
    if name == "-":
        files = _entered(listed_paths(stdin or sys.stdin or io.StringIO()))
    elif is_url(name):
        files = _files_at(name)
    elif os.path.lexists(name):
        files = _files_of(name)
    elif MAGIC.search(name):
        files = _matches(name)
    else:
        raise InputError(f"Pictures: '{name}' does not exist. {advice_on_absent(name)}")
    first = next(files, None)
    if first is None:
        raise InputError(
            f"Pictures: at least one file is needed, '{without_secrets(name)}' gives none. Name a "
            "folder that holds pictures, a pattern that matches some, or list paths on stdin."
        )
    yield first
    yield from files


def _entered(listed: Iterable[str]) -> Iterator[str]:
    """The files of all paths, and all URLs; a missing package is said before anything is read."""
    schemes: set[str] = set()
    for source in listed:
        if not is_url(source):
            yield from _files_of(source)
            continue
        if scheme_of(source) not in schemes:
            schemes.add(scheme_of(source))
            # A URL that nothing can read becomes a row that says so, as a missing file does.
            with suppress(InputError):
                require_file_system(source)
        yield source


def _files_at(url: str) -> Iterator[str]:
    """The files that a URL names, spelled as it begins."""
    here = local_path(url)
    if here is None:
        return iter(find_far(url))
    if not os.path.lexists(here):
        magic = MAGIC.search(url)
        if magic is not None:
            return _matches_at(url, url.rindex("/", 0, magic.start()) + 1)
        raise InputError(f"Pictures: '{url}' does not exist. {advice_on_absent(here)}")
    start, length = url.rstrip("/"), len(here.rstrip("/"))
    ends = (path[length:] for path in _files_of(here))
    as_written = url.endswith(here)
    return (start + (end if as_written else quote(os.fsencode(end))) for end in ends)


def _matches_at(url: str, cut: int) -> Iterator[str]:
    """The files that a pattern in a ``file://`` URL matches; at ``cut`` its folder ends.

    As it is written where that matches something, else with its ``%20`` and the like resolved.
    """
    head, tail = url[:cut], url[cut:]
    folder = local_path(head) or ""
    for quoted in (False, True) if head.endswith(folder) else (True,):
        pattern = _ESCAPES.sub(_resolved, tail) if quoted else tail
        found = None
        for found in _matches(glob.escape(folder) + pattern):
            end = found.removeprefix(folder.rstrip("/")).lstrip("/")
            yield head + (quote(os.fsencode(end)) if quoted else end)
        if found is not None:
            return


def _resolved(escapes: re.Match[str]) -> str:
    """What ``%5B`` and the like mean in a pattern: themselves, not a part of it."""
    return glob.escape(unquote(escapes[0], errors="surrogateescape"))


def _files_of(path: str) -> Iterator[str]:
    """The path itself, or all files below it where it is a folder."""
    # Path.is_dir would raise where a folder above may not be searched.
    return _walk(path) if os.path.isdir(path) else iter((path,))  # noqa: PTH112


def _walk(root: str) -> Iterator[str]:
    """All that is no folder, below ``root``; a folder that cannot be listed is itself returned.

    Links to folders wait until all real folders have been seen: a file that is reachable both
    ways is found under its real place, whatever the link is called, and a loop ends.
    """
    visited: set[tuple[int, int]] = set()
    links = [root]
    while links:
        found_links: list[str] = []
        for link in sorted(links):
            folders = [link]
            while folders:
                yield from _list(folders.pop(), visited, folders, found_links)
        links = found_links


def _list(
    folder: str, visited: set[tuple[int, int]], folders: list[str], links: list[str]
) -> Iterator[str]:
    """The files right in ``folder``; real and linked folders in it are added to the two lists."""
    try:
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112
                    # Not entry.is_dir(): that raises on links in a circle.
                    links.append(entry.path)
                else:
                    yield entry.path
    except OSError:
        yield folder


def _matches(pattern: str) -> Iterator[str]:
    """Files of all that the pattern matches; ``*`` leaves dotfiles out, as in a shell.

    The standard library's ``**`` goes round in circles through links, hence ``_walk``.
    """
    parts = _SEPARATOR.split(pattern)
    if "**" not in parts:
        for match in glob.iglob(pattern):  # noqa: PTH207 - Path.glob respells what it finds
            yield from _files_of(match)
        return
    depth = parts.index("**")
    head = os.sep.join([*parts[:depth], ""])  # noqa: PTH118
    for folder in glob.iglob(head) if MAGIC.search(head) else [head]:  # noqa: PTH207
        base = folder or os.path.join(os.curdir, "")  # noqa: PTH118
        for path in _walk(base) if os.path.isdir(base) else ():  # noqa: PTH112
            inside = path[len(base) :]
            if _fits(parts[depth:], inside.split(os.sep)):  # noqa: PTH206
                yield folder + inside


def _fits(pattern: Sequence[str], names: Sequence[str]) -> bool:
    """True where the pattern fits these names, or the first few of them: a folder that fits."""
    if not pattern:
        return True
    if not names:
        return all(part == "**" for part in pattern)
    hidden = names[0].startswith(".") and not pattern[0].startswith(".")
    if pattern[0] == "**":
        return _fits(pattern[1:], names) or (not hidden and _fits(pattern, names[1:]))
    return not hidden and fnmatch.fnmatch(names[0], pattern[0]) and _fits(pattern[1:], names[1:])
