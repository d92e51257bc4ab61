"""Where a training run stands, and the file that it goes on from after a cut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sightglass.errors import InputError, ModelError
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from sightglass.encoders.prompted.host import PromptHost

_KEY, _DIGEST = "sightglass", "sha256"
_READABLE = 40  # a digest is longer, and so are most lists


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """Everything that the next step depends on, besides the settings.

    Attributes:
        epoch: The one that is going on, from 0.
        step: Steps of it that are done.
        running_loss: Their sum.
        losses: The mean loss of every epoch that is done.
        average: Of PromptSRC, the weighted sum of the epochs that are done; else empty.
    """

    epoch: int = 0
    step: int = 0
    running_loss: float = 0.0
    losses: list[float] = field(default_factory=list)
    average: dict[str, Tensor] = field(default_factory=dict)


def save_state(
    path: Path,
    state: TrainingState,
    host: PromptHost,
    optimiser: torch.optim.SGD,
    *,
    identity: Mapping[str, Any],
) -> None:
    """Write all of it into a file that takes ``path``'s place whole.

    Args:
        path: The checkpoint's.
        state: Where the run stands.
        host: The learned tensors.
        optimiser: For its momentum.
        identity: What makes this run another than others.
    """
    from safetensors.torch import save

    tensors = {f"host.{name}": tensor for name, tensor in host.state_dict().items()}
    for name, parameter in host.named_parameters():
        momentum = optimiser.state[parameter].get("momentum_buffer")
        if momentum is not None:
            tensors[f"momentum.{name}"] = momentum
    tensors |= {f"average.{name}": tensor for name, tensor in state.average.items()}
    about = {
        "identity": dict(identity),
        "epoch": state.epoch,
        "step": state.step,
        # JSON keeps every bit of a Python float.
        "running_loss": state.running_loss,
        "losses": state.losses,
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(about)
    put_bytes(path, save(plain, metadata={_KEY: text, _DIGEST: _digest(text, plain)}))


def restore_state(
    path: Path,
    host: PromptHost,
    optimiser: torch.optim.SGD,
    *,
    identity: Mapping[str, Any],
) -> TrainingState:
    """Put the tensors of ``path`` back where they were, and say where the run stands.

    Without such a file the run stands at its beginning, and nothing is changed.

    Raises:
        InputError: If the file is another run's.
        ModelError: If it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return TrainingState()
    try:
        with safe_open(path, framework="pt") as stored:
            text, digest = (stored.metadata()[key] for key in (_KEY, _DIGEST))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        if digest != _digest(text, tensors):
            raise ValueError(digest)
        about = json.loads(text)
        state = TrainingState(
            epoch=int(about["epoch"]),
            step=int(about["step"]),
            running_loss=float(about["running_loss"]),
            losses=[float(loss) for loss in about["losses"]],
            average=_part(tensors, "average.", host),
        )
        before = dict(about["identity"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: not a complete checkpoint ({type(error).__name__}). Delete it to begin anew."
        ) from error
    now = json.loads(json.dumps(dict(identity)))
    if before != now:
        raise InputError(
            f"{path}: a run is to go on with the settings that it began with, these are others: "
            f"{', '.join(_differing(before, now))}. Choose another --out, or delete the file to "
            f"begin anew."
        )
    try:
        host.load_state_dict(_part(tensors, "host.", host))
    except RuntimeError as error:
        raise ModelError(f"{path}: not this host's tensors. Delete it to begin anew.") from error
    momenta = _part(tensors, "momentum.", host)
    for name, parameter in host.named_parameters():
        if name in momenta:
            optimiser.state[parameter]["momentum_buffer"] = momenta[name]
    return state


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Hex digest of all that a checkpoint holds: one changed bit would be another run's prompts."""
    total = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        total.update(tensor.numpy().tobytes())
    return total.hexdigest()


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same, with both values where a person can read them."""
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if old != new:
            readable = max(len(str(old)), len(str(new))) <= _READABLE
            found.append(f"{key} ({old} then, {new} now)" if readable else key)
    return found


def _part(tensors: Mapping[str, Tensor], prefix: str, host: PromptHost) -> dict[str, Tensor]:
    """The tensors whose names begin so, without the beginning, on the host's device."""
    device = next(host.parameters()).device
    return {
        name.removeprefix(prefix): tensor.to(device)
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
