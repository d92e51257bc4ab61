"""Learned prompts as a file: the tensors, and what they were learned on and from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightglass.checks import require_extra
from sightglass.encoders.hub_weights import read_headers
from sightglass.errors import ModelError, closest
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    from jaxtyping import Float32

    from sightglass.encoders.prompted.host import PromptHost

FILE_NAME = "prompts.safetensors"
FORMAT = 1  # raise when an older reader would misunderstand a file
_KEY = "sightglass"


class PromptsAbout(BaseModel):
    """What stands beside the tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    host: str = Field(pattern=r"^(coop|cocoop|vpt|maple|promptsrc)$")
    depth: int | None = Field(
        default=None, ge=1, description="blocks with tokens of their own; None: the paper's"
    )
    prefix: str = Field(min_length=1, description="the words that a name follows")
    student: str = Field(
        pattern=r"^hf:[^\x00-\x1f\x7f]+$",
        max_length=1_000,
        description="the checkpoint, as it was given",
    )
    student_fingerprint: str = Field(description="of the checkpoint's card, in fp32")
    class_names: tuple[str, ...] = Field(
        default=(), description="those it learned from; empty where a vocabulary was used"
    )
    teacher: str
    loss: str
    epochs: int = Field(ge=0)
    seed: int
    pictures: int = Field(ge=0, description="how many it learned from")
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPrompts:
    """What a prompt file holds.

    Attributes:
        about: What the prompts were learned on and from.
        tensors: By name, as a host's ``state_dict`` has them.
        sha256: Of the whole file, 64 hex digits.
        size: Of the whole file, in bytes.
    """

    about: PromptsAbout
    tensors: Mapping[str, Float32[np.ndarray, ...]]
    sha256: str
    size: int


def write_prompts(path: Path, host: PromptHost, *, about: PromptsAbout) -> None:
    """Write what ``host`` learned, whole or not at all.

    Args:
        path: A ``.safetensors`` file; what is there is replaced.
        host: Its parameters are written as float32.
        about: What goes into the file's metadata; its ``host`` is that of ``host``.

    Raises:
        ModelError: If a number is not finite, or ``about`` speaks of another host.
        ResultsError: If the file cannot be written.
    """
    if about.host != host.name:
        raise ModelError(f"{path}: about must speak of {host.name}, got {about.host}.")
    tensors = {
        name: np.ascontiguousarray(tensor.detach().float().cpu().numpy())
        for name, tensor in host.state_dict().items()
    }
    _check_finite(path, tensors, "Learn them again with a lower rate.")
    writer = _safetensors("Writing prompts", ".numpy")
    put_bytes(path, writer.save(tensors, metadata={_KEY: about.model_dump_json()}))


def prompt_file(path: Path) -> Path:
    """The prompt file that ``path`` means: itself, or the one in a folder that a run wrote."""
    return path / FILE_NAME if path.is_dir() else path


def read_prompts(path: Path) -> StoredPrompts:
    """The prompts in a file. Only JSON and numbers are read: nothing in a file is executed.

    Raises:
        ModelError: If there is none, or it is damaged, of something else, or of a newer format.
        MissingExtraError: If safetensors is not installed.
    """
    if not path.is_file():
        raise ModelError(f"prompts:{path}: a prompt file is needed, found none there.{_near(path)}")
    format_library = _safetensors(f"The encoder 'prompts:{path}'")
    try:
        with format_library.safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
        about = _about(path, metadata)
        stored = read_headers((path,))
        foreign = sorted(name for name, one in stored.items() if one.dtype != "F32")
        if foreign:
            raise ModelError(
                f"{path}: prompts are numbers of 32 bits (F32), '{foreign[0]}' has "
                f"{stored[foreign[0]].dtype}. Learn them again, or write them with write_prompts."
            )
        raw = path.read_bytes()
        tensors = _safetensors("", ".numpy").load(raw)
    except (OSError, format_library.SafetensorError) as error:
        raise ModelError(
            f"{path}: not a complete safetensors file ({error}). Copy or learn it again."
        ) from error
    _check_finite(path, tensors, "Copy or learn them again.")
    return StoredPrompts(
        about=about, tensors=tensors, sha256=hashlib.sha256(raw).hexdigest(), size=len(raw)
    )


def fill_host(host: PromptHost, stored: StoredPrompts, *, where: str) -> None:
    """Put stored tensors into a host that was just built.

    Args:
        host: As ``build_host`` makes it for the stored name and depth.
        stored: From ``read_prompts``.
        where: What an error begins with.

    Raises:
        ModelError: If a tensor is missing, superfluous, or of another shape.
    """
    import torch

    wanted = {name: tuple(tensor.shape) for name, tensor in host.state_dict().items()}
    found = {name: tensor.shape for name, tensor in stored.tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            needed, got = (
                f"a tensor of shape {shapes[name]}" if name in shapes else "none"
                for shapes in (wanted, found)
            )
            raise ModelError(
                f"{where}: prompts of {stored.about.host} on this student have {needed} as "
                f"'{name}', found {got}. Copy or learn them again."
            )
    host.load_state_dict({name: torch.tensor(array) for name, array in stored.tensors.items()})


def _about(path: Path, metadata: Mapping[str, str]) -> PromptsAbout:
    """The description in a file's metadata."""
    if _KEY not in metadata:
        raise ModelError(
            f"{path}: a file that 'sightglass distill prompts' wrote is needed, this safetensors "
            f"file says nothing of prompts. Give another file."
        )
    try:
        described: Any = json.loads(metadata[_KEY])
        number = described["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path}: its description is damaged. Copy or learn it again.") from error
    if isinstance(number, int) and number > FORMAT:
        raise ModelError(
            f"{path}: prompts of format {FORMAT} can be read, these are of format {number}. "
            f"Install a newer version of sightglass."
        )
    try:
        return PromptsAbout.model_validate(described)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ModelError(
            f"{path}: its description is damaged ({field}: {first['msg']}). Copy or learn it again."
        ) from error


def _check_finite(path: Path, tensors: Mapping[str, np.ndarray], advice: str) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path}: prompts are finite numbers, '{name}' has others. {advice}")


def _near(path: Path) -> str:
    """The file in the same folder whose name is most like it, as a sentence."""
    folder = path.parent
    try:
        beside = sorted(one.name for one in folder.iterdir() if one.suffix == path.suffix)
    except OSError:
        return f" There is no folder {folder} either; check the path."
    near = closest(path.name, beside)
    return " Check the path." if near is None else f" Did you mean '{folder / near}'?"


def _safetensors(purpose: str, module: str = "") -> Any:
    return require_extra(f"safetensors{module}", extra="hub", purpose=purpose)
