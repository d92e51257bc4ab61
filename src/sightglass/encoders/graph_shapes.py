"""Operators that only move, join and cut; the axis of the pictures stays the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sightglass.encoders.graph_reading import PICTURES, NodeReading, Operation

if TYPE_CHECKING:
    from torch import Tensor


def reshape(reading: NodeReading) -> Operation:
    """The same numbers under another shape, which is known for one picture."""
    before, after = reading.shape(0), reading.output_shape()
    if before[:1] != (1,) or after[:1] != (1,):
        raise reading.refusal("it mixes pictures")
    return Operation(run=lambda x: x.reshape(-1, *after[1:]), inputs=reading.tensors(1))


def squeeze(reading: NodeReading) -> Operation:
    """Axes of length 1 put in or left out: a change of shape."""
    return reshape(reading)


def flatten(reading: NodeReading) -> Operation:
    """One row per picture."""
    reading.shape(0)
    if reading.attribute("axis", 1) != 1:
        raise reading.refusal("it mixes pictures")
    return Operation(run=lambda x: x.flatten(1), inputs=reading.tensors(1))


def transpose(reading: NodeReading) -> Operation:
    """The axes in another order."""
    order = reading.attribute("perm", None)
    if order is None or order[0] != PICTURES:
        raise reading.refusal("it moves the axis of the pictures")
    return Operation(run=lambda x: x.permute(*order), inputs=reading.tensors(1))


def slice_(reading: NodeReading) -> Operation:
    """A part of the tensor."""
    shape = reading.shape(0)
    starts, ends = reading.integers(1, "starts"), reading.integers(2, "ends")
    if starts is None or ends is None:
        raise reading.refusal("it does not say which part")
    axes = reading.integers(3, "axes") or tuple(range(len(starts)))
    steps = reading.integers(4, "steps") or (1,) * len(starts)
    parts = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            raise reading.refusal("it goes backwards")
        if len(range(shape[axis])[start:end:step]) < shape[axis]:
            parts[reading.inner_axis(axis, len(shape))] = slice(start, end, step)
    chosen = tuple(parts)
    return Operation(run=lambda x: x[chosen], inputs=reading.tensors(1))


def gather(reading: NodeReading) -> Operation:
    """Chosen places of one axis, such as the first token."""
    rank = len(reading.shape(0))
    axis = reading.inner_axis(reading.attribute("axis", 0), rank)
    places = reading.constant(1)
    chosen: tuple[slice | int | list[int], ...] = (*[slice(None)] * axis, places.tolist())
    return Operation(run=lambda x: x[chosen], inputs=reading.tensors(1))


def concat(reading: NodeReading) -> Operation:
    """Tensors side by side; one that is the same for every picture is repeated."""
    names = reading.node.inputs
    axis = reading.inner_axis(reading.attribute("axis", 1), len(reading.output_shape()))
    fixed = [reading.is_constant(index) for index in range(len(names))]

    def run(*tensors: Tensor) -> Tensor:
        count = next(len(one) for one, same in zip(tensors, fixed, strict=True) if not same)
        return torch.cat(
            [
                one.expand(count, *one.shape[1:]) if same else one
                for one, same in zip(tensors, fixed, strict=True)
            ],
            dim=axis,
        )

    return Operation(run=run, inputs=names)
