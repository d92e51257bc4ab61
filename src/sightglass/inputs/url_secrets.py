"""URLs without what lets somebody in: for messages, and for what is kept."""

from __future__ import annotations

import re

# user:password@, not the container@ of Azure's addresses.
_LOGIN = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*@")
_QUERY = re.compile(r"(://[^\s?'\"<>]*)\?[^\s'\"<>)]*")
# What signed URLs of S3, Google, CloudFront and Azure carry; another one for every signature.
_SIGNATURE = re.compile(
    r"(?i)(?:x-amz-[\w-]+|x-goog-[\w-]+|awsaccesskeyid|googleaccessid|key-pair-id|signature|expires"
    r"|policy|sig|sv|se|st|sp|sr|spr|ske|skt|sks|skv|skoid|sktid)=.*"
)


def without_secrets(text: str) -> str:
    """``text`` whose URLs have no user name, no password and no query: fit for a message."""
    return _QUERY.sub(r"\1", _LOGIN.sub("", text))


def unsigned(url: str) -> str:
    """What a URL is called where it is kept: without login and signature.

    The same object under another signature has the same name; other parameters are part of it.
    """
    url = _LOGIN.sub("", url)
    if not url.lower().startswith(("http://", "https://")):
        return url
    address, question, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not _SIGNATURE.fullmatch(part)]
    return address + (question + "&".join(kept) if kept else "")
