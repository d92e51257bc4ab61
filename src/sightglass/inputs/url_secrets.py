"""URLs without what lets somebody in: for messages, and for what is kept."""

from __future__ import annotations

import re

# What stands before the last @ of an address: a user, a password, a token. Passwords are often
# not quoted as they should be, hence the second form.
_LOGIN = re.compile(r"([A-Za-z0-9+.-]{1,32}://)([^\s/?#\"<>]*|[^\s/?#@:]*:[^\s/@]*)@")
# Azure's container@account says where an object lies and lets nobody in.
_CONTAINERS = ("abfs://", "abfss://", "wasb://", "wasbs://")
_QUERY = re.compile(r"(://[^\s?\"<>]*)\?([^\s\"<>]*)")
_PUNCTUATION = "'),.:;]"  # what a sentence puts behind a URL
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*::)*[A-Za-z][A-Za-z0-9+.-]+://")

# What signed URLs carry; another one for every signature. Names that mean a signature anywhere:
_ALWAYS = re.compile(r"x-amz-[\w-]+|x-goog-[\w-]+|awsaccesskeyid|googleaccessid|key-pair-id")
# and those that are ordinary words where nothing of what signs is there: of CloudFront and of the
# older signatures of S3 and Google, and of Azure.
_WITH_A_KEY = frozenset(("signature", "expires", "policy"))
_KEYS = frozenset(("key-pair-id", "awsaccesskeyid", "googleaccessid"))
_WITH_SIG = frozenset(
    ["sig", "sv", "se", "st", "sp", "sr", "spr", "ske", "skt", "sks", "skv", "skoid", "sktid"]
)


def without_secrets(source: str) -> str:
    """A source as a message names it: a URL has no login and no query, a path is left alone."""
    if _URL.match(source) is None or source.lower().startswith("file://"):
        return source
    return _LOGIN.sub(_logged_out, source).partition("?")[0]


def text_without_secrets(text: str) -> str:
    """What another library says, its URLs without login and query.

    A blank ends a URL: libraries write those in queries as ``%20`` or ``+``.
    """
    return _QUERY.sub(_without_query, _LOGIN.sub(_logged_out, text))


def unsigned(url: str) -> str:
    """What a URL is called where it is kept: without login and signature.

    The same object under another signature has the same name; other parameters are part of it.
    """
    url = _LOGIN.sub(_logged_out, url)
    if not url.lower().startswith(("http://", "https://")):
        return url
    address, question, query = url.partition("?")
    parts = [part for part in query.split("&") if part]
    names = [part.partition("=")[0].lower() for part in parts]
    signing: set[str] = set()
    if "signature" in names and not _KEYS.isdisjoint(names):
        signing |= _WITH_A_KEY
    if "sig" in names:
        signing |= _WITH_SIG
    kept = [
        part
        for part, name in zip(parts, names, strict=True)
        if name not in signing and _ALWAYS.fullmatch(name) is None
    ]
    return address + (question + "&".join(kept) if kept else "")


def _logged_out(found: re.Match[str]) -> str:
    scheme, login = found.groups()
    is_container = scheme.lower() in _CONTAINERS and ":" not in login
    return found[0] if is_container else scheme


def _without_query(found: re.Match[str]) -> str:
    address, query = found.groups()
    return address + query[len(query.rstrip(_PUNCTUATION)) :]
