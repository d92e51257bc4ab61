"""One operator of a folded graph, as whoever rebuilds it in torch wants to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sightglass.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from sightglass.encoders.graph_folding import FoldedGraph, Node

# The axis of the pictures: what one picture gives must not depend on the others.
PICTURES = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is computed from tensors.

    Attributes:
        run: From the tensors called ``inputs``, in their order, to the one output.
        inputs: Names; what else the node reads was constant and is settled.
    """

    run: Callable[..., Tensor]
    inputs: tuple[str, ...]


class NodeReading:
    """Attributes, constants and shapes of one node.

    Args:
        node: The operator.
        graph: Where it stands.
    """

    def __init__(self, node: Node, graph: FoldedGraph) -> None:
        self.node = node
        self.opset = graph.opset
        self._graph = graph

    def tensors(self, count: int) -> tuple[str, ...]:
        """The first ``count`` inputs, without optional ones at the end that are left out."""
        names = self.node.inputs[:count]
        while names and not names[-1]:
            names = names[:-1]
        return names

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute, or what ONNX says it is where the file does not state it."""
        return self.node.attributes.get(name, default)

    def has(self, index: int) -> bool:
        """Whether this input is there."""
        return index < len(self.node.inputs) and bool(self.node.inputs[index])

    def constant(self, index: int) -> np.ndarray:
        """An input that must not depend on the picture."""
        name = self.node.inputs[index]
        if name not in self._graph.constants:
            raise self.refusal(f"its input '{name}' depends on the pictures")
        return self._graph.constants[name]

    def is_constant(self, index: int) -> bool:
        """Whether this input is the same for every picture."""
        return self.node.inputs[index] in self._graph.constants

    def integers(self, index: int, attribute: str) -> tuple[int, ...] | None:
        """A list of whole numbers: an input, or in older files the attribute; None for neither."""
        if self.has(index):
            return tuple(int(one) for one in self.constant(index).reshape(-1))
        found = self.attribute(attribute, None)
        return None if found is None else tuple(int(one) for one in found)

    def shape(self, index: int) -> tuple[int, ...]:
        """Of an input, for one picture."""
        return self._shape(self.node.inputs[index])

    def output_shape(self) -> tuple[int, ...]:
        """Of the output, for one picture."""
        return self._shape(self.node.outputs[0])

    def inner_axis(self, axis: int, rank: int) -> int:
        """``axis`` counted from the front.

        Raises:
            ModelError: If it is the axis of the pictures.
        """
        counted = axis + rank if axis < 0 else axis
        if counted == PICTURES:
            raise self.refusal("it computes across pictures")
        return counted

    def refusal(self, reason: str) -> ModelError:
        """The error for a node that cannot be rebuilt."""
        return ModelError(
            f"{self._graph.where}: the operator {self.node.operator} that gives "
            f"'{self.node.outputs[0]}' cannot be run in torch: {reason}. Export the network "
            f"without it, or ask for tensors that do not need it."
        )

    def _shape(self, name: str) -> tuple[int, ...]:
        if name in self._graph.constants:
            return tuple(self._graph.constants[name].shape)
        if name not in self._graph.shapes:
            raise self.refusal(f"the shape of '{name}' is not known")
        return self._graph.shapes[name]
