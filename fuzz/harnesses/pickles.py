"""CIFAR's pickles: a file that could run something, read so that it cannot."""

from __future__ import annotations

import pickle as library

import numpy as np

from harness import Harness, check_sentence, scratch
from sightglass.errors import InputError
from sightglass.evaluation.cifar import read_cifar

_META = library.dumps({b"fine_label_names": [b"cat", b"dog"]}, protocol=2)


def one_input(data: bytes) -> None:
    """As the names of the classes, then as the pictures of a split."""
    folder = scratch() / "cifar"
    folder.mkdir(exist_ok=True)
    for meta, test in ((data, _batch(2)), (_META, data)):
        (folder / "meta").write_bytes(meta)
        (folder / "test").write_bytes(test)
        try:
            found = read_cifar(folder)
        except InputError as error:
            check_sentence(error)
            continue
        assert len(list(found.read())) == len(found.labels)
        assert all(0 <= label < len(found.class_names) for label in found.labels)


def _batch(protocol: int) -> bytes:
    pixels = np.zeros((2, 3072), np.uint8)
    return library.dumps({b"data": pixels, b"fine_labels": [0, 1]}, protocol=protocol)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_META, _batch(2)[:7000], library.dumps({b"data": 1}, 0)],
    words=(
        *("cnumpy\nndarray\n", "cnumpy\ndtype\n", "cnumpy._core.multiarray\n_reconstruct\n"),
        *("cos\nsystem\n", "cbuiltins\neval\n", "fine_labels", "fine_label_names", "data"),
        *(
            "(",
            ")",
            "R",
            "b",
            "q\x00",
            "h\x00",
            "}",
            "]",
            "s",
            "u",
            "e",
            "a",
            "t",
            ".",
            "\x8a",
            "B",
        ),
        *("\x93", "\x94", "\x95", "\x81", "U", "I1\n", "L1L\n", "F1\n", "j\x00\x00\x00\x00"),
    ),
    longest=8192,
)
