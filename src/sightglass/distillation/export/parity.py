"""Whether an exported folder gives the rows of the student that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.distillation.export.exported_card import FEATURE, VISION_CARD
from sightglass.distillation.export.parity_inputs import NAMES, TEXTS, ParityPictures
from sightglass.distillation.export.parity_limits import NEIGHBOURS, TIE, ParityLimits, Precisions
from sightglass.encoders.embeddings import unit_rows
from sightglass.encoders.onnx import OnnxEncoder
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float
    from PIL import Image
    from torch import Tensor

    from sightglass.distillation.export.subject import Subject
    from sightglass.encoders.towers.contract import ImageTower, TextTower

_PER_PASS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsParity:
    """Unit rows of one kind, the export's against the student's.

    Attributes:
        kind: ``pictures``, ``features`` or ``texts``.
        limits: That hold for it.
        rows: How many.
        max_difference: Of an entry.
        mean_cosine: Between the two rows of an input.
        min_cosine: The least of them.
    """

    kind: str
    limits: ParityLimits
    rows: int
    max_difference: float
    mean_cosine: float
    min_cosine: float

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not as it must be, each with both numbers. NaN fails."""
        found = []
        most = self.limits.max_difference
        if most is not None and not self.max_difference <= most:
            found.append(
                f"no entry of the {self.kind}' rows may differ by more than {most:g}, one "
                f"differs by {self.max_difference:.3g}"
            )
        for what, value, least in (
            ("mean", self.mean_cosine, self.limits.mean_cosine),
            ("least", self.min_cosine, self.limits.min_cosine),
        ):
            if not value >= least:
                found.append(
                    f"the {self.kind}' {what} cosine must be at least {least:g}, it is {value:.6f}"
                )
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What was measured.

    Attributes:
        precisions: Of the stored weights; they decide the limits.
        real_pictures: Whether a person gave the pictures; else they were made here.
        left_out: Files that could not be read as pictures.
        kinds: One entry per kind of row.
        top_1: Share of pictures with the student's nearest name, ties aside; None without texts.
        ties: Pictures whose nearest name differs, but by less than ``TIE`` in cosine.
        names: How many names there were to choose from.
        neighbours: Largest difference of an entry between a row made alone and in a batch.
    """

    precisions: Precisions
    real_pictures: bool
    left_out: int
    kinds: tuple[RowsParity, ...]
    top_1: float | None
    ties: int
    names: int
    neighbours: float

    @property
    def failures(self) -> tuple[str, ...]:
        """What is not as it must be, each with both numbers; empty where all is. NaN fails."""
        found = [failure for kind in self.kinds for failure in kind.failures]
        if self.top_1 is not None and not self.top_1 >= self.precisions.top_1:
            found.append(
                f"{self.precisions.top_1:.0%} of the pictures must keep their nearest name of "
                f"{self.names}, {self.top_1:.1%} do"
            )
        if not self.neighbours <= NEIGHBOURS:
            found.append(
                f"a row may move by {NEIGHBOURS:g} with its neighbours in a batch, one moves by "
                f"{self.neighbours:.3g}"
            )
        return tuple(found)

    def record(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "failures": list(self.failures)}


def measure_parity(
    subject: Subject,
    folder: Path,
    pictures: ParityPictures,
    precisions: Precisions,
) -> Parity:
    """Compare what ``onnx:FOLDER`` says with what the student says in torch.

    Both get the same pictures and texts; each makes its own input of them, as it is told to by its
    own card or settings.

    Raises:
        ModelError: If the folder is no encoder that onnxruntime can run.
        InputError: If the folder's towers are not the student's.
    """
    encoder = OnnxEncoder(folder)
    if (encoder.card.text is None) != (subject.text is None):
        raise InputError(f"{folder}: a text side must be there as in {subject.given}, or not.")
    rows, features = _picture_rows(subject.image, pictures.images)
    prepared = [encoder.prepare(image) for image in pictures.images]
    main = features if _answers_with_features(encoder) else rows
    found = encoder.encode_images(prepared).rows
    few = prepared[:8]
    neighbours = _distance([encoder.encode_images([one]).rows[0] for one in few], found[: len(few)])
    limits = precisions.image_limits
    kinds = [_compared("pictures", found, main, limits)]
    if (folder / VISION_CARD).is_file():
        vision = OnnxEncoder(folder, card_name=VISION_CARD)
        kinds.append(_compared("features", vision.encode_images(prepared).rows, features, limits))
    top_1, ties = None, 0
    if subject.text is not None:
        texts = _text_rows(subject.text, TEXTS)
        found_texts = encoder.encode_texts(TEXTS).rows
        alone = [encoder.encode_texts([text]).rows[0] for text in TEXTS[:4]]
        neighbours = max(neighbours, _distance(alone, found_texts[:4]))
        kinds.append(_compared("texts", found_texts, texts, precisions.text_limits))
        names = slice(0, len(NAMES))
        top_1, ties = agreement(found @ found_texts[names].T, main @ texts[names].T)
    return Parity(
        precisions=precisions,
        real_pictures=pictures.real,
        left_out=pictures.left_out,
        kinds=tuple(kinds),
        top_1=top_1,
        ties=ties,
        names=0 if subject.text is None else len(NAMES),
        neighbours=neighbours,
    )


def agreement(
    found: Float[np.ndarray, "n names"], wanted: Float[np.ndarray, "n names"]
) -> tuple[float, int]:
    """Share of rows with the same largest entry, and how many differ by a tie only.

    A row whose largest entry is elsewhere still agrees where ``wanted`` puts the two places
    within ``TIE`` of each other. NaN agrees with nothing.
    """
    rows = np.arange(len(wanted))
    lead = wanted.max(axis=1) - wanted[rows, found.argmax(axis=1)]
    same = found.argmax(axis=1) == wanted.argmax(axis=1)
    finite = np.isfinite(found).all(axis=1) & np.isfinite(wanted).all(axis=1)
    tied = ~same & (lead <= TIE) & finite
    return float(((same & finite) | tied).mean()), int(tied.sum())


def _compared(
    kind: str,
    found: Float[np.ndarray, "n dim"],
    wanted: Float[np.ndarray, "n dim"],
    limits: ParityLimits,
) -> RowsParity:
    if found.shape != wanted.shape:
        raise InputError(
            f"Parity: the {kind}' rows must have the student's shape {wanted.shape}, they have "
            f"{found.shape}. Was this folder exported from another student?"
        )
    cosines = (found.astype(np.float64) * wanted).sum(axis=1)
    return RowsParity(
        kind=kind,
        limits=limits,
        rows=len(found),
        max_difference=float(np.abs(found - wanted).max()),
        mean_cosine=float(cosines.mean()),
        min_cosine=float(cosines.min()),
    )


def _distance(
    some: Sequence[Float[np.ndarray, " dim"]], others: Float[np.ndarray, "n dim"]
) -> float:
    return float(np.abs(np.stack(some) - others).max())


def _answers_with_features(encoder: OnnxEncoder) -> bool:
    return encoder.card.image is not None and encoder.card.image.output == FEATURE


def _picture_rows(
    tower: ImageTower, images: Sequence[Image.Image]
) -> tuple[Float[np.ndarray, "n dim"], Float[np.ndarray, "n feature_dim"]]:
    """The student's own unit rows, in the shared space and of its feature."""
    import torch

    rows, features = [], []
    with torch.inference_mode():
        for part in _parts(images):
            prepared = [prepare(image, tower.image_input) for image in part]
            answer = tower(torch.from_numpy(normalise(prepared, tower.image_input)))
            rows.append(_array(answer.embeddings))
            features.append(_array(answer.features))
    return unit_rows(np.concatenate(rows)), unit_rows(np.concatenate(features))


def _text_rows(tower: TextTower, texts: Sequence[str]) -> Float[np.ndarray, "n dim"]:
    import torch

    with torch.inference_mode():
        return unit_rows(
            np.concatenate([_array(tower(tower.tokenise(part))) for part in _parts(texts)])
        )


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _PER_PASS):
        yield items[start : start + _PER_PASS]


def _array(tensor: Tensor) -> Float[np.ndarray, ...]:
    return np.asarray(tensor.float().numpy())
