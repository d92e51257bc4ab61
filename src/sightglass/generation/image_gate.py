"""The quality gate: opens a generated picture, compares it with the class names and the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import align_text_image
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.wording import require_fixed_texts, templates_for
from sightglass.errors import ModelError, PictureError
from sightglass.fusion.softmax import softmax
from sightglass.generation.quality import (
    SAME,
    most_similar,
    plain_fault,
    rank_of,
    ranks_needed,
)
from sightglass.inputs.images import OpenedPicture, open_picture
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says of one file.

    Attributes:
        reason: Why it is rejected; None: it is accepted.
        sha256: Of the file.
        pixels: Hash of the decoded picture; None if it cannot be decoded.
        score: The filter's probability of the class, 0 to 1; None if it was not asked, because the
            picture is of no use for any class.
    """

    reason: str | None
    sha256: str
    pixels: str | None = None
    score: float | None = None


class ImageGate:
    """Judges pictures one by one and remembers those that it let pass.

    Args:
        encoder: The filter model.
        labels: Every class of the book, so that the filter can prefer another.
        size: (width, height) that every picture must have; None: any.
    """

    def __init__(
        self, encoder: DualEncoder, labels: LabelSet, *, size: tuple[int, int] | None = None
    ) -> None:
        require_fixed_texts(encoder, where="imagine")
        self.name = encoder.card.name
        self._encoder = encoder
        self._labels = labels
        self._size = size
        self._seen: dict[str, str] = {}
        self._rows: dict[int, list[Float[np.ndarray, " dim"]]] = {}
        self._names: dict[int, list[str]] = {}

    def know(self, digest: str, name: str) -> None:
        """Remember a picture, by the hash of its file or of its pixels, as already there."""
        self._seen.setdefault(digest, name)

    def recall(self, data: bytes, class_index: int, *, name: str) -> None:
        """Remember a picture that an earlier run accepted; what cannot be opened is passed over."""
        try:
            picture = open_picture(data)
        except PictureError:
            return
        self._remember(self._embedded(picture), class_index, name)
        self.know(hashlib.sha256(data).hexdigest(), name)
        self.know(_pixels_hash(picture), name)

    def judge(self, data: bytes, class_index: int, *, name: str) -> Verdict:
        """Whether the file may be a reference of the class; if so, it is remembered.

        Args:
            data: A whole file, or anything else.
            class_index: In the label set's order.
            name: How later verdicts call it.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in self._seen:
            return Verdict(reason=f"duplicate: same file as {self._seen[sha256]}", sha256=sha256)
        try:
            picture = open_picture(data)
        except PictureError as error:
            return Verdict(reason=str(error), sha256=sha256)
        pixels = _pixels_hash(picture)
        fault = plain_fault(
            picture.image, size=self._size, width=picture.width, height=picture.height
        )
        if fault is None and pixels in self._seen:
            fault = f"duplicate: same pixels as {self._seen[pixels]}"
        if fault is not None:
            return Verdict(reason=fault, sha256=sha256, pixels=pixels)
        row = self._embedded(picture)
        logits = align_text_image(row[None], self._classes, logit_scale=self._scale)
        score = round(float(softmax(logits)[0, class_index]), 6)
        reason = self._objection(row, logits[0], class_index)
        if reason is None:
            self._remember(row, class_index, name)
            self.know(sha256, name)
            self.know(pixels, name)
        return Verdict(reason=reason, sha256=sha256, pixels=pixels, score=score)

    def _objection(
        self,
        row: Float[np.ndarray, " dim"],
        logits: Float[np.ndarray, " n_classes"],
        class_index: int,
    ) -> str | None:
        names = self._labels.names
        rank, needed = rank_of(logits, class_index), ranks_needed(len(names))
        if rank > needed:
            return (
                f"wrong class: '{names[class_index]}' comes {rank:,} of {len(names):,} by "
                f"{self.name}, the first {needed} pass; it looks like '{names[logits.argmax()]}'"
            )
        others = np.array(self._rows.get(class_index, []), np.float32).reshape(-1, len(row))
        nearest, cosine = most_similar(row, others)
        if cosine > SAME:
            return f"duplicate: nearly {self._names[class_index][nearest]} (cosine {cosine:.4f})"
        return None

    @cached_property
    def _scale(self) -> float:
        if self._encoder.card.logit_scale is None:
            raise ModelError(f"{self.name}: a logit scale is needed in its card, there is none.")
        return self._encoder.card.logit_scale

    @cached_property
    def _classes(self) -> Float[np.ndarray, "n_classes dim"]:
        # Made with the first picture: a run that has nothing to do must not pay for it.
        return class_embeddings(
            self._labels,
            templates_for(self._encoder.card),
            lambda texts: self._encoder.encode_texts(texts).rows,
        )

    def _embedded(self, picture: OpenedPicture) -> Float[np.ndarray, " dim"]:
        row: Float[np.ndarray, " dim"] = self._encoder.encode_images(
            [self._encoder.prepare(picture.image)]
        ).rows[0]
        return row

    def _remember(self, row: Float[np.ndarray, " dim"], class_index: int, name: str) -> None:
        self._rows.setdefault(class_index, []).append(row)
        self._names.setdefault(class_index, []).append(name)


def _pixels_hash(picture: OpenedPicture) -> str:
    image = picture.image
    return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()
