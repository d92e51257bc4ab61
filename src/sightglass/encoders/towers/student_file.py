"""A student as a folder: weights, how to build its towers, and its tokeniser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightglass.encoders.towers.building import build_image_tower, build_text_tower
from sightglass.encoders.towers.student import DualStudent
from sightglass.errors import ModelError, first_line
from sightglass.whole_files import put_bytes

WEIGHTS = "student.safetensors"
ABOUT = "student.json"


class StudentAbout(BaseModel):
    """What stands beside the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    image: dict[str, Any] = Field(description="settings of the image tower")
    text: dict[str, Any] | None = Field(default=None, description="settings of the text tower")
    vocabulary: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+$",
        description="file of the tokeniser, in the same folder",
    )
    sha256: dict[str, str] = Field(description="of each file beside this one")
    logit_scale: float | None = Field(
        default=None, gt=0, description="for classification; None: the learned contrastive scale"
    )
    learned: dict[str, Any] = Field(default_factory=dict, description="from what, and how")


def write_student(
    folder: Path,
    student: DualStudent,
    *,
    logit_scale: float | None = None,
    learned: Mapping[str, Any] | None = None,
) -> None:
    """Write a student's folder; each file appears whole, the one that names the others last.

    Args:
        folder: Must exist.
        student: Its tensors are written as they are.
        logit_scale: For classification, where it is not the learned one.
        learned: From what and how, for the card of an export.

    Raises:
        ModelError: If a number is not finite.
        ResultsError: If a file cannot be written.
    """
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in student.state_dict().items()
    }
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelError(f"{folder}: '{name}' is not finite. Train with a lower rate.")
    files = {WEIGHTS: save(tensors)}
    vocabulary = None
    if student.text is not None:
        vocabulary, content = student.text.vocabulary_file()
        files[vocabulary] = content
    for name, content in files.items():
        put_bytes(folder / name, content)
    about = StudentAbout(
        image=student.image.settings(),
        text=None if student.text is None else student.text.settings(),
        vocabulary=vocabulary,
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        logit_scale=logit_scale,
        learned=dict(learned or {}),
    )
    put_bytes(folder / ABOUT, about.model_dump_json(indent=1).encode())


def read_about(folder: Path) -> StudentAbout:
    """What the folder's JSON file says.

    Raises:
        ModelError: If there is none, or it is not a student's.
    """
    path = folder / ABOUT
    try:
        return StudentAbout.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder}: a student's folder needs the file {ABOUT}, found none. Give the folder "
            f"that 'sightglass distill encoder' wrote."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ModelError(
            f"{path}: not a student's description: {field}: {first['msg']}."
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: not a readable description ({error}).") from error


def read_student(folder: Path) -> tuple[DualStudent, StudentAbout]:
    """The student in a folder, in ``eval`` mode. Only JSON and numbers are read.

    Raises:
        ModelError: If a file is absent, changed, or does not fit the others.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    about = read_about(folder)
    weights = _checked(folder, WEIGHTS, about)
    text = None
    if about.text is not None:
        if about.vocabulary is None:
            raise ModelError(f"{folder / ABOUT}: a text tower needs a vocabulary, none is named.")
        text = build_text_tower(about.text, _checked(folder, about.vocabulary, about))
    student = DualStudent(build_image_tower(about.image), text)
    try:
        student.load_state_dict(load(weights))
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{folder / WEIGHTS}: not the weights that {ABOUT} describes "
            f"({first_line(error)}). Copy or train it again."
        ) from error
    for parameter in student.parameters():
        if not torch.isfinite(parameter).all():
            raise ModelError(f"{folder / WEIGHTS}: holds numbers that are not finite.")
    return student.eval(), about


def _checked(folder: Path, name: str, about: StudentAbout) -> bytes:
    """The bytes of a file that ``about`` names, if they are the ones that it means."""
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: {ABOUT} names this file, but it cannot be read ({error.strerror})."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    wanted = about.sha256.get(name, "")
    if found != wanted:
        raise ModelError(
            f"{path}: sha256 must be {wanted[:12]}…, is {found[:12]}…. The file is damaged or "
            f"belongs to another student. Copy or train it again."
        )
    return content
