"""From a tower in torch to an ONNX graph that takes any number of inputs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sightglass.checks import require_extra
from sightglass.distillation.export.exported_card import EMBED, FEATURE
from sightglass.encoders.towers.contract import ImageTower, TextTower
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from onnx import ModelProto

# The newest that every onnxruntime from 1.20 on can run, and the one torch translates to directly.
OPSET = 18
_LARGEST = 2_000_000_000  # bytes; what a protocol buffer can hold, less the nodes
_PURPOSE = "Exporting a model"


class _Picture(nn.Module):
    """What an image tower says, as a graph can return it."""

    def __init__(self, tower: ImageTower, outputs: Sequence[str]) -> None:
        super().__init__()
        self.tower = tower
        self.outputs = tuple(outputs)

    def forward(self, image: Float[Tensor, "n 3 height width"]) -> tuple[Tensor, ...]:
        answer = self.tower(image)
        named = {EMBED: answer.embeddings, FEATURE: answer.features}
        return tuple(named[output] for output in self.outputs)


class _Text(nn.Module):
    """What a text tower says, under a name that does not depend on the tower."""

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, tokens: Int64[Tensor, "n length"]) -> tuple[Tensor, ...]:
        return (self.tower(tokens),)


def image_graph(tower: ImageTower, outputs: Sequence[str], *, where: str) -> ModelProto:
    """From ``image (n, 3, height, width)``, normalised, to ``embed`` and ``feature``.

    Batch normalisation is folded into the convolutions before it.

    Args:
        tower: Is put into evaluation mode.
        outputs: Which of the two the graph has, in this order: ``embed (n, dim)``, unit rows, and
            ``feature (n, feature_dim)``.
        where: What an error begins with.

    Raises:
        ModelError: If the network cannot be written as a graph.
        MissingExtraError: If onnx or onnxscript is not installed.
    """
    height, width = tower.image_input.size
    example = torch.linspace(-2.0, 2.0, 2 * 3 * height * width).reshape(2, 3, height, width)
    network = _Picture(tower, outputs)
    return _graph(network, example, {0: torch.export.Dim("n")}, "image", outputs, where=where)


def text_graph(tower: TextTower, *, where: str) -> ModelProto:
    """From ``tokens (n, length)`` to ``embed (n, dim)``.

    Any length is taken where the tower's texts are padded to the longest only.

    Args:
        tower: Is put into evaluation mode.
        where: What an error begins with.

    Raises:
        ModelError: If the network cannot be written as a graph.
        MissingExtraError: If onnx or onnxscript is not installed.
    """
    spec = tower.text_input
    axes: dict[int, Any] = {0: torch.export.Dim("n")}
    if spec.padding == "longest":
        axes[1] = torch.export.Dim("length", max=spec.length)
    ids = tower.tokenise(["a photo of a cat", "a dog"])
    example = torch.full((2, spec.length), spec.pad_id)
    example[:, : ids.shape[1]] = ids
    return _graph(_Text(tower), example, axes, "tokens", (EMBED,), where=where)


def _graph(
    network: nn.Module,
    example: Tensor,
    axes: dict[int, Any],
    name: str,
    outputs: Sequence[str],
    *,
    where: str,
) -> ModelProto:
    """The graph of ``network``: without weights outside it, and without a word on who made it."""
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    if size >= _LARGEST:
        raise ModelError(
            f"{where}: a graph in one file holds at most 2 GB, this {name} tower has "
            f"{size / 1e9:.1f} GB of weights. Export a smaller model."
        )
    require_extra("onnx", extra="train", purpose=_PURPOSE)
    require_extra("onnxscript", extra="train", purpose=_PURPOSE)
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                network.eval(),
                (example,),
                dynamo=True,
                dynamic_shapes=(axes,),
                input_names=[name],
                output_names=list(outputs),
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # torch's own are private, and whatever the tower raises
        raise ModelError(
            f"{where}: a network that is one graph for every input is needed, torch cannot make "
            f"one of this {name} tower ({_cause(error)}). Its forward must not decide in Python "
            f"by what is in a tensor."
        ) from error
    assert program is not None
    model: ModelProto = program.model_proto
    _forget_origins(model)
    return model


def _forget_origins(model: ModelProto) -> None:
    """Drop what was noted for debugging: paths and lines of code on the machine that exported."""
    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del holder.metadata_props[:]
    for tensor in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del tensor.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        node.name = ""
    del model.graph.value_info[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes: on packages that we never use, and on its own innards."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """The first line of what went wrong at the bottom, at most 200 characters."""
    while error.__cause__ is not None:
        error = error.__cause__
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first.strip()}"[:200]
