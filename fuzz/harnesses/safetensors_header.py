"""What a safetensors file says of itself, and an index of shards."""

from __future__ import annotations

import json
import shutil
import struct

from harness import Harness, check_sentence, scratch, written
from sightglass.encoders.hub_weights import INDEX, read_headers, read_number, weight_files
from sightglass.errors import ModelError

_HEADER = {
    "__metadata__": {"format": "pt"},
    "scale": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    "weight": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [4, 12]},
}


def one_input(data: bytes) -> None:
    """As a header before twelve bytes, as a whole file, and as an index."""
    for whole in (struct.pack("<Q", len(data)) + data + bytes(12), data):
        path = written("model.safetensors", whole)
        try:
            tensors = read_headers((path,))
        except ModelError as error:
            check_sentence(error)
            continue
        for tensor in tensors.values():
            assert 0 <= tensor.offset <= len(whole), "a tensor outside of the file"
            assert all(length >= 0 for length in tensor.shape), "a negative length"
            try:
                read_number(tensor)
            except ModelError as error:
                check_sentence(error)
    folder = scratch() / "sharded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / INDEX).write_bytes(data)
    (folder / "a").touch()
    try:
        files = weight_files(folder)
    except ModelError as error:
        check_sentence(error)
    else:
        assert all(file == folder / "a" for file in files), "a file outside of the folder"


def _seeds() -> list[bytes]:
    header = json.dumps(_HEADER).encode()
    index = json.dumps({"weight_map": {"scale": "a", "weight": "a"}}).encode()
    return [header, struct.pack("<Q", len(header)) + header + bytes(12), index]


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(
        "dtype",
        "shape",
        "data_offsets",
        "F32",
        "F16",
        "F64",
        "weight_map",
        "../a",
        "a\\0",
        ".",
    ),
    tree=True,
)
