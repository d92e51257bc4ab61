"""From a path to what the encoder takes: as little work as the store does not know yet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from sightglass.encoders.contract import ImageEncoder
from sightglass.errors import PictureError
from sightglass.inputs.file_bytes import FileStamp, read_bytes
from sightglass.inputs.images import DEFAULT_MAX_PIXELS, OpenedPicture, open_picture
from sightglass.inputs.outcome import Outcome
from sightglass.inputs.thumbnails import make_thumbnail
from sightglass.store import KnownPicture, Store, StoredPicture

if TYPE_CHECKING:
    from jaxtyping import UInt8
    from PIL import Image

    # A path; or a name with what is already in memory: a file's bytes, an RGB picture, or why a
    # picture that was handed over cannot be used.
    Source = str | tuple[str, bytes | Image.Image | PictureError]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FreshPicture:
    """A picture that was decoded just now.

    Attributes:
        stored: What the store will keep of it.
        pixels: The encoder's input.
    """

    stored: StoredPicture
    pixels: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadPicture:
    """One file: known from before, decoded just now, or failed (then it has neither).

    Attributes:
        outcome: ``ok``, or why not.
        source: What was read.
        content: Hash of the bytes; None where they could not be used.
        stamp: The file's size and time when it was read; None where it was not read.
        known: What the store has for this encoder.
        fresh: What was decoded.
    """

    outcome: Outcome
    source: Source
    content: bytes | None = None
    stamp: FileStamp | None = None
    known: KnownPicture | None = None
    fresh: FreshPicture | None = None


def read_picture(
    source: Source,
    *,
    store: Store,
    encoder: ImageEncoder,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> ReadPicture:
    """Read, decode and prepare one picture.

    Args:
        source: A path; or a name with a file's bytes, an RGB picture, or why there is none.
        store: Says what is known.
        encoder: Says what the network takes, and for whom an embedding must be known.
        max_pixels: Larger pictures are ``too_large``.

    Returns:
        One value whatever happens: a file that cannot be used has the reason in ``outcome``.
    """
    path, given = (source, None) if isinstance(source, str) else source
    try:
        if given is None:
            found = _read_file(path, store, encoder, max_pixels)
        elif isinstance(given, bytes):
            found = _read_data(given, store, encoder, max_pixels)
        elif isinstance(given, PictureError):
            raise given
        else:
            found = _read_image(given, store, encoder)
    except PictureError as error:
        failed = Outcome(path=path, status=error.status, detail=error.detail)
        return ReadPicture(outcome=failed, source=source)
    return ReadPicture(outcome=Outcome(path=path, status="ok"), source=source, **found)


class _Found(TypedDict, total=False):
    content: bytes
    stamp: FileStamp
    known: KnownPicture
    fresh: FreshPicture


def _read_file(path: str, store: Store, encoder: ImageEncoder, max_pixels: int) -> _Found:
    content = _content_by_stamp(path, store)
    if content is not None:
        known = store.known(content, fingerprint=encoder.fingerprint)
        if known is not None:
            return {"content": content, "known": known}
    data, stamp = read_bytes(path)
    return {**_read_data(data, store, encoder, max_pixels), "stamp": stamp}


def _read_data(data: bytes, store: Store, encoder: ImageEncoder, max_pixels: int) -> _Found:
    return _found(
        hashlib.sha256(data).digest(),
        lambda: open_picture(data, short_side=_short_side(encoder), max_pixels=max_pixels),
        store,
        encoder,
    )


def _read_image(image: Image.Image, store: Store, encoder: ImageEncoder) -> _Found:
    return _found(
        hashlib.sha256(f"{image.size}".encode() + image.tobytes()).digest(),
        lambda: OpenedPicture(image=image, width=image.width, height=image.height),
        store,
        encoder,
    )


def _found(
    content: bytes, opened: Callable[[], OpenedPicture], store: Store, encoder: ImageEncoder
) -> _Found:
    """What the store knows of this content; only where that is nothing is the picture opened."""
    known = store.known(content, fingerprint=encoder.fingerprint)
    if known is not None:
        return {"content": content, "known": known}
    picture = opened()
    stored = StoredPicture(
        content=content,
        width=picture.width,
        height=picture.height,
        thumbnail=make_thumbnail(picture.image),
    )
    pixels = encoder.prepare(picture.image)
    return {"content": content, "fresh": FreshPicture(stored=stored, pixels=pixels)}


def _content_by_stamp(path: str, store: Store) -> bytes | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None  # reading it will say why
    return store.known_content(path, size=status.st_size, mtime_ns=status.st_mtime_ns)


def _short_side(encoder: ImageEncoder) -> int | None:
    """How small a picture may be decoded without loss to this encoder; None: only as it is."""
    spec = encoder.card.image
    if spec is None or spec.resize == "patches":
        return None
    return spec.resize_to if spec.resize_to is not None else max(spec.size)
