"""Where a network can be cut into stages: the tensors that a person may name as maps."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from sightglass.encoders.graph_folding import FoldedGraph, Node, fold_graph

# The last of them is meant: those inside a block lead back to its map, which they weigh.
_POOLS = {"GlobalAveragePool", "ReduceMean"}


class CutPoint(NamedTuple):
    """A map that all later ones depend on.

    Attributes:
        name: Of the tensor, as ``load_graph_network`` takes it.
        channels: Of the map.
        stride: Pixels of the picture per cell, from top to bottom.
    """

    name: str
    channels: int
    stride: int


def cut_points(path: Path, *, size: tuple[int, int]) -> list[CutPoint]:
    """The outputs of the residual blocks, and the last map before pooling, in order.

    Args:
        path: An ONNX file, as for ``load_graph_network``.
        size: Height and width in pixels.

    Raises:
        MissingExtraError: If onnx is not installed.
        ModelError: If the file is no image network, or cannot take this size.
    """
    graph = fold_graph(path, size=size)
    readers: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].append(node)
    found: dict[str, CutPoint] = {}
    for node in graph.nodes:
        if node.operator == "Add" and not any(one in graph.constants for one in node.inputs):
            name = _rectified(node.outputs[0], readers)
        elif node.operator in _POOLS and _all_depend(node.outputs[0], graph):
            name = node.inputs[0]
        else:
            continue
        shape = graph.shapes.get(name, ())
        if name in graph.named and len(shape) == 4 and _all_depend(name, graph):
            found[name] = CutPoint(name, channels=shape[1], stride=round(size[0] / shape[2]))
    return list(found.values())


def _rectified(name: str, readers: dict[str, list[Node]]) -> str:
    """What a block's sum becomes where a rectifier alone reads it."""
    if len(readers[name]) == 1 and readers[name][0].operator in {"Relu", "Clip"}:
        return readers[name][0].outputs[0]
    return name


def _all_depend(name: str, graph: FoldedGraph) -> bool:
    """Whether every output of the network can be computed from this map alone."""
    known = {name, "", *graph.constants}
    for node in graph.nodes:
        if all(one in known for one in node.inputs):
            known.update(node.outputs)
    return all(output in known for output in graph.outputs)
