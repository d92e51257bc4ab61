"""SVHN's Matlab files; scipy reads them, in Python and C."""

from __future__ import annotations

import io

import numpy as np
from scipy.io import savemat

from harness import Harness, check_sentence, written
from sightglass.errors import InputError
from sightglass.evaluation.svhn_mat import read_svhn_file


def one_input(data: bytes) -> None:
    """As one file."""
    try:
        found = read_svhn_file(written("test_32x32.mat", data))
    except InputError as error:
        check_sentence(error)
        return
    assert len(list(found.read())) == len(found.labels)
    assert all(0 <= label < 10 for label in found.labels)


def _seeds() -> list[bytes]:
    found = []
    for packed in (False, True):
        stream = io.BytesIO()
        pictures = np.zeros((2, 2, 3, 2), np.uint8)
        savemat(stream, {"X": pictures, "y": np.array([[1], [10]])}, do_compression=packed)
        found.append(stream.getvalue())
    return found


HARNESS = Harness(one_input=one_input, seeds=_seeds, words=("X", "y", "MATLAB 5.0", "IM", "MI"))
