"""Where a training run stands, and the file that it goes on from after a cut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sightglass.errors import InputError, ModelError
from sightglass.whole_files import put_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

_KEY, _DIGEST = "sightglass", "sha256"
_READABLE = 40  # a digest is longer, and so are most lists
_RANDOM = "random"


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """Where the loop stands.

    Attributes:
        step: Steps of the whole run that are done.
        steps_of_stretch: Those of the stretch (an epoch, a phase) that is going on.
        running_loss: Their sum.
        losses: The mean loss of every stretch that is done.
        memory: What else the next step depends on and JSON can hold, such as places in the data.
    """

    step: int = 0
    steps_of_stretch: int = 0
    running_loss: float = 0.0
    losses: list[float] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)


def save_state(
    path: Path,
    state: TrainingState,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    identity: Mapping[str, Any],
) -> None:
    """Write all of it into a file that takes ``path``'s place whole.

    Args:
        path: The checkpoint's.
        state: Where the run stands.
        module: Every tensor that changes while it is trained, learned or counted.
        optimiser: For what it keeps of each parameter.
        identity: What makes this run another than others.
    """
    from safetensors.torch import save

    tensors = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    for name, parameter in module.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimiser.{key}.{name}"] = value
    tensors[_RANDOM] = torch.get_rng_state()
    # JSON keeps every bit of a Python float.
    text = json.dumps({"identity": dict(identity), "state": asdict(state)})
    # A copy each: tensors that share memory, as tied weights do, cannot be written as they are.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    put_bytes(path, save(plain, metadata={_KEY: text, _DIGEST: _digest(text, plain)}))


def restore_state(
    path: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    identity: Mapping[str, Any],
) -> TrainingState:
    """Put the tensors of ``path`` back where they were, and say where the run stands.

    Without such a file the run stands at its beginning, and nothing is changed.

    Raises:
        InputError: If the file is another run's, or is a folder, a pipe or a device.
        ModelError: If it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return TrainingState()
    if not path.is_file():
        raise InputError(
            f"{path}: checkpoints are written to a file of this name, this is none. Move it away, "
            f"or choose another --out."
        )
    try:
        with safe_open(path, framework="pt") as stored:
            text, digest = (stored.metadata()[key] for key in (_KEY, _DIGEST))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        if digest != _digest(text, tensors):
            raise ValueError(digest)
        about = json.loads(text)
        place = about["state"]
        state = TrainingState(
            step=int(place["step"]),
            steps_of_stretch=int(place["steps_of_stretch"]),
            running_loss=float(place["running_loss"]),
            losses=[float(loss) for loss in place["losses"]],
            memory=dict(place["memory"]),
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
        module.load_state_dict(_part(tensors, "module."))
    except RuntimeError as error:
        raise ModelError(f"{path}: not this model's tensors. Delete it to begin anew.") from error
    parameters = dict(module.named_parameters())
    for name, tensor in _part(tensors, "optimiser.").items():
        key, _, parameter = name.partition(".")
        owner = parameters[parameter]
        # A count of steps is a scalar that torch keeps where it was made.
        optimiser.state[owner][key] = tensor.to(owner.device) if tensor.ndim else tensor
    torch.set_rng_state(tensors[_RANDOM])
    return state


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Hex digest of all that a checkpoint holds: one changed bit would be another run's result."""
    total = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
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


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without the beginning."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
