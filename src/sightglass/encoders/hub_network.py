"""A hub model in torch: loaded once, run row by row."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.checks import require_extra
from sightglass.encoders.card import Precision
from sightglass.encoders.graphics_card import choose_device
from sightglass.encoders.hub_checkpoint import Checkpoint
from sightglass.encoders.rows import Inputs, RowByRow
from sightglass.encoders.transformers_folder import load_weights, refuse_missing

if TYPE_CHECKING:
    import torch

# Inputs per pass on a processor; one picture alone waits for as many. fp32 gains nothing from more,
# bf16 is a fifth faster so. A graphics card needs more: as many as a batch has by default, for a
# larger pass would be filled with copies.
PICTURES_PER_PASS: dict[Precision, int] = {"fp32": 4, "bf16": 16}
# A reference decides near ties, of which a batch has one or none: filling a pass of 4 with copies
# took 2.2 times as long as one alone (ViT-B/32's size, one thread).
PICTURES_PER_PASS_OF_REFERENCE = 1
TEXTS_PER_PASS = 16
PER_PASS_ON_DEVICE = 32

# bf16 against fp32, both as unit rows: what a test holds, for untrained weights at ViT-B/32's
# size. Measured there: 1 - cosine 9e-6 for pictures and 4e-5 for texts, entries 1.4e-3.
BF16_COSINE_TOLERANCE = 2e-4
BF16_ENTRY_TOLERANCE = 5e-3
# What ``RoundingEncoder.rounding`` means, for bf16. The largest of 3 untrained checkpoints of
# ViT-B/32's size, 64 photographs and 45 pairs of texts was 0.020.
BF16_ROUNDING = 0.03


def passes_of(
    model: Any, *, with_texts: bool, precision: Precision, pictures_per_pass: int
) -> dict[str, RowByRow]:
    """``"image"`` and, for models with texts, ``"text"``: each from inputs to raw rows.

    Args:
        model: From ``load_model``; moved to the device that torch can use.
        with_texts: Whether it has a text side.
        precision: fp32 or bf16, in which its matrices are.
        pictures_per_pass: On a processor; 1 on a graphics card too.
    """
    device = choose_device()
    model.to(device)

    def rows(network: Callable[..., Any], size: int) -> RowByRow:
        return row_by_row(network, size=size, device=device, reduced=precision == "bf16")

    if not with_texts:
        # The class token; transformers has put it through the last layer norm.
        return {
            "image": rows(
                lambda **inputs: model(**inputs).last_hidden_state[:, 0],
                pictures_per_pass,
            )
        }
    # Since transformers 5 these return an object whose pooler_output is the projected row.
    return {
        "image": rows(
            lambda **inputs: model.get_image_features(**inputs).pooler_output,
            pictures_per_pass,
        ),
        "text": rows(
            lambda **inputs: model.get_text_features(**inputs).pooler_output, TEXTS_PER_PASS
        ),
    }


def row_by_row(
    network: Callable[..., torch.Tensor], *, size: int, device: str, reduced: bool = False
) -> RowByRow:
    """A torch network in passes, so that a row depends on its own input alone.

    Args:
        network: From a pass's tensors by name to its rows.
        size: Inputs per pass on a processor; elsewhere ``PER_PASS_ON_DEVICE``, or 1 if this is 1.
        device: Where the network lies.
        reduced: Whether matrix products are taken in bf16.
    """
    import torch

    def forward(inputs: Inputs) -> np.ndarray:
        tensors = {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
        with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=reduced):
            return np.asarray(network(**tensors).float().cpu().numpy())

    if device != "cpu":
        return RowByRow(forward, size=1 if size == 1 else PER_PASS_ON_DEVICE, workers=1)
    threads = torch.get_num_threads()
    return RowByRow(
        forward,
        size=size,
        workers=threads,
        start_worker=lambda: torch.set_num_threads(1),
        # Threads that the caller's process starts later would inherit the 1.
        finish=lambda: torch.set_num_threads(threads),
    )


def load_model(checkpoint: Checkpoint) -> Any:
    """The network of ``checkpoint`` in fp32 on the processor, in evaluation mode.

    Raises:
        MissingExtraError: If torch or transformers is not installed.
        ModelError: If the weights do not fill the network.
    """
    for module in ("torch", "transformers"):
        require_extra(module, extra="hub", purpose=f"The encoder '{checkpoint.name}'")
    if checkpoint.is_open_clip:
        from sightglass.encoders.open_clip_network import load_open_clip

        return load_open_clip(checkpoint)
    model, missing = load_weights(checkpoint.name, checkpoint.folder)
    refuse_missing(checkpoint.name, missing)
    return model.eval()


def halve_matrices(model: torch.nn.Module) -> None:
    """Matrices to bf16, in place; sums over layers, norms and embeddings stay in fp32.

    Nearly as fast as all in bf16, and seven times nearer to fp32.
    """
    import torch

    for module in model.modules():
        # Exactly these: torch's own attention pools read the weights of a subclass directly.
        if type(module) in (torch.nn.Linear, torch.nn.Conv2d):
            module.to(torch.bfloat16)


def halved_for_pictures(model: Any) -> Any:
    """A copy of ``model`` whose matrices for pictures are bf16; it shares all its other weights.

    Args:
        model: With a text tower; left as it is.
    """
    import torch

    weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    # Known to the copier as copied already, so that both networks hold the same.
    twin = copy.deepcopy(model, memo=weights)
    for name, module in twin.named_modules():
        if type(module) in (torch.nn.Linear, torch.nn.Conv2d) and not name.startswith("text_"):
            for weight, tensor in list(module.named_parameters(recurse=False)):
                half = torch.nn.Parameter(tensor.to(torch.bfloat16), requires_grad=False)
                setattr(module, weight, half)
    return twin
