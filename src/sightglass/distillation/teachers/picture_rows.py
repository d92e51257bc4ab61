"""A frozen encoder's rows of training pictures: of the crop, or of the whole picture once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from sightglass.checks import usable_processors
from sightglass.embedding import embed_pictures
from sightglass.errors import InputError
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.outcome import Outcome
from sightglass.read_ahead import ahead
from sightglass.reading import ReadPicture, read_picture

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

    from sightglass.distillation.pairs.source import PairSource
    from sightglass.distillation.teachers.batch_pictures import BatchPictures
    from sightglass.encoders.contract import ImageEncoder
    from sightglass.encoders.embeddings import Embeddings
    from sightglass.store import Store

_WINDOW = 64  # pictures that wait for the network
# Crops that one thread prepares at a time: handing over takes longer than a crop of the right size.
_TOGETHER = 16


class PictureRows(Protocol):
    """Where the rows of a batch's pictures come from."""

    @property
    def digest(self) -> str:
        """What decides the rows, beside the pictures."""

    def rows(self, pictures: BatchPictures) -> Embeddings:
        """Unit rows, in the order of ``pictures``."""


class CropRows:
    """The encoder looks at the very crop that the student sees.

    Args:
        encoder: Frozen. A crop goes through its own preprocessing: for an encoder of the student's
            size that changes nothing, for another it is what that encoder needs.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder = encoder

    @property
    def digest(self) -> str:
        """Says that it is the crop."""
        return f"{self._encoder.fingerprint}:crop"

    def rows(self, pictures: BatchPictures) -> Embeddings:
        """Unit rows of the crops."""
        return crop_rows(self._encoder, pictures.crops)


def crop_rows(encoder: ImageEncoder, crops: UInt8[np.ndarray, "n height width 3"]) -> Embeddings:
    """Unit rows of crops, each resized and normalised as the encoder's card says."""

    def prepare(first: int) -> list[UInt8[np.ndarray, "high wide 3"]]:
        some = crops[first : first + _TOGETHER]
        return [encoder.prepare(Image.fromarray(crop)) for crop in some]

    # Training waits for this: resizing to a larger encoder's size takes up to 1 ms per crop.
    firsts = range(0, len(crops), _TOGETHER)
    prepared = ahead(prepare, firsts, threads=usable_processors(), window=_WINDOW)
    return encoder.encode_images([crop for some in prepared for crop in some])


class StoredRows:
    """The encoder looks at the whole picture, once: its row is kept in the store from then on.

    A large teacher that is asked once per picture, not once per picture and pass, costs a tenth of
    the time in ten passes. Its row is then not that of the crop, which may show less.

    Rows are known by the hash of the picture's bytes, so they serve other runs too. Which hash a
    row of a source has is remembered while the run lasts (about 200 bytes per picture): from the
    second pass on nothing is read.

    Args:
        encoder: Frozen.
        store: Keeps the rows.
        sources: Those of the mix, in its order.
        max_pixels: Larger pictures cannot be used.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        store: Store,
        sources: Sequence[PairSource],
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        self._encoder, self._store, self._sources = encoder, store, sources
        self._max_pixels = max_pixels
        self._contents: dict[tuple[int, int], bytes] = {}

    @property
    def digest(self) -> str:
        """Says that it is the whole picture."""
        return f"{self._encoder.fingerprint}:whole"

    def rows(self, pictures: BatchPictures) -> Embeddings:
        """Unit rows of the whole pictures that the crops were taken from.

        Raises:
            InputError: If a picture cannot be used any more.
        """
        places = list(zip(pictures.sources.tolist(), pictures.indices.tolist(), strict=True))
        found = ahead(self._read, places, threads=usable_processors(), window=_WINDOW)
        return embed_pictures(list(found), encoder=self._encoder, store=self._store)

    def _read(self, place: tuple[int, int]) -> ReadPicture:
        content = self._contents.get(place)
        if content is not None:
            known = self._store.known(content, fingerprint=self._encoder.fingerprint)
            if known is not None:
                outcome = Outcome(path="", status="ok")
                return ReadPicture(outcome=outcome, source=("", b""), content=content, known=known)
        source, index = place
        row = self._sources[source].read(index)
        found = read_picture(
            (row.where, row.image),
            store=self._store,
            encoder=self._encoder,
            max_pixels=self._max_pixels,
        )
        if not found.usable or found.content is None:
            raise InputError(
                f"{row.where}: a teacher needs this picture whole, it cannot be used "
                f"({found.outcome.detail}). Take it out of the data, or let the teacher look at "
                f"crops."
            )
        self._contents[place] = found.content
        return found
