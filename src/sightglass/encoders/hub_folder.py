"""From ``ORG/NAME`` or a path to a folder on this machine that holds the model's files."""

from __future__ import annotations

from pathlib import Path

from sightglass.encoders.hub_checkpoint import CONFIG, VISION_TYPES, is_open_clip, read_json
from sightglass.encoders.hub_weights import weight_files
from sightglass.encoders.open_clip_format import OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS
from sightglass.encoders.quiet import quiet_hub
from sightglass.errors import ModelError

# Exactly what a run needs: a hub page often holds the same weights in five formats.
_SMALL_FILES = (
    "README.md",
    "added_tokens.json",
    CONFIG,
    "merges.txt",
    OPEN_CLIP_CONFIG,
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
_WEIGHTS = ("model-*-of-*.safetensors", "model.safetensors", "model.safetensors.index.json")


def locate_model(name: str) -> Path:
    """The folder with the files of ``name``: itself a folder, or a model of the hub.

    A model that is already on this machine is used as it is; the network is not asked.

    Args:
        name: ``ORG/NAME``, or the path of a folder.

    Raises:
        ModelError: If there is no such folder, or the model is not here and cannot be fetched.
    """
    folder = Path(name)
    try:
        if name and folder.is_dir():
            return folder
    except (OSError, ValueError) as error:
        raise ModelError(f"hf:{name[:60]}…: no folder or model can have this name.") from error
    if not name or name.count("/") > 1 or name.startswith((".", "/", "~")) or "\\" in name:
        raise ModelError(
            f"hf:{name}: a folder with a model is needed, found none there. Give an existing "
            f"folder, or the name of a model on the hub: hf:ORG/NAME."
        )
    with quiet_hub():
        return _cached(name) or _fetched(name)


def _cached(name: str) -> Path | None:
    """The hub client's cache folder of ``name``, if all that a run needs is in it.

    Another program may have fetched the weights only; then the rest is still to be fetched.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(name, file) for file in (CONFIG, OPEN_CLIP_CONFIG)]
    except HFValidationError as error:
        raise _not_fetched(name, "this is not a model's name") from error
    for config in found:
        if isinstance(config, str) and _is_complete(Path(config).parent):
            return Path(config).parent
    return None


def _is_complete(folder: Path) -> bool:
    has_tokenizer = (folder / "tokenizer_config.json").is_file()
    try:
        if is_open_clip(folder):
            return has_tokenizer and bool(weight_files(folder, whole=OPEN_CLIP_WEIGHTS))
        weight_files(folder)
        config = read_json(folder / CONFIG) or {}
    except ModelError:
        return False
    processors = ("preprocessor_config.json", "processor_config.json")
    return any((folder / name).is_file() for name in processors) and (
        config.get("model_type") in VISION_TYPES or has_tokenizer
    )


def _fetched(name: str) -> Path:
    """The folder that the hub client fetched ``name`` into."""
    from huggingface_hub import is_offline_mode, snapshot_download

    if is_offline_mode():
        raise _not_fetched(name, "HF_HUB_OFFLINE is set")

    def fetch(*patterns: str, revision: str | None = None) -> Path:
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))

    try:
        folder = fetch(*_SMALL_FILES)
        # Which weights are wanted is known only now; they must be of the same revision.
        if not is_open_clip(folder):
            fetch(*_WEIGHTS, revision=folder.name)
        if (folder / OPEN_CLIP_CONFIG).is_file() and not _has_weights(folder):
            fetch(OPEN_CLIP_WEIGHTS, revision=folder.name)
    except ModelError:
        raise
    except Exception as error:  # the client's errors have no common public root
        raise _not_fetched(name, _reason(error)) from error
    return folder


def _has_weights(folder: Path) -> bool:
    """Whether the weights in transformers' form are there."""
    try:
        return not is_open_clip(folder) and bool(weight_files(folder))
    except ModelError:
        return False


def _reason(error: Exception) -> str:
    """Why the client failed, for a person. An answer of the hub may lie one error deeper."""
    for candidate in (error, error.__cause__):
        response = getattr(candidate, "response", None)
        if response is not None:
            return _refusal(response.status_code)
    return "the hub could not be reached"


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
