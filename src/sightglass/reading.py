"""From a path to what the encoder takes: as little work as the store does not know yet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.contract import ImageEncoder
from sightglass.errors import PictureError
from sightglass.inputs.decoding_room import decoding_room
from sightglass.inputs.file_bytes import read_bytes, stamp_of
from sightglass.inputs.file_stamp import FileStamp
from sightglass.inputs.images import DEFAULT_MAX_PIXELS, OpenedPicture, open_picture
from sightglass.inputs.outcome import Outcome
from sightglass.inputs.remote import is_far
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
        beside: The same picture for the other encoders that were asked for.
    """

    outcome: Outcome
    source: Source
    content: bytes | None = None
    stamp: FileStamp | None = None
    known: KnownPicture | None = None
    fresh: FreshPicture | None = None
    beside: tuple[ReadPicture, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is, or will be, a row of it."""
        return self.known is not None or self.fresh is not None


def read_picture(
    source: Source,
    *,
    store: Store,
    encoder: ImageEncoder,
    beside: Sequence[ImageEncoder] = (),
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> ReadPicture:
    """Read, decode and prepare one picture.

    Args:
        source: A path; or a name with a file's bytes, an RGB picture, or why there is none.
        store: Says what is known.
        encoder: Says what the network takes, and for whom an embedding must be known.
        beside: Other encoders that need the picture too: it is read once for all of them, and
            decoded once for those that take the same size.
        max_pixels: Larger pictures are ``too_large``.

    Returns:
        One value whatever happens: a file that cannot be used has the reason in ``outcome``.
    """
    path, given = (source, None) if isinstance(source, str) else source
    encoders = (encoder, *beside)
    stamp = None
    try:
        if isinstance(given, PictureError):
            raise given
        content = _content_by_stamp(path, store) if given is None else None
        known = _known(content, store, encoders)
        if content is None or None in known:
            if given is None:
                given, stamp = read_bytes(path)
            content = _content_of(given)
            known = _known(content, store, encoders)
        with decoding_room():
            fresh = _opened(given, content, encoders, known, max_pixels)
    except PictureError as error:
        failed = Outcome(path=path, status=error.status, detail=error.detail)
        return ReadPicture(outcome=failed, source=source)
    first, *others = (
        ReadPicture(
            outcome=Outcome(path=path, status="ok"),
            source=source,
            content=content,
            known=of_one,
            fresh=new,
        )
        for of_one, new in zip(known, fresh, strict=True)
    )
    return replace(first, stamp=stamp, beside=tuple(others))


def _known(
    content: bytes | None, store: Store, encoders: Sequence[ImageEncoder]
) -> list[KnownPicture | None]:
    """What the store has of this content for each encoder."""
    if content is None:
        return [None] * len(encoders)
    return [store.known(content, fingerprint=encoder.fingerprint) for encoder in encoders]


def _content_of(given: bytes | Image.Image) -> bytes:
    if isinstance(given, bytes):
        return hashlib.sha256(given).digest()
    return hashlib.sha256(f"{given.size}".encode() + given.tobytes()).digest()


def _opened(
    given: bytes | Image.Image | None,
    content: bytes,
    encoders: Sequence[ImageEncoder],
    known: Sequence[KnownPicture | None],
    max_pixels: int,
) -> list[FreshPicture | None]:
    """The picture for each encoder that does not know it; opened once per size it is needed at.

    What one encoder takes must not depend on which others are asked: a picture is never decoded
    at another size for the sake of a neighbour. Encoders of one kind that take the same input get
    the same array, by which those that share a network know the picture again.
    """
    pictures: dict[int | None, tuple[OpenedPicture, StoredPicture]] = {}
    inputs: dict[tuple[type, str], UInt8[np.ndarray, "height width 3"]] = {}
    fresh: list[FreshPicture | None] = []
    for encoder, of_one in zip(encoders, known, strict=True):
        if of_one is not None:
            fresh.append(None)
            continue
        side = _short_side(encoder)
        if side not in pictures:
            if isinstance(given, bytes):
                picture = open_picture(given, short_side=side, max_pixels=max_pixels)
            else:
                assert given is not None
                picture = OpenedPicture(image=given, width=given.width, height=given.height)
            stored = StoredPicture(
                content=content,
                width=picture.width,
                height=picture.height,
                thumbnail=make_thumbnail(picture.image),
            )
            pictures[side] = picture, stored
        picture, stored = pictures[side]
        taken = type(encoder), _preprocessing(encoder)
        if taken not in inputs:
            inputs[taken] = encoder.prepare(picture.image)
        fresh.append(FreshPicture(stored=stored, pixels=inputs[taken]))
    return fresh


def _content_by_stamp(path: str, store: Store) -> bytes | None:
    if is_far(path) and not store.has_path(path):
        return None  # a server's answer would decide nothing
    stamp = stamp_of(path)
    if stamp is None:
        return None
    return store.known_content(path, size=stamp.size, mtime_ns=stamp.mtime_ns)


def _short_side(encoder: ImageEncoder) -> int | None:
    """How small a picture may be decoded without loss to this encoder; None: only as it is."""
    spec = encoder.card.image
    if spec is None or spec.resize == "patches":
        return None
    return spec.resize_to if spec.resize_to is not None else max(spec.size)


def _preprocessing(encoder: ImageEncoder) -> str:
    """All of the card that decides what ``prepare`` gives."""
    spec = encoder.card.image
    return "" if spec is None else spec.model_dump_json(exclude={"output"})
