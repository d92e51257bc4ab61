"""From a student to a folder that ``onnx:FOLDER`` reads, once it gives the student's rows."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

from sightglass.distillation.export.exported_card import (
    VISION_CARD,
    add_golden,
    picture_outputs,
    write_cards,
)
from sightglass.distillation.export.parity import measure_parity
from sightglass.distillation.export.parity_inputs import given_pictures, made_pictures
from sightglass.distillation.export.parity_limits import Precisions
from sightglass.distillation.export.subject import read_subject
from sightglass.distillation.export.weights import reduce_weights
from sightglass.distillation.export.whole_folder import check_replaceable, whole_folder
from sightglass.encoders.onnx import CARD_NAME
from sightglass.errors import ModelError
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    from sightglass.distillation.export.parity import Parity
    from sightglass.distillation.export.subject import Subject

PARITY = "parity.json"
_IMAGE, _TEXT = "image.onnx", "text.onnx"
_VOCABULARIES = ("tokenizer.json", "vocab.txt")
OWN_FILES = frozenset({CARD_NAME, VISION_CARD, PARITY, _IMAGE, _TEXT, *_VOCABULARIES})
_LIBRARIES = ("sightglass", "torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the card says for a person; None: what the student or the folder's name says.

    Attributes:
        name: Of the model.
        licence: Of the weights.
        source: Where the weights come from.
        notes: What the model is weak at, what it must not be used for.
    """

    name: str | None = None
    licence: str | None = None
    source: str | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        folder: For ``--model onnx:FOLDER``.
        sizes: Bytes of each file that holds weights or words.
        parity: What was measured before.
        licence: As the card has it.
    """

    folder: Path
    sizes: dict[str, int]
    parity: Parity
    licence: str


def export(
    student: str,
    out: Path,
    *,
    precisions: Precisions | None = None,
    pictures: Sequence[str] = (),
    label: Label = Label(),
) -> Exported:
    """Write ``student`` as an encoder folder, if what is written gives the student's rows.

    The folder takes its place whole, an earlier export's too. After an error it is as it was.

    Args:
        student: A folder that ``sightglass distill encoder`` wrote, ``hf:ORG/NAME`` or
            ``hf:FOLDER``.
        out: New, or an earlier export.
        precisions: Of the stored weights; None: fp32. Sums are always taken in fp32.
        pictures: Files, folders and patterns to compare on; none: pictures are made.
        label: For the card.

    Raises:
        ModelError: If the student is damaged, cannot be written as a graph, or the export's rows
            are not the student's.
        InputError: If ``out`` is not to be replaced, or there are no pictures.
        ResultsError: If a file cannot be written.
        MissingExtraError: If a library is not installed.
    """
    precisions = precisions or Precisions()
    check_replaceable(out, OWN_FILES, marker=PARITY)
    tried = given_pictures(pictures) if pictures else made_pictures()
    subject = read_subject(student)
    licence = label.licence or subject.licence
    with whole_folder(out, OWN_FILES, marker=PARITY) as part:
        files = _write_files(part, subject, precisions)
        write_cards(
            part,
            subject,
            files=files,
            name=label.name or out.resolve().name,
            licence=licence,
            source=label.source or subject.source,
            notes=label.notes,
        )
        parity = measure_parity(subject, part, tried, precisions)
        if parity.failures:
            raise ModelError(
                f"{out}: an export must give the student's rows, this one does not: "
                f"{'; '.join(parity.failures)}. Nothing was written. {_advice(precisions)}"
            )
        add_golden(part)
        sizes = {file: (part / file).stat().st_size for file in files}
        record = {
            "student": subject.source,
            "files": sizes,
            "versions": {library: version(library) for library in _LIBRARIES},
            "machine": platform.machine(),
            **parity.record(),
        }
        put_bytes(part / PARITY, (json.dumps(record, indent=2) + "\n").encode())
    return Exported(folder=out, sizes=sizes, parity=parity, licence=licence)


def verify(
    student: str,
    folder: Path,
    *,
    precisions: Precisions | None = None,
    pictures: Sequence[str] = (),
) -> Parity:
    """Compare an export with its student again; nothing is written.

    Args:
        student: As for ``export``.
        folder: The export.
        precisions: Whose limits hold; None: those that the export names itself, and where it names
            none, fp32, whose limits are the narrowest.
        pictures: As for ``export``.

    Raises:
        ModelError: If either is damaged.
        InputError: If they have other towers, or there are no pictures.
        MissingExtraError: If a library is not installed.
    """
    tried = given_pictures(pictures) if pictures else made_pictures()
    limits = precisions or recorded_precisions(folder)
    return measure_parity(read_subject(student), folder, tried, limits)


def recorded_precisions(folder: Path) -> Precisions:
    """What the parity report beside an export says of its weights; fp32 where it says nothing."""
    try:
        recorded = json.loads((folder / PARITY).read_text(encoding="utf-8"))["precisions"]
        return TypeAdapter(Precisions).validate_python(recorded)
    except (OSError, ValueError, KeyError, TypeError):
        return Precisions()


def _advice(precisions: Precisions) -> str:
    if precisions.image == precisions.text == "fp32":
        return "Look in the towers for what a graph cannot do as torch does it."
    return "Choose a --precision with more bits."


def _write_files(
    folder: Path, subject: Subject, precisions: Precisions
) -> dict[str, Literal["image", "text", "vocabulary"]]:
    """Graphs and vocabulary; for each file, what it is."""
    from sightglass.distillation.export.graphs import image_graph, text_graph

    image = image_graph(subject.image, picture_outputs(subject), where=subject.given)
    put_bytes(folder / _IMAGE, reduce_weights(image, precisions.image).SerializeToString())
    if subject.text is None:
        return {_IMAGE: "image"}
    text = text_graph(subject.text, where=subject.given)
    put_bytes(folder / _TEXT, reduce_weights(text, precisions.text).SerializeToString())
    name, content = subject.text.vocabulary_file()
    put_bytes(folder / name, content)
    return {_IMAGE: "image", _TEXT: "text", name: "vocabulary"}
