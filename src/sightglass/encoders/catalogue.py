"""Encoders worth naming: the bundled one, and well-known ones that a model hub holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# name, both sides?, parameters in millions (each four bytes), licence, what for
_HUB = (
    (
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        True,
        151.3,
        "MIT",
        "CLIP B/32 at 256 px, 72.8 % on ImageNet: the best of its speed",
    ),
    ("openai/clip-vit-base-patch32", True, 151.3, "MIT (code)", "the CLIP of most papers, 63.3 %"),
    ("openai/clip-vit-large-patch14", True, 427.6, "MIT (code)", "larger and slower, 75.5 %"),
    ("timm/resnet50_clip.openai", True, 102.0, "MIT (code)", "CLIP with a ResNet, 59.8 %"),
    ("google/siglip2-base-patch16-224", True, 375.2, "Apache-2.0", "many languages, 78.2 %"),
    ("facebook/dinov2-small", False, 22.1, "Apache-2.0", "vision only"),
    ("facebook/dinov2-base", False, 86.6, "Apache-2.0", "vision only, the one of method A"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One line of ``sightglass models``.

    Attributes:
        name: As ``--model`` takes it.
        sides: ``image + text`` or ``image``.
        megabytes: Size of the download, or on disk for what is bundled; None where there is none.
        licence: Of the weights, as their publisher says.
        present: Whether it is on this machine.
        what: For a person. Percentages are published ImageNet zero-shot top-1.
    """

    name: str
    sides: str
    megabytes: float | None
    licence: str
    present: bool
    what: str


def known_models() -> list[KnownModel]:
    """The bundled encoders first, then those of the hub."""
    from sightglass.encoders.registry import MINI_FOLDER, load_encoder

    card = load_encoder("mini").card
    bundled = [
        KnownModel(
            name="mini",
            sides="image + text",
            megabytes=card.bytes / 1e6,
            licence=card.licence.partition(";")[0],
            present=all((MINI_FOLDER / entry.name).exists() for entry in card.files),
            what="bundled, works offline; small, so weak far from everyday things",
        ),
        KnownModel(
            name="mini:vision",
            sides="image",
            megabytes=load_encoder("mini:vision").card.bytes / 1e6,
            licence=card.licence.partition(";")[0],
            present=(MINI_FOLDER / card.files[0].name).exists(),
            what="mini's features, to compare pictures with pictures; the same file as mini's",
        ),
        KnownModel(
            name="synthetic:colours",
            sides="image + text",
            megabytes=None,
            licence="Apache-2.0",
            present=True,
            what="knows colours only: for tests and demonstrations",
        ),
    ]
    hub = [
        KnownModel(
            name=f"hf:{name}",
            sides="image + text" if both else "image",
            megabytes=millions * 4,
            licence=licence,
            present=_is_cached(name),
            what=what,
        )
        for name, both, millions, licence, what in _HUB
    ]
    return bundled + hub


def hub_cache() -> Path:
    """Where Hugging Face libraries keep downloaded models, by their own environment variables."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"])
    if "HF_HOME" in os.environ:
        return Path(os.environ["HF_HOME"]) / "hub"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "huggingface" / "hub"


def _is_cached(name: str) -> bool:
    folder = hub_cache() / f"models--{name.replace('/', '--')}" / "snapshots"
    return any(folder.glob("*/*.safetensors"))
