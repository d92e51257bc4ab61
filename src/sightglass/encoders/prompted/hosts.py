"""The five hosts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.encoders.prompted.cocoop import CoCoOp
from sightglass.encoders.prompted.coop import CoOp
from sightglass.encoders.prompted.maple import MaPLe
from sightglass.encoders.prompted.promptsrc import PromptSRC
from sightglass.encoders.prompted.vpt import VPT
from sightglass.errors import ModelError, unknown_name

if TYPE_CHECKING:
    import torch
    from jaxtyping import Int
    from torch import Tensor

    from sightglass.encoders.prompted.host import PromptHost
    from sightglass.encoders.prompted.towers import ClipTowers

HOST_NAMES = ("coop", "cocoop", "vpt", "maple", "promptsrc")
# Those that put tokens among the patches of a picture.
VISUAL_HOSTS = ("vpt", "maple", "promptsrc")


def build_host(
    name: str,
    towers: ClipTowers,
    context_ids: Int[Tensor, " k"],
    *,
    generator: torch.Generator,
    depth: int | None = None,
) -> PromptHost:
    """The host called ``name`` as it begins, before any step.

    Args:
        name: One of ``HOST_NAMES``.
        towers: The frozen student.
        context_ids: Tokens of "a photo of a".
        generator: Of the processor, whatever device the towers are on: all that is random.
        depth: Blocks with tokens of their own, for VPT, MaPLe and PromptSRC; None for the paper's.

    Raises:
        UnknownNameError: If there is no such host.
        ModelError: If it puts tokens among patches and the student has none.
    """
    if name in VISUAL_HOSTS and not towers.takes_tokens:
        raise no_patches(name)
    deep = {} if depth is None else {"depth": depth}
    host: PromptHost
    if name == "coop":
        host = CoOp(towers, context_ids)
    elif name == "cocoop":
        host = CoCoOp(towers, context_ids, generator=generator)
    elif name == "vpt":
        host = VPT(towers, generator=generator, **deep)
    elif name == "maple":
        host = MaPLe(towers, context_ids, generator=generator, **deep)
    elif name == "promptsrc":
        host = PromptSRC(towers, context_ids, generator=generator, **deep)
    else:
        raise unknown_name("host", name, HOST_NAMES)
    return host.to(towers.device)


def no_patches(host: str) -> ModelError:
    """The error for a host that puts tokens among patches, on a student that has none."""
    return ModelError(
        f"{host}: this host puts tokens among the patches of a ViT, the student's vision tower is "
        f"a ResNet. Choose the host coop or cocoop, or another student."
    )
