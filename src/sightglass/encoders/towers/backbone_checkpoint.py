"""What backbones in transformers' format have in common, whether they see or read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.checks import require_extra
from sightglass.encoders.hub_checkpoint import CONFIG
from sightglass.encoders.hub_folder import locate_model
from sightglass.encoders.hub_weights import read_headers, weight_files
from sightglass.encoders.quiet import quiet_transformers
from sightglass.encoders.transformers_folder import load_weights
from sightglass.errors import ModelError, first_line

if TYPE_CHECKING:
    from torch import nn

_PURPOSE = "A tower of kind 'transformers'"


def locate_backbone(name: str, *, beside: Iterable[str]) -> Path:
    """The folder with the files of ``name``, which is fetched where it is not on this machine.

    Args:
        name: ``ORG/NAME`` or the path of a folder, with or without ``hf:``.
        beside: Files of which one is needed beside the weights. ``locate_model`` asks for what both
            pictures and texts need, and a backbone is for one of them.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If the model cannot be fetched.
    """
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    bare = name.removeprefix("hf:")
    return _cached(bare, beside) or locate_model(bare)


def load_checked(
    name: str, folder: Path, *, part: Callable[[Any], Any] | None = None
) -> tuple[nn.Module, list[str]]:
    """As ``load_weights``, with our own sentences for pickles and torn files."""
    read_headers(weight_files(folder))
    return load_weights(name, folder, part=part)


def random_weights(
    config: Mapping[str, Any],
    *,
    tower: str,
    part: Callable[[Any], Any] = lambda whole: whole,
) -> nn.Module:
    """A network in fp32 with random weights.

    Args:
        config: As in ``config.json``, ``model_type`` included.
        tower: Who asks, for messages.
        part: Of the configuration, what is to be built.

    Raises:
        MissingExtraError: If transformers is not installed.
        ModelError: If transformers knows no such model.
    """
    require_extra("transformers", extra="train", purpose=_PURPOSE)
    import torch
    from transformers import AutoConfig, AutoModel

    rest = dict(config)
    kind = rest.pop("model_type", None)
    try:
        with quiet_transformers():
            built: nn.Module = AutoModel.from_config(
                part(AutoConfig.for_model(str(kind), **rest)),
                dtype=torch.float32,
                trust_remote_code=False,
            )
    except Exception as error:  # any of a dozen types, by what is wrong
        raise ModelError(
            f"{tower}: transformers cannot build a model of type '{kind}' from this configuration "
            f"({type(error).__name__}: {first_line(error)}). Give what a config.json holds."
        ) from error
    return built


def _cached(name: str, beside: Iterable[str]) -> Path | None:
    """The hub client's cache folder of a backbone, if all that it needs is in it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, CONFIG)
    except HFValidationError:
        return None
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    try:
        weight_files(folder)
    except ModelError:
        return None
    return folder if any((folder / one).is_file() for one in beside) else None
