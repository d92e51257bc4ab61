"""A frozen encoder with both towers: how like the pictures and captions of a batch are."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from sightglass.distillation.teachers.picture_rows import CropRows, PictureRows
from sightglass.distillation.whole_numbers import check_whole
from sightglass.encoders.embeddings import require_one_encoder
from sightglass.encoders.wording import require_fixed_texts

if TYPE_CHECKING:
    from jaxtyping import Float32
    from torch import Tensor

    from sightglass.distillation.teachers.batch_pictures import BatchPictures
    from sightglass.encoders.contract import DualEncoder


class PairRows(NamedTuple):
    """One teacher's rows, or several teachers' joined.

    Attributes:
        images: Unit rows of pictures.
        texts: Unit rows of captions.
    """

    images: Float32[Tensor, "n dim"]
    texts: Float32[Tensor, "m dim"]


class PairTeacher:
    """Rows of pictures and captions in a space where their cosines mean something.

    Args:
        encoder: Frozen; its texts must not depend on the picture.
        pictures: Where rows of pictures come from; None: of the crops, made anew for each.
            ``StoredRows`` of the same encoder for those of whole pictures.
        weight: Among several teachers; they are divided by their sum.
        kept_texts: Captions whose rows stay in memory, those used last. A row of 512 numbers takes
            2 KB.

    Raises:
        InputError: If the encoder's texts depend on the picture, or ``kept_texts`` is below 0.
    """

    def __init__(
        self,
        encoder: DualEncoder,
        *,
        pictures: PictureRows | None = None,
        weight: float = 1.0,
        kept_texts: int = 20_000,
    ) -> None:
        require_fixed_texts(encoder, where="PairTeacher")
        check_whole(kept_texts, where="PairTeacher", name="kept_texts", least=0)
        self._encoder = encoder
        self._pictures = CropRows(encoder) if pictures is None else pictures
        self._kept_texts = kept_texts
        self._texts: OrderedDict[str, Float32[np.ndarray, " dim"]] = OrderedDict()
        self.weight = weight

    @property
    def name(self) -> str:
        """The encoder's."""
        return self._encoder.card.name

    @property
    def digest(self) -> str:
        """Hex digest of what decides its rows: weights, preprocessing, crop or whole picture."""
        parts = f"{self._encoder.fingerprint} {self._pictures.digest}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def rows(self, pictures: BatchPictures, captions: Sequence[str]) -> PairRows:
        """Unit rows, in the order of pictures and of captions; their numbers may differ.

        Raises:
            InputError: If the rows of the pictures are another encoder's, or a picture cannot be
                used.
        """
        images = self._pictures.rows(pictures)
        require_one_encoder(images, self._encoder, where="PairTeacher")
        return PairRows(
            images=torch.tensor(images.rows), texts=torch.from_numpy(self._text_rows(captions))
        )

    def _text_rows(self, captions: Sequence[str]) -> Float32[np.ndarray, "m dim"]:
        kept = self._texts
        new = [text for text in dict.fromkeys(captions) if text not in kept]
        if new:
            kept.update(zip(new, self._encoder.encode_texts(new).rows, strict=True))
        rows = np.empty((len(captions), self._encoder.card.dim), np.float32)
        for row, text in zip(rows, captions, strict=True):
            row[:] = kept[text]
            kept.move_to_end(text)
        while len(kept) > self._kept_texts:
            kept.popitem(last=False)
        return rows
