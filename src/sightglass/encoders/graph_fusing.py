"""Paddings and rectifiers that become part of the convolution next to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from sightglass.encoders.graph_reading import NodeReading
from sightglass.encoders.graph_windows import RECTIFIED, Pads, pad_value, pad_widths

if TYPE_CHECKING:
    from sightglass.encoders.graph_folding import FoldedGraph


def fuse(graph: FoldedGraph) -> FoldedGraph:
    """The same network in fewer operators; every wanted tensor is still there."""
    return _with_rectifiers(_with_pads(graph))


def _with_pads(graph: FoldedGraph) -> FoldedGraph:
    """Zeros around a map go to the convolutions, where these alone read it."""
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    padded: dict[str, tuple[str, Pads]] = {}
    for node in graph.nodes:
        if node.operator == "Pad" and node.outputs[0] not in graph.outputs:
            pads = _zeros_around(NodeReading(node, graph))
            if pads is not None:
                padded[node.outputs[0]] = (node.inputs[0], pads)
    convolved = Counter(
        node.inputs[0]
        for node in graph.nodes
        if node.operator == "Conv" and node.attributes.get("auto_pad", "NOTSET") == "NOTSET"
    )
    padded = {name: what for name, what in padded.items() if convolved[name] == readers[name]}
    nodes = []
    for node in graph.nodes:
        if node.outputs[0] in padded:
            continue  # the convolution does it
        if node.inputs and node.inputs[0] in padded:
            name, around = padded[node.inputs[0]]
            own = node.attributes.get("pads", (0, 0, 0, 0))
            both = tuple(a + b for a, b in zip(own, around, strict=True))
            attributes = {**node.attributes, "pads": both}
            nodes.append(replace(node, inputs=(name, *node.inputs[1:]), attributes=attributes))
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _zeros_around(reading: NodeReading) -> Pads | None:
    """How many zeros it puts around a map; None where it does anything else."""
    if reading.attribute("mode", "constant") != "constant" or pad_value(reading) != 0:
        return None
    starts, ends = pad_widths(reading)
    if len(starts) != 4 or any(starts[:2]) or any(ends[:2]) or min(*starts, *ends) < 0:
        return None
    return starts[2], starts[3], ends[2], ends[3]


def _with_rectifiers(graph: FoldedGraph) -> FoldedGraph:
    """A convolution and the one rectifier that alone reads it are one node."""
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    convolved = {node.outputs[0]: node for node in graph.nodes if node.operator == "Conv"}
    merged = {
        node.inputs[0]: node.outputs
        for node in graph.nodes
        if node.operator == "Relu"
        and node.inputs[0] in convolved
        and readers[node.inputs[0]] == 1
        and node.inputs[0] not in graph.outputs
    }
    gone = set(merged.values())
    nodes = []
    for node in graph.nodes:
        if node.outputs in gone:
            continue  # as above
        if node.outputs[0] in merged:
            attributes = {**node.attributes, RECTIFIED: True}
            nodes.append(replace(node, outputs=merged[node.outputs[0]], attributes=attributes))
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
