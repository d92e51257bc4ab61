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
from sightglass.errors import ModelError

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


def load_weights(
    name: str, folder: Path, *, part: Callable[[Any], Any] = lambda whole: whole
) -> tuple[nn.Module, list[str]]:
    """The network in ``folder`` in fp32, and the names of weights that its files lack.

    Only safetensors are opened, and no code that comes with a model is run.

    Args:
        name: For messages.
        folder: What ``locate_backbone`` gave.
        part: Of the folder's configuration, what is to be loaded.

    Raises:
        ModelError: If the files are damaged or of another kind.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    read_headers(weight_files(folder))  # with our own sentences for pickles and torn files
    try:
        with quiet_transformers():
            whole = AutoConfig.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            model, report = AutoModel.from_pretrained(
                str(folder),
                config=part(whole),
                dtype=torch.float32,  # else the type of the file, which may be half precision
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # any of a dozen types, by the kind of damage
        raise ModelError(
            f"{name}: transformers cannot load this model "
            f"({type(error).__name__}: {first_line(error)}). Fetch it again."
        ) from error
    return model, sorted(report["missing_keys"])


def refuse_missing(name: str, missing: Iterable[str], *, unused: tuple[str, ...]) -> None:
    """Raise ModelError if a weight is missing that does not begin with one of ``unused``."""
    needed = [key for key in missing if not key.startswith(unused)]
    if needed:
        raise ModelError(
            f"{name}: every weight of the network is needed, missing: {', '.join(needed[:3])}. "
            f"Give a complete checkpoint."
        )


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


def first_line(error: Exception) -> str:
    """What a library's error says first."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


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
