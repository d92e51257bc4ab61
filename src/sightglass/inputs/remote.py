"""Pictures at URLs: object stores and web servers, through fsspec.

A URL names one object of one file system: ``s3://bucket/key``, ``gs://…``, ``https://…``,
``file:///…``. How to log in is fsspec's business (environment variables, its own configuration);
nothing of it is asked for or kept here.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sightglass.checks import require_extra
from sightglass.errors import InputError, MissingExtraError, PictureError, first_line
from sightglass.inputs import remote_http
from sightglass.inputs.file_stamp import FileStamp
from sightglass.inputs.private_tables import no_temporary_file
from sightglass.inputs.remote_patience import in_words, is_given_up, patiently
from sightglass.inputs.remote_stamps import passing_stamp, stamp_from
from sightglass.inputs.url_secrets import without_secrets

FOLDER = "directory"  # fsspec's word

# A scheme has two letters at least: "C://" is a drive. In front of it, file systems inside others.
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+"
_URL = re.compile(rf"(?:{_SCHEME}::)*{_SCHEME}://")
_CHAIN = re.compile(rf"(?:^|.*::){_SCHEME}::|.*::{_SCHEME}://", re.DOTALL)
# Views of another file system: useless without one.
_ARCHIVES = ("dir", "libarchive", "reference", "tar", "zip")
_CACHES = ("blockcache", "cached", "dask", "filecache", "generic", "simplecache")
_VIEWS = frozenset((*_ARCHIVES, *_CACHES))
_LOCAL = ("file", "local")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# What each thread asked about last: a known picture's stamp is looked at just before it is read.
_asked = threading.local()


def is_far(source: str) -> bool:
    """Whether a source is a URL of what is not on this machine: asking about it takes a request."""
    return is_url(source) and scheme_of(source) not in _LOCAL


def is_url(source: str) -> bool:
    """Whether a source is a URL: a scheme of at least two letters, then ``://``."""
    return _URL.match(source) is not None


def scheme_of(url: str) -> str:
    """``"s3"`` of ``"s3://bucket/key"``."""
    return url.partition("://")[0].lower()


def server_of(url: str) -> str:
    """Scheme and host, or bucket: ``"s3://bucket"`` of ``"s3://bucket/key"``."""
    return "/".join(url.split("/", 3)[:3])


def local_path(url: str) -> str | None:
    """The path that a ``file://`` URL means, None for others.

    As it is written where that exists, else with its ``%20`` and the like resolved.
    """
    if scheme_of(url) not in _LOCAL:
        return None
    path = url.partition("://")[2]
    path = path.removeprefix("localhost") if path.startswith("localhost/") else path
    return path if os.path.lexists(path) else unquote(path, errors="surrogateescape")


def require_file_system(url: str) -> Any:
    """The kind of file system that a URL needs; nothing is connected.

    Raises:
        InputError: If there is none for such URLs.
        MissingExtraError: If a package that it needs is not installed.
    """
    scheme = scheme_of(url)
    if _CHAIN.match(url) or scheme in _VIEWS:
        raise InputError(
            f"URL: '{without_secrets(url)}' must name an object of one file system, got one inside "
            f"another (an archive, a cache). Unpack it, or name the objects themselves."
        )
    fsspec = require_extra("fsspec", extra="scale", purpose=f"Reading {scheme}:// URLs")
    try:
        return fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise MissingExtraError(
            f"Reading {scheme}:// URLs needs a package that is not installed "
            f"({first_line(error)}). Install it with pip."
        ) from error
    except ValueError as error:
        raise InputError(
            f"URL: '{without_secrets(url)}' must begin with a known scheme such as s3://, gs:// or "
            f"https://, got {scheme}://. Correct it, or install the package that adds it to fsspec."
        ) from error


def file_system(url: str) -> Any:
    """The file system of a URL; threads share it where fsspec allows that.

    Raises:
        InputError: As for ``require_file_system``.
        MissingExtraError: The same.
        Exception: Its own, where it connects at once and cannot.
    """
    kind, scheme = require_file_system(url), scheme_of(url)
    options = kind._get_kwargs_from_urls(url)
    if scheme in remote_http.SCHEMES:
        conf = require_extra("fsspec.config", extra="scale", purpose="Reading URLs").conf
        ours = remote_http.options() | {"encoded": remote_http.is_quoted(url)}
        chosen = conf.get(scheme, {})
        options |= {name: value for name, value in ours.items() if name not in chosen}
    return kind(**options)


