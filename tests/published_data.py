"""Small data sets written as the authors of CIFAR, MNIST, SVHN and TinyImageNet publish theirs."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy.io
from PIL import Image

CIFAR_10_NAMES = [
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
]


class _Python2Pickler(pickle._Pickler):
    """Writes byte strings as Python 2 did; the pickler of Python 3 has no way to."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_python2_string(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_python2_string


def python2_pickle(value: Any) -> bytes:
    """What ``cPickle.dump(value, file, 2)`` wrote, with the module names of numpy then."""
    stream = io.BytesIO()
    _Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


def pictures_of(n: int, seed: int = 0) -> np.ndarray:
    """Pictures of noise, ``(n, 32, 32, 3)``: no two pixels of one alike for long."""
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def cifar_rows(pictures: np.ndarray) -> np.ndarray:
    """A row per picture: all of its red, then its green, then its blue, line by line."""
    return np.array(
        [[*p[..., 0].ravel(), *p[..., 1].ravel(), *p[..., 2].ravel()] for p in pictures], np.uint8
    )


def write_cifar_batch(
    path: Path,
    pictures: np.ndarray,
    labels: list[int],
    *,
    key: bytes = b"labels",
    instead: dict[bytes, Any] | None = None,
) -> None:
    """One batch; ``instead`` replaces or adds entries."""
    names = [f"picture_{number}.png".encode() for number in range(len(labels))]
    content = {
        b"batch_label": b"testing batch 1 of 1",
        key: labels,
        b"data": cifar_rows(pictures),
        b"filenames": names,
    }
    path.write_bytes(python2_pickle(content | (instead or {})))


def write_cifar_10(root: Path, pictures: np.ndarray, labels: list[int]) -> Path:
    """The test batch with ``pictures``, and five training batches of one picture each."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [name.encode() for name in CIFAR_10_NAMES]
    meta = {b"num_cases_per_batch": 10000, b"label_names": names, b"num_vis": 3072}
    (folder / "batches.meta").write_bytes(python2_pickle(meta))
    (folder / "readme.html").write_text("about")
    write_cifar_batch(folder / "test_batch", pictures, labels)
    for number in range(1, 6):
        write_cifar_batch(folder / f"data_batch_{number}", pictures_of(1, seed=number), [number])
    return folder


def write_cifar_100(root: Path, pictures: np.ndarray, fine: list[int]) -> Path:
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    names = [f"fine_{number:02}".encode() for number in range(100)]
    coarse = [f"coarse_{number:02}".encode() for number in range(20)]
    meta = {b"fine_label_names": names, b"coarse_label_names": coarse}
    (folder / "meta").write_bytes(python2_pickle(meta))
    for name in ("test", "train"):
        coarse_labels = {b"coarse_labels": [label // 5 for label in fine]}
        write_cifar_batch(folder / name, pictures, fine, key=b"fine_labels", instead=coarse_labels)
    return folder


def idx(array: np.ndarray) -> bytes:
    """The bytes of an idx file: magic number, sizes, values."""
    sizes = b"".join(struct.pack(">I", length) for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_mnist(
    folder: Path, pictures: np.ndarray, labels: list[int], *, prefix: str = "t10k", packed: bool
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", pictures), ("labels-idx1", np.array(labels))):
        data = idx(array)
        name = f"{prefix}-{kind}-ubyte"
        (folder / (f"{name}.gz" if packed else name)).write_bytes(
            gzip.compress(data) if packed else data
        )
    return folder


def write_svhn(folder: Path, pictures: np.ndarray, digits: list[int], name: str = "test") -> Path:
    """As Matlab keeps them: pictures along the last axis, the digit 0 as 10."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_32x32.mat"
    labels = np.array([[digit or 10] for digit in digits], dtype=np.uint8)
    content = {"X": np.moveaxis(pictures, 0, -1), "y": labels}
    scipy.io.savemat(path, content, do_compression=True)
    return path


def write_tiny_imagenet(root: Path) -> Path:
    """Three classes whose list is not in ascending order; four pictures to validate with."""
    folder = root / "tiny-imagenet-200"
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("n03000000\nn01000000\nn02000000\n")
    words = (
        "n00000001\tentity",
        "n01000000\tgoldfish, Carassius auratus",
        "n02000000\tbullfrog",
        "n03000000\tsofa, couch",
    )
    (folder / "words.txt").write_text("".join(f"{line}\n" for line in words))
    lines = []
    for number, (wordnet_id, colour) in enumerate(
        (("n03000000", "red"), ("n01000000", "lime"), ("n02000000", "blue"), ("n01000000", "lime"))
    ):
        Image.new("RGB", (64, 64), colour).save(folder / "val" / "images" / f"val_{number}.JPEG")
        lines.append(f"val_{number}.JPEG\t{wordnet_id}\t0\t32\t44\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    for wordnet_id, colour in (("n01000000", "lime"), ("n02000000", "blue"), ("n03000000", "red")):
        (folder / "train" / wordnet_id / "images").mkdir(parents=True)
        picture = folder / "train" / wordnet_id / "images" / f"{wordnet_id}_0.JPEG"
        Image.new("RGB", (64, 64), colour).save(picture)
        (folder / "train" / wordnet_id / f"{wordnet_id}_boxes.txt").write_text("")
    return folder
