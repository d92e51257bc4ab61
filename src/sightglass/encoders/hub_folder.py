"""From ``ORG/NAME`` or a path to a folder on this machine that holds the model's files."""

from __future__ import annotations

from pathlib import Path

from sightglass.encoders.quiet import quiet_hub
from sightglass.errors import ModelError

# Exactly what a run needs: a hub page often holds the same weights in five formats.
WANTED_FILES = (
    "README.md",
    "added_tokens.json",
    "config.json",
    "merges.txt",
    "model-*-of-*.safetensors",
    "model.safetensors",
    "model.safetensors.index.json",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)


def locate_model(name: str) -> Path:
    """The folder with the files of ``name``: itself a folder, or a model of the hub.

    A model that is already on this machine is used as it is; the network is not asked.

    Args:
        name: ``ORG/NAME``, or the path of a folder.

    Raises:
        ModelError: If there is no such folder, or the model is not here and cannot be fetched.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.count("/") > 1 or name.startswith((".", "/", "~")) or "\\" in name or not name:
        raise ModelError(
            f"hf:{name}: a folder with a model is needed, found none there. Give an existing "
            f"folder, or the name of a model on the hub: hf:ORG/NAME."
        )
    with quiet_hub():
        return _cached(name) or _fetched(name)


def _cached(name: str) -> Path | None:
    """The hub's own cache folder of ``name``, if everything that a run needs is in it."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None
    has_weights = (folder / "model.safetensors").exists() or (
        folder / "model.safetensors.index.json"
    ).exists()
    return folder if has_weights and (folder / "config.json").exists() else None


def _fetched(name: str) -> Path:
    """The folder that the hub client fetched ``name`` into."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    from huggingface_hub.utils import is_offline_mode

    if is_offline_mode():
        raise _not_fetched(name, "HF_HUB_OFFLINE is set")
    try:
        return Path(snapshot_download(name, allow_patterns=list(WANTED_FILES)))
    except HFValidationError as error:
        raise _not_fetched(name, "this is not a model's name") from error
    except HfHubHTTPError as error:
        raise _not_fetched(name, _refusal(error.response.status_code)) from error
    except Exception as error:  # the client's network errors have no common public root
        raise _not_fetched(name, "the hub could not be reached") from error


def _refusal(status: int) -> str:
    """What an answer of the hub means, for a person."""
    if status in (401, 404):
        return "the hub knows no such public model"
    if status == 403:
        return "its authors ask for an agreement on the model's page first"
    return f"the hub answered {status}"


def _not_fetched(name: str, reason: str) -> ModelError:
    return ModelError(
        f"hf:{name}: the model is not on this machine and could not be fetched ({reason}). "
        f"Run once with a connection, or give a folder: hf:FOLDER."
    )