def facts_of(system: Any, path: str) -> Mapping[str, Any]:
    """What a file system, which is no web server's, says of an object; ``type`` may be a folder."""
    facts: Mapping[str, Any] = system.info(path)
    if facts.get("type") == FOLDER and "refresh" in signature(system.info).parameters:
        # A listing has one line for a name under which there are others, and an object may have
        # that name too; the server itself says which object it is.
        facts = system.info(path, refresh=True)
    return facts


def stamp_of(url: str) -> FileStamp | None:
    """What the server says of the object now, without reading it.

    None where it says nothing that would tell a changed object, or does not answer. What an
    earlier listing said counts: its file system may remember that. A server that is given up is
    not asked: reading the object is question enough.
    """
    if is_given_up(server_of(url)):
        return None
    try:
        return stamp_from(_facts(url))
    except Exception:
        return None  # reading it will say why


def fetch(url: str, *, max_bytes: int) -> tuple[bytes, FileStamp]:
    """The object's bytes, and the stamp that it had when they were asked for.

    Asked for up to four times where a failure may pass: time-outs, lost connections, replies such
    as 429 and 503.

    Raises:
        PictureError: ``unreadable`` if it cannot be read; ``too_large`` above ``max_bytes``.
    """
    try:
        return patiently(lambda: _fetch(url, max_bytes), server=server_of(url))
    except PictureError:
        raise
    except (InputError, MissingExtraError) as error:
        raise PictureError("unreadable", str(error)) from error
    except Exception as error:
        # Every file system has its own errors; each is about this object.
        raise PictureError("unreadable", in_words(error)) from error


@contextmanager
def copied_here(url: str) -> Iterator[Path]:
    """A temporary local copy of a manifest: parquet cannot be read from its beginning alone.

    Raises:
        InputError: If it cannot be read.
        MissingExtraError: If a package that it needs is not installed.
        ResultsError: If there is no room for the copy.
    """
    require_file_system(url)
    try:
        temporary = tempfile.TemporaryDirectory(prefix="sightglass-")
    except OSError as error:
        raise no_temporary_file(error, variable="TMPDIR") from error
    with temporary as folder:
        copy = Path(folder) / "copy"

        def get() -> None:
            system = file_system(url)
            system.get_file(system._strip_protocol(url), str(copy))

        try:
            patiently(get, server=server_of(url))
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise no_temporary_file(error, variable="TMPDIR") from error
            raise InputError(
                f"Manifest: '{without_secrets(url)}' cannot be read ({in_words(error)}). Check the "
                f"address and your permission."
            ) from error
        yield copy


def _fetch(url: str, max_bytes: int) -> tuple[bytes, FileStamp]:
    system = file_system(url)
    if scheme_of(url) in remote_http.SCHEMES:
        data, headers = remote_http.bytes_of(system, url, max_bytes=max_bytes)
        return data, stamp_from(headers) or passing_stamp(data)
    facts = getattr(_asked, "facts", {}).get(url) or _facts(url)
    _asked.facts = {}
    if facts.get("type") == FOLDER:
        raise PictureError("unreadable", "a folder")
    path, size = system._strip_protocol(url), facts.get("size")
    if size is None:
        with system.open(path, "rb") as stream:
            data = stream.read(max_bytes + 1)
    else:
        data = b"" if size > max_bytes else system.cat_file(path)
    most = max(len(data), size or 0)
    if most > max_bytes:
        raise PictureError("too_large", f"{most:,} bytes; the limit is {max_bytes:,}")
    stamp = stamp_from(facts)
    return data, stamp if stamp is not None and stamp.size == len(data) else passing_stamp(data)


def _facts(url: str) -> Mapping[str, Any]:
    """What the file system says of the object, as it calls it."""
    system = file_system(url)
    if scheme_of(url) in remote_http.SCHEMES:
        return remote_http.headers_of(system, url)
    facts = facts_of(system, system._strip_protocol(url))
    _asked.facts = {url: facts}
    return facts
