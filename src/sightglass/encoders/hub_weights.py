"""What safetensors files say about themselves, read without a tensor library."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from sightglass.errors import ModelError

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_LONGEST_HEADER = 100_000_000  # bytes; the limit of the format's own reader


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
        ModelError: If there is none, or the index is malformed or names a file that is absent.
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
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        files = tuple(folder / PurePath(name).name for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index}: not a valid index of shards. Fetch the model again.") from error
    for path in files:
        if not path.is_file():
            raise ModelError(f"{path}: the index names this file, it is absent. Fetch it again.")
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
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
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


def _read_header(path: Path) -> dict[str, StoredTensor]:
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("header too long")
        entries: dict[str, Any] = json.loads(stream.read(length))
    entries.pop("__metadata__", None)
    start = 8 + length
    ends = [entry["data_offsets"][1] for entry in entries.values()]
    if path.stat().st_size != start + max(ends, default=0):
        raise ValueError("the tensors do not end where the file does")
    return {
        name: StoredTensor(
            path=path,
            dtype=str(entry["dtype"]),
            shape=tuple(int(length) for length in entry["shape"]),
            offset=start + int(entry["data_offsets"][0]),
        )
        for name, entry in entries.items()
    }
