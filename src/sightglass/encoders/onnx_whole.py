"""Whether an ONNX file holds its weights itself: one can name other files for them.

Such a file would not be among those that the card's hashes cover, and it could be any file of the
machine: older releases of onnxruntime follow ``../`` and absolute paths.

Source: ONNX's onnx.proto (message and field numbers); Protocol Buffers, encoding of messages.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from sightglass.errors import ModelError

# Of each message that may hold tensors: number of a field -> the message in it.
_WITHIN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        **{5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
        **{22: "sparse", 23: "sparse"},
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5


def check_whole(path: Path) -> None:
    """Raise ModelError if a tensor of the ONNX file lies elsewhere, or the file is malformed."""
    try:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            elsewhere = _has_tensor_elsewhere(data)
    except (OSError, ValueError, IndexError) as error:
        raise ModelError(f"{path}: is no whole ONNX file. Export or fetch it again.") from error
    if elsewhere:
        raise ModelError(
            f"{path}: an ONNX file that holds its weights itself is needed, this one names other "
            f"files for them. Export it again as one file."
        )


def _has_tensor_elsewhere(data: mmap.mmap) -> bool:
    """Walks messages only; not by recursion, since graphs may lie in graphs."""
    waiting = [("model", 0, len(data))]
    while waiting:
        kind, at, end = waiting.pop()
        inner = _WITHIN[kind]
        while at < end:
            key, at = _varint(data, at)
            field, wire = key >> 3, key & 7
            length = 0
            if wire == _VARINT:
                number, at = _varint(data, at)
                if kind == "tensor" and field == _DATA_LOCATION and number:
                    return True
            elif wire == _COUNTED:
                length, at = _varint(data, at)
                if kind == "tensor" and field == _EXTERNAL_DATA:
                    return True
                if field in inner:
                    waiting.append((inner[field], at, at + length))
            elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
                length = 8 if wire == _EIGHT_BYTES else 4
            else:
                raise ValueError("a kind of field that ONNX does not have")
            at += length
        if at != end:
            raise ValueError("a field that reaches beyond its message")
    return False


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, lowest first, and where what follows it begins."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
