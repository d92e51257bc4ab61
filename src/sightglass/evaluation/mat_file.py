"""Matlab's files of version 5, as far as data sets need them: arrays of numbers, by name.

scipy reads them too, but trusts what it reads: one damaged byte can end the whole process.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Num

_HEADER = 128
_VERSION_5, _VERSION_HDF = 0x0100, 0x0200
_FLAGS, _DIMENSIONS, _NAME, _MATRIX, _PACKED = 6, 5, 1, 14, 15
# By the format's number of a type; of classes all that hold numbers, which may be stored smaller.
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_CLASSES = range(6, 16)
_COMPLEX = 0x0800

_Order = Literal["<", ">"]
_ORDERS: dict[bytes, _Order] = {b"IM": "<", b"MI": ">"}
_Element = tuple[int, memoryview]  # type, and bytes


def mat_arrays(path: Path, *names: str) -> dict[str, Num[np.ndarray, ...]]:
    """The arrays with these names, as far as they are there, in the type that they are stored in.

    Raises:
        OSError: If the file cannot be opened.
        ValueError: If it is of another format or damaged; says why on one line.

    Source:
        The MathWorks, "MAT-File Format", version 5.
    """
    data = path.read_bytes()
    order = _ORDERS.get(data[_HEADER - 2 : _HEADER])
    version = 0 if order is None else struct.unpack_from(f"{order}H", data, _HEADER - 4)[0]
    if order is None or version != _VERSION_5:
        is_hdf = version == _VERSION_HDF
        raise ValueError("it is of version 7.3, which is HDF" if is_hdf else "it has no such head")
    found = {}
    try:
        for element in _elements(memoryview(data)[_HEADER:], order):
            kind, content = _unpacked(element[1], order) if element[0] == _PACKED else element
            if kind == _MATRIX:
                name, array = _matrix(content, order, names)
                if array is not None:
                    found[name] = array
    except (struct.error, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from error
    return found


def _elements(data: memoryview, order: _Order) -> Iterator[_Element]:
    """One behind the other; packed ones are the only ones that do not end at a multiple of 8."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from(f"{order}II", data, at)
        start, begin, room = at, at + 8, len(data)
        if kind >> 16:  # up to four bytes, where the length of others is
            kind, length, begin, room = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        at = begin + length
        if at > min(room, len(data)):
            raise ValueError("it ends early, or a length in it makes no sense")
        yield kind, data[begin:at]
        if kind != _PACKED:
            at += (start - at) % 8


def _unpacked(packed: memoryview, order: _Order) -> _Element:
    """The element in a compressed one, no longer than it says it is."""
    unpacker = zlib.decompressobj()
    kind, length = struct.unpack(f"{order}II", unpacker.decompress(packed, 8))
    parts, missing = [], length
    while missing:
        part = unpacker.decompress(unpacker.unconsumed_tail, missing)
        if not part:
            raise ValueError("a compressed part of it ends early")
        parts.append(part)
        missing -= len(part)
    return kind, memoryview(b"".join(parts))


def _matrix(
    content: memoryview, order: _Order, names: tuple[str, ...]
) -> tuple[str, Num[np.ndarray, ...] | None]:
    """Name and numbers; None for what was not asked for or holds no real numbers."""
    inner = _elements(content, order)
    flags, dimensions, called = (_required(inner, kind) for kind in (_FLAGS, _DIMENSIONS, _NAME))
    name = bytes(called).decode("latin-1")
    (flag,) = struct.unpack_from(f"{order}I", flags)
    if name not in names or flag & 0xFF not in _CLASSES or flag & _COMPLEX:
        return name, None
    kind, values = next(inner, (0, memoryview(b"")))
    if kind not in _TYPES:
        raise ValueError(f"'{name}' in it is of no known type")
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    stored = np.dtype(_TYPES[kind]).newbyteorder(order)
    if min(shape, default=-1) < 0 or math.prod(shape) * stored.itemsize != len(values):
        raise ValueError(f"'{name}' in it is not as long as its shape says")
    numbers = np.frombuffer(values, stored).reshape(shape, order="F")
    return name, numbers.astype(stored.newbyteorder("="), copy=False)


def _required(elements: Iterator[_Element], kind: int) -> memoryview:
    found, content = next(elements, (0, memoryview(b"")))
    if found != kind:
        raise ValueError("a part of it is missing or out of place")
    return content
