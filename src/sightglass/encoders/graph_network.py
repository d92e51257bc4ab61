"""A feed-forward image network in an ONNX file, run by torch: in bfloat16, with inner tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from sightglass.encoders.graph_folding import FoldedGraph, fold_graph
from sightglass.encoders.graph_fusing import fuse
from sightglass.encoders.graph_operators import operation
from sightglass.encoders.graph_reading import NodeReading, Operation
from sightglass.errors import ModelError, ShapeError

if TYPE_CHECKING:
    from jaxtyping import Float

# Of the largest number in a tensor. Half precision inside the file is run in one precision here.
_AGREEMENT = 1e-3
_HALF_AGREEMENT = 3e-2
_HALF_TYPES = {10, 16}  # float16 and bfloat16 in ONNX's numbering


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    operation: Operation
    output: str
    last: tuple[str, ...]  # what nothing after this step reads


class GraphNetwork(nn.Module):
    """The network, frozen: it has no parameters, and no gradient passes through it.

    Its weights are buffers that no state_dict holds: what is saved of a student never contains its
    teacher.

    Args:
        graph: Folded for one size of picture.

    Raises:
        ModelError: If an operator cannot be run in torch.
    """

    def __init__(self, graph: FoldedGraph) -> None:
        super().__init__()
        graph = fuse(graph)
        self.size = graph.size
        self.outputs = graph.outputs
        self._input = graph.input
        operations = [operation(NodeReading(node, graph)) for node in graph.nodes]
        names = [node.outputs[0] for node in graph.nodes]
        self._steps = _with_last_uses(operations, names, keep={*graph.outputs, *graph.constants})
        self._weights: dict[str, str] = {}
        for name in dict.fromkeys(name for one in operations for name in one.inputs):
            if name in graph.constants:
                self._weights[name] = f"weight_{len(self._weights)}"
                values = torch.from_numpy(graph.constants[name].astype(np.float32))
                if values.ndim == 4:
                    values = values.contiguous(memory_format=torch.channels_last)
                self.register_buffer(self._weights[name], values, persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        first = next(iter(self.buffers()), None)
        return torch.float32 if first is None else first.dtype

    @torch.no_grad()
    def forward(self, pixels: Float[Tensor, "n 3 height width"]) -> tuple[Tensor, ...]:
        """The tensors called ``outputs``, in that order, in the network's precision.

        Not in inference mode: a student may learn from what comes out.

        Args:
            pixels: As the file wants them (range, mean), of any floating type; any number of
                pictures of the size that the network was loaded for.

        Raises:
            ShapeError: If the pictures have another size.
        """
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (3, *self.size):
            raise ShapeError(
                f"GraphNetwork: pixels need shape (n, 3, {self.size[0]}, {self.size[1]}), got "
                f"{tuple(pixels.shape)}. Load the network for the size of the pictures."
            )
        values = {name: getattr(self, where) for name, where in self._weights.items()}
        values[self._input] = pixels.to(self.dtype, memory_format=torch.channels_last)
        for step in self._steps:
            values[step.output] = step.operation.run(*map(values.get, step.operation.inputs))
            for name in step.last:
                del values[name]
        return tuple(values[name] for name in self.outputs)


def load_graph_network(
    path: Path,
    *,
    size: tuple[int, int],
    outputs: Sequence[str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> GraphNetwork:
    """The network in ``path``, frozen, once torch gives what onnxruntime gives.

    Args:
        path: An ONNX file with one input of float32 pixels (n, 3, height, width).
        size: Height and width in pixels of the pictures to come; what the file says of them does
            not matter.
        outputs: Names of tensors, inner ones too; None for the file's own outputs.
        dtype: ``torch.float32`` or ``torch.bfloat16``, for weights and all that is computed.

    Raises:
        MissingExtraError: If onnx is not installed.
        ModelError: If the file is no such network, has an operator that torch is not told to run,
            or comes out differently in torch.
        UnknownNameError: If an output is no tensor of the network.
    """
    graph = fold_graph(path, size=size, outputs=outputs)
    network = GraphNetwork(graph)
    _require_agreement(network, graph)
    return network.to(dtype)


def _with_last_uses(
    operations: Sequence[Operation], names: Sequence[str], *, keep: set[str]
) -> list[_Step]:
    """The steps, each knowing what can be forgotten after it: maps of a batch are large."""
    seen = set(keep)
    steps = []
    for one, name in zip(reversed(operations), reversed(names), strict=True):
        unread = () if name in seen else (name,)
        last = tuple(dict.fromkeys(read for read in one.inputs if read and read not in seen))
        seen.update(last)
        steps.append(_Step(operation=one, output=name, last=last + unread))
    return steps[::-1]


def _require_agreement(network: GraphNetwork, graph: FoldedGraph) -> None:
    """Compare with onnxruntime on two pictures of noise, each by itself there, together here."""
    shape = (2, 3, *graph.size)
    pixels = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    alone = [graph.answer(pixels[index : index + 1]) for index in range(2)]
    half = any(
        node.operator == "Cast" and node.attributes.get("to") in _HALF_TYPES for node in graph.nodes
    )
    allowed = _HALF_AGREEMENT if half else _AGREEMENT
    for name, found, *expected in zip(
        graph.outputs, network(torch.from_numpy(pixels)), *alone, strict=True
    ):
        wanted = np.concatenate(expected).astype(np.float32)
        same_shape = tuple(found.shape) == wanted.shape
        apart = np.abs(found.numpy() - wanted).max() if same_shape else np.inf
        # Not "apart > …": that would let NaN pass.
        if not apart <= allowed * np.abs(wanted).max():
            raise ModelError(
                f"{graph.where}: '{name}' must be in torch what it is in onnxruntime, it has shape "
                f"{tuple(found.shape)} instead of {wanted.shape} or differs by {apart:.2g}. Export "
                f"the network in another way."
            )
