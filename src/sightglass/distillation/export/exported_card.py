"""The cards of an export: what must travel with the graphs, and rows to check them by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from sightglass.encoders.card import EncoderCard, FileEntry, Golden
from sightglass.encoders.onnx import CARD_NAME, OnnxEncoder
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from sightglass.distillation.export.subject import Subject

VISION_CARD = "vision.json"
EMBED, FEATURE = "embed", "feature"
_COLOUR, _SIZE = (200, 40, 40), (300, 200)
_TEXTS = ("a photo of a cat", "a photo of a fire engine")
# A feature is often zero in many places; this many entries hold some that are not.
_STARTS = {EMBED: 6, FEATURE: 16}


def picture_outputs(subject: Subject) -> tuple[str, ...]:
    """Which outputs the image graph has, the one that ``encoder.json`` speaks of first.

    Without a text tower nothing has taught the head into the shared space: the feature speaks.
    """
    if not subject.image.feature_dim:
        return (EMBED,)
    return (FEATURE,) if subject.text is None else (EMBED, FEATURE)


def write_cards(
    folder: Path,
    subject: Subject,
    *,
    files: Mapping[str, Literal["image", "text", "vocabulary"]],
    name: str,
    licence: str,
    source: str,
    notes: str,
) -> None:
    """Write ``encoder.json``, and ``vision.json`` where there is a feature beside the rows.

    Args:
        folder: Holds the files already.
        subject: What was exported.
        files: Their names, and what each is.
        name: Of the model.
        licence: Of the weights.
        source: Where they come from.
        notes: What a person should know.

    Raises:
        ResultsError: If a card cannot be written.
    """
    entries = tuple(_entry(folder / file, role) for file, role in files.items())
    outputs = picture_outputs(subject)
    text = subject.text
    main = EncoderCard(
        name=name,
        source=source,
        licence=licence,
        dim=subject.image.feature_dim if outputs[0] == FEATURE else subject.image.dim,
        logit_scale=subject.logit_scale,
        logit_bias=subject.logit_bias,
        image=subject.image.image_input.model_copy(update={"output": outputs[0]}),
        text=None if text is None else text.text_input.model_copy(update={"output": EMBED}),
        files=entries,
        notes=notes,
    )
    cards = {CARD_NAME: main}
    if len(outputs) > 1:
        cards[VISION_CARD] = EncoderCard(
            name=f"{name}:vision",
            source=source,
            licence=licence,
            dim=subject.image.feature_dim,
            image=subject.image.image_input.model_copy(update={"output": FEATURE}),
            files=tuple(entry for entry in entries if entry.role == "image"),
            notes=f"Pictures only. The features that the rows of {name} are made from.",
        )
    for file, card in cards.items():
        _write(folder / file, card)


def add_golden(folder: Path) -> None:
    """Add to each card of an export the beginnings of rows that it gives here.

    The fingerprint stays as it is.

    Raises:
        ModelError: If the export cannot be run.
        ResultsError: If a card cannot be written.
    """
    for file in (CARD_NAME, VISION_CARD):
        if not (folder / file).is_file():
            continue
        encoder = OnnxEncoder(folder, card_name=file)
        assert encoder.card.image is not None
        count = _STARTS[encoder.card.image.output or EMBED]
        picture = encoder.prepare(Image.new("RGB", _SIZE, _COLOUR))
        row = encoder.encode_images([picture]).rows[0]
        golden = [Golden(colour=_COLOUR, picture_size=_SIZE, starts=_rounded(row[:count]))]
        if encoder.card.text is not None:
            rows = encoder.encode_texts(_TEXTS).rows
            golden += [
                Golden(text=text, starts=_rounded(row[:count]))
                for text, row in zip(_TEXTS, rows, strict=True)
            ]
        _write(folder / file, encoder.card.model_copy(update={"golden": tuple(golden)}))


def _entry(path: Path, role: Literal["image", "text", "vocabulary"]) -> FileEntry:
    content = path.read_bytes()
    return FileEntry(
        name=path.name, role=role, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )


def _rounded(row: Float[np.ndarray, " count"]) -> tuple[float, ...]:
    """Five decimals: a twentieth of the tolerance."""
    return tuple(round(float(entry), 5) for entry in row)


def _write(path: Path, card: EncoderCard) -> None:
    put_bytes(path, (card.model_dump_json(indent=2, exclude_none=True) + "\n").encode())
