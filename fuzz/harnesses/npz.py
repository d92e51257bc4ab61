"""Arrays of a ``.npz`` file."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from harness import Harness, written
from sightglass.distillation.npz_file import npz_arrays


def one_input(data: bytes) -> None:
    """As the file, then as one array in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("rows.npy", data)
    for whole in (data, archive.getvalue()):
        try:
            arrays, keys = npz_arrays(written("rows.npz", whole), "rows", "names")
        except ValueError:
            continue
        assert arrays.keys() <= set(keys)
        assert all(isinstance(array, np.ndarray) for array in arrays.values())
        assert not any(array.dtype.hasobject for array in arrays.values())


def _seeds() -> list[bytes]:
    whole, one, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    rows, names = np.eye(2, dtype=np.float32), np.array(["cat", "dog"])
    np.savez(whole, rows=rows, names=names)
    np.savez_compressed(packed, rows=rows)
    np.save(one, rows)
    return [whole.getvalue(), one.getvalue(), packed.getvalue()]


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(
        *("\x93NUMPY\x01\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", "'|O'"),
        *("(-1,)", "(1e9,)", "(9999999999,)", "[('a','<f4')]", "'<U3'", "PK\x03\x04", "PK\x05\x06"),
    ),
)
