"""From a name to an encoder: ``mini``, ``onnx:FOLDER``, ``hf:NAME``, ``prompts:FILE``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sightglass.errors import ModelError, UnknownNameError, closest, unknown_name

if TYPE_CHECKING:
    from sightglass.encoders.contract import DualEncoder, ImageEncoder

MINI_FOLDER = Path(__file__).parent / "mini"


def _mini(rest: str) -> ImageEncoder:
    from sightglass.encoders.onnx import OnnxEncoder

    cards = {"": "encoder.json", "vision": "vision.json"}
    if rest not in cards:
        raise unknown_name("encoder", f"mini:{rest}", ["mini", "mini:vision"])
    return OnnxEncoder(MINI_FOLDER, card_name=cards[rest])


def _onnx(rest: str) -> DualEncoder:
    from sightglass.encoders.onnx import OnnxEncoder

    path = Path(rest)
    # A folder may describe several outputs of its networks, each by a card.
    return (
        OnnxEncoder(path.parent, card_name=path.name)
        if path.suffix == ".json"
        else OnnxEncoder(path)
    )


def _hub(rest: str) -> ImageEncoder:
    from sightglass.encoders.hub import load_hub_encoder

    return load_hub_encoder(rest)


def _prompts(rest: str) -> DualEncoder:
    from sightglass.encoders.prompts import load_prompts_encoder

    return load_prompts_encoder(rest)


def _synthetic(rest: str) -> DualEncoder:
    from sightglass.encoders.synthetic import SyntheticEncoder

    if rest != "colours":
        raise unknown_name("encoder", f"synthetic:{rest}", ["synthetic:colours"])
    return SyntheticEncoder()


# source -> (loader, how a whole name looks)
SOURCES: dict[str, tuple[Callable[[str], ImageEncoder], str]] = {
    "mini": (_mini, "mini"),
    "onnx": (_onnx, "onnx:FOLDER"),
    "hf": (_hub, "hf:ORG/NAME or hf:FOLDER"),
    "prompts": (_prompts, "prompts:FILE"),
    "synthetic": (_synthetic, "synthetic:colours"),
}


def load_encoder(name: str) -> ImageEncoder:
    """The encoder called ``name``; see ``SOURCES`` for the forms.

    Everything after the first colon belongs to the source and is not looked at here.

    Raises:
        UnknownNameError: If no source has this name; says the closest known one.
        ModelError: If the model's files are absent, damaged, or cannot be fetched.
        MissingExtraError: If the source needs an optional installation.
    """
    source, _, rest = name.partition(":")
    if source in SOURCES:
        return SOURCES[source][0](rest)
    forms = [form for _, form in SOURCES.values()]
    near = closest(source, SOURCES)
    if near is None and ("/" in name or Path(name).exists()):
        near = _kind_of(Path(name))
        hint = f" Did you mean '{near}:{name}'?"
    else:
        hint = f" Did you mean '{SOURCES[near][1]}'?" if near else ""
    raise UnknownNameError(f"Unknown encoder '{name}'.{hint} Known: {', '.join(forms)}.")


def _kind_of(path: Path) -> str:
    """The source that a path given without one most likely belongs to."""
    if path.is_file() and path.suffix == ".safetensors":
        return "prompts"
    return "onnx" if (path / "encoder.json").exists() else "hf"


def load_dual_encoder(name: str) -> DualEncoder:
    """The encoder called ``name``, which must have both an image and a text side.

    Raises:
        ModelError: If one side is missing: classes given by name need both.
    """
    from sightglass.encoders.contract import DualEncoder

    encoder = load_encoder(name)
    if not isinstance(encoder, DualEncoder) or encoder.card.text is None:
        raise ModelError(
            f"{name}: classifying by name needs an encoder with a text side, this one has only an "
            f"image side. Choose another with --model; 'sightglass models' lists them."
        )
    if encoder.card.image is None:
        raise ModelError(f"{name}: this encoder has no image side.")
    return encoder
