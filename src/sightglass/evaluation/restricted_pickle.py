"""Reads pickles of arrays, lists and texts, and nothing that could run."""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

from sightglass.errors import InputError, reason

# All that a pickled numpy array names; the module was renamed in numpy 2.
_ALLOWED = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
    }
)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows no name but those of numpy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which data do not need")
        if name == "_reconstruct":
            module = "numpy._core.multiarray"  # the old module warns when it is imported
        return super().find_class(module, name)


def read_pickled_dict(path: Path) -> dict[bytes, Any]:
    """The dictionary that Python 2 pickled into ``path``; its texts are bytes here.

    Lists, dictionaries, texts, numbers and numpy arrays are read. A pickle can name any function
    to be called; one that names anything else is refused before anything is called.

    Raises:
        InputError: If the file is absent, damaged, asks for more, or is no dictionary.
    """
    try:
        data = path.read_bytes()
        _check_claims(data)
        value = _ArraysOnly(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # damaged bytes are opcodes too, and fail in any way
        raise InputError(
            f"Data set: '{path}' must be a whole pickle of arrays, but cannot be read as one "
            f"({reason(error)}). Fetch it again."
        ) from error
    if not isinstance(value, dict):
        raise InputError(
            f"Data set: '{path}' must hold a dictionary, got {type(value).__name__}. Give the "
            "files as their authors publish them."
        )
    return value


def _check_claims(data: bytes) -> None:
    """Raise ValueError where a length, or the number of a remembered value, is beyond the data.

    Loading makes room for what is announced before it looks: ten bytes could ask for 32 GB.
    """
    for opcode, argument, position in pickletools.genops(data):  # sees to the lengths
        if opcode.name.endswith("PUT") and argument is not None and argument > (position or 0):
            raise ValueError(f"it numbers a value {argument}, at byte {position}")
