"""A folder in transformers' format as a network: whole, in fp32, and nothing in it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sightglass.encoders.folder_files import check_files, check_weights_are_whole
from sightglass.encoders.hub_checkpoint import CONFIG, read_json
from sightglass.encoders.hub_weights import read_headers, weight_files
from sightglass.encoders.quiet import quiet_transformers
from sightglass.errors import ModelError, first_line


def load_weights(
    name: str, folder: Path, *, part: Callable[[Any], Any] | None = None
) -> tuple[Any, list[str]]:
    """The network in ``folder`` in fp32, and the names of weights that its files lack.

    Only safetensors are opened, and no code that comes with a model is run.

    Args:
        name: For messages.
        folder: With ``config.json`` and weights.
        part: Of the folder's configuration, what is to be loaded; None for all of it.

    Raises:
        ModelError: If the files are damaged or of another kind.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    check_files(folder)
    check_weights_are_whole(folder, read_json(folder / CONFIG) or {})
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            config = {}
            if part is not None:
                config = {"config": part(AutoConfig.from_pretrained(str(folder), **local))}
            model, report = AutoModel.from_pretrained(
                str(folder),
                dtype=torch.float32,  # else the type of the file, which may be half precision
                use_safetensors=True,
                output_loading_info=True,
                **config,
                **local,
            )
    except Exception as error:  # any of a dozen types, by the kind of damage
        if "mismatched" in str(error):
            misfit = _misfit(folder, part) or "some are of others"
            raise ModelError(
                f"{name}: weights of the sizes in {CONFIG} are needed, {misfit}. Fetch "
                f"configuration and weights again."
            ) from error
        raise ModelError(
            f"{name}: transformers cannot load this model "
            f"({type(error).__name__}: {first_line(error)}). Fetch it again."
        ) from error
    return model, sorted(report["missing_keys"])


def _misfit(folder: Path, part: Callable[[Any], Any] | None) -> str | None:
    """The first weight of another shape than the network's; None if no name tells.

    transformers prints them all, in a table that is as quiet as the rest of what it prints.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    stored = read_headers(weight_files(folder))
    with quiet_transformers(), torch.device("meta"):  # shapes alone
        config = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        network = AutoModel.from_config(part(config) if part else config, trust_remote_code=False)
    for name, wanted in network.state_dict().items():
        # Both halves of a model may have a weight that ends alike.
        ending = [key for key in stored if key.endswith("." + name)]
        keys = [name] if name in stored else ending
        if len(keys) == 1 and stored[keys[0]].shape != tuple(wanted.shape):
            return f"'{keys[0]}' must be {tuple(wanted.shape)}, is {stored[keys[0]].shape}"
    return None


def refuse_missing(name: str, missing: Iterable[str], *, unused: tuple[str, ...] = ()) -> None:
    """Raise ModelError if a weight is missing that does not begin with one of ``unused``.

    transformers fills the missing ones with random numbers.
    """
    needed = [key for key in missing if not key.startswith(unused)]
    if needed:
        raise ModelError(
            f"{name}: every weight of the network is needed, missing: {', '.join(needed[:3])}. "
            f"Give a complete checkpoint."
        )
