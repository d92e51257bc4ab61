"""MNIST's idx files, plain and packed."""

from __future__ import annotations

import gzip
import struct

from harness import Harness, check_sentence, scratch, written
from sightglass.errors import InputError
from sightglass.evaluation.mnist_idx import read_idx, read_mnist

_LABELS = struct.pack(">HBBI", 0, 8, 1, 2) + b"\x03\x07"
_PICTURES = struct.pack(">HBBIII", 0, 8, 3, 2, 2, 3) + bytes(range(12))


def one_input(data: bytes) -> None:
    """As either file, packed or not, beside a good other one."""
    for name, axes in (("a", 1), ("a", 3), ("a.gz", 1)):
        try:
            array = read_idx(written(name, data), axes=axes)
        except InputError as error:
            check_sentence(error)
        else:
            assert array.ndim == axes
            assert array.nbytes < len(data) or name == "a.gz"
    for pictures, labels in ((data, _LABELS), (_PICTURES, data)):
        written("t10k-images-idx3-ubyte", pictures)
        written("t10k-labels-idx1-ubyte", labels)
        try:
            found = read_mnist(scratch())
        except InputError as error:
            check_sentence(error)
        else:
            assert len(list(found.read())) == len(found.labels)
            assert found.labels.max() < len(found.class_names)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_LABELS, _PICTURES, gzip.compress(_LABELS, mtime=0)],
    longest=512,
)
