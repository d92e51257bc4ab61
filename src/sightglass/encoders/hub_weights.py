"""What safetensors files say about themselves, read without a tensor library."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sightglass.encoders.folder_files import read_small
from sightglass.errors import ModelError
from sightglass.inputs.inner_path import is_inner

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_LONGEST_HEADER = 100_000_000  # bytes; the limit of the format's own reader
_BITS = {
    **{"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8},
    **{"U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8},
}
# What reading JSON that somebody made raises where it is not of the form that is looked for.
_DAMAGE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError),
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """Where one tensor lies.

    Attributes:
        dtype: The format's name of the number type, e.g. ``"F32"``.
        shape: Length of each axis; empty for a single number.
        offset: First byte, counted from the start of ``path``.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int


def weight_files(folder: Path, *, whole: str = WHOLE) -> tuple[Path, ...]:
    """The safetensors files of the model in ``folder``: one, or the shards that its index names.

    Args:
        folder: Of the model.
        whole: Name of the one file; only transformers' own has shards.

    Raises:
        ModelError: If there is none, or the index is malformed, or names a file that is absent or
            lies in another folder: what is hashed must be what is loaded.
    """
    if (folder / whole).is_file():
        return (folder / whole,)
    index = folder / INDEX
    if whole != WHOLE or not index.is_file():
        pickled = [path.name for path in sorted(folder.glob("*pytorch_model*.bin"))]
        found = f"only {pickled[0]}, which is a pickle and is never opened" if pickled else "none"
        library = "transformers: save_pretrained" if whole == WHOLE else "open_clip: save_for_hf"
        raise ModelError(
            f"{folder}: weights are needed as {whole}, found {found}. Convert them with "
            f"{library} writes safetensors."
        )
    try:
        content = json.loads((read_small(index) or b"").decode("utf-8"))
        names = sorted(set(content["weight_map"].values()))
        outside = next((name for name in names if not _is_bare(name)), None)
        files = tuple(folder / name for name in names)
        absent = next((path for path in files if not path.is_file()), None)
    except _DAMAGE as error:
        raise ModelError(f"{index}: not a valid index of shards. Fetch the model again.") from error
    if outside is not None:
        raise ModelError(
            f"{index}: shards in the same folder are needed, '{outside[:60]}' is not the name of a "
            f"file there. Fetch the model again."
        )
    if absent is not None:
        raise ModelError(f"{absent}: the index names this file, it is absent. Fetch it again.")
    return files


def read_headers(files: tuple[Path, ...]) -> dict[str, StoredTensor]:
    """Name, place and shape of every tensor in ``files``; no weights are read.

    Raises:
        ModelError: If a file is not complete and well formed.

    Source:
        The safetensors format: 8 bytes little-endian header length, JSON, then the tensors.
    """
    tensors: dict[str, StoredTensor] = {}
    for path in files:
        try:
            tensors.update(_read_header(path))
        except _DAMAGE as error:
            raise ModelError(
                f"{path}: not a complete safetensors file. Fetch or write it again."
            ) from error
    return tensors


def read_number(tensor: StoredTensor) -> float:
    """The value of a tensor with one element.

    Raises:
        ModelError: If it has more, or its number type is not a floating one.
    """
    if tensor.dtype not in ("F64", "F32", "F16", "BF16") or any(n != 1 for n in tensor.shape):
        raise ModelError(
            f"{tensor.path}: one floating number is needed for a scale, found {tensor.dtype} of "
            f"shape {tensor.shape}. Fetch or write the file again."
        )
    with tensor.path.open("rb") as stream:
        stream.seek(tensor.offset)
        raw = stream.read(8)
    if tensor.dtype == "BF16":
        # A bfloat16 is the upper half of a float32.
        return float(np.frombuffer(b"\0\0" + raw[:2], dtype="<f4")[0])
    return float(np.frombuffer(raw, dtype="<f" + str(int(tensor.dtype[1:]) // 8), count=1)[0])


def _is_bare(name: str) -> bool:
    """Whether ``name`` is that of a file in the folder itself, on every system."""
    return is_inner(name) and PurePosixPath(name).name == name


def _read_header(path: Path) -> dict[str, StoredTensor]:
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("header too long")
        entries: dict[str, Any] = json.loads(stream.read(length))
    entries.pop("__metadata__", None)
    start = 8 + length
    extents = sorted(tuple(map(int, entry["data_offsets"])) for entry in entries.values())
    end = 0
    for first, last in extents:
        if first != end or last < first:
            raise ValueError("the tensors do not lie one behind the other")
        end = last
    if path.stat().st_size != start + end:
        raise ValueError("the tensors do not end where the file does")
    return {name: _tensor(path, entry, start) for name, entry in entries.items()}


def _tensor(path: Path, entry: Mapping[str, Any], start: int) -> StoredTensor:
    dtype, shape = entry["dtype"], tuple(int(length) for length in entry["shape"])
    if not isinstance(dtype, str):
        raise TypeError("a number type without a name")
    first, last = map(int, entry["data_offsets"])
    bits = _BITS.get(dtype)
    if min(shape, default=0) < 0:
        raise ValueError("a tensor cannot be shorter than nothing")
    if bits is not None and math.prod(shape) * bits != 8 * (last - first):
        raise ValueError("a tensor is not as long as its shape says")
    return StoredTensor(path=path, dtype=dtype, shape=shape, offset=start + first)
