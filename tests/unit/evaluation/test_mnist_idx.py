from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from published_data import idx, write_mnist
from sightglass.errors import InputError, UnknownNameError
from sightglass.evaluation.datasets import load_dataset

PICTURES = np.random.default_rng(1).integers(0, 256, (4, 28, 28), dtype=np.uint8)
LABELS = [7, 2, 1, 0]


@pytest.fixture(params=[False, True], ids=["plain", "packed"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_mnist(tmp_path / "raw", PICTURES, LABELS, packed=request.param)


def test_mnist_gives_grey_pictures_labels_and_digits(folder: Path) -> None:
    data = load_dataset(folder)
    assert data.class_names == tuple("0123456789")
    assert data.labels.tolist() == LABELS
    assert data.labels.dtype == np.int64
    opened = [Image.open(io.BytesIO(content)) for content in data.read()]  # type: ignore[arg-type]
    assert {image.mode for image in opened} == {"L"}
    assert np.array_equal([np.asarray(image) for image in opened], PICTURES)
    assert list(data.read()) == list(data.read())


def test_either_file_stands_for_its_split(folder: Path) -> None:
    write_mnist(folder, PICTURES[:1], [5], prefix="train", packed=False)
    for file in folder.iterdir():
        expected = [5] if file.name.startswith("train") else LABELS
        assert load_dataset(file).labels.tolist() == expected
    assert load_dataset(folder, split="train").labels.tolist() == [5]


def test_the_names_with_a_dot_that_some_programs_unpack_to_are_known(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=False)
    for file in list(tmp_path.iterdir()):
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert load_dataset(tmp_path).labels.tolist() == LABELS


def test_a_file_that_was_cut_off_is_refused(folder: Path) -> None:
    for file in folder.iterdir():
        whole = file.read_bytes()
        for length in (0, 3, 9, len(whole) - 1):
            file.write_bytes(whole[:length])
            with pytest.raises(InputError, match=rf"^Data set: '{file}' .*(Fetch it|get it)"):
                load_dataset(folder)
        file.write_bytes(whole)


def test_a_length_that_is_not_the_announced_one_is_told(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=False)
    file = tmp_path / "t10k-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path)
    # 4 * 28 * 28 values after a header of 16 bytes.
    assert str(caught.value) == (
        f"Data set: '{file}' announces 4 x 28 x 28 bytes and needs a length of 3,152, got 3,147. "
        "Fetch it again."
    )


def test_a_packed_file_whose_bytes_were_changed_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=True)
    file = tmp_path / "t10k-images-idx3-ubyte.gz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(data)
    with pytest.raises(InputError, match="must be a whole file, but cannot be read"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x0d\x03" + bytes(12),
        idx(np.zeros((2, 4))),
        b"<!doctype html><title>404</title>",
    ],
)
def test_what_is_no_idx_file_of_pictures_is_refused(tmp_path: Path, data: bytes) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=False)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)
    with pytest.raises(InputError, match=r"must be an idx file of bytes with 3 axes, but begins"):
        load_dataset(tmp_path)


def test_an_announced_size_beyond_all_memory_is_refused_without_trying(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=False)
    data = bytes([0, 0, 8, 3]) + b"\xff" * 12 + bytes(99)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)
    with pytest.raises(InputError, match=r"got 115\. Fetch it again\."):
        load_dataset(tmp_path)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=False)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([1, 2, 3])))
    with pytest.raises(InputError, match="got 4 pictures and 3 labels"):
        load_dataset(tmp_path)


def test_labels_that_are_no_digits_are_refused(tmp_path: Path) -> None:
    # EMNIST's letters come under the same names.
    write_mnist(tmp_path, PICTURES, [1, 2, 26, 4], packed=False)
    with pytest.raises(InputError, match="needs labels from 0 to 9, got up to 26"):
        load_dataset(tmp_path)


def test_a_set_of_no_pictures_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES[:0], [], packed=False)
    with pytest.raises(InputError, match="needs labels from 0 to 9, got none"):
        load_dataset(tmp_path)


def test_an_absent_file_is_named_with_where_people_get_it(tmp_path: Path) -> None:
    write_mnist(tmp_path, PICTURES, LABELS, packed=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path)
    assert str(caught.value) == (
        f"Data set: MNIST needs the file '{tmp_path / 't10k-labels-idx1-ubyte'}' or "
        "'t10k-labels-idx1-ubyte.gz', which is not there. MNIST is the files "
        "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or both .gz); get it from Yann "
        "LeCun's MNIST page (http://yann.lecun.com/exdb/mnist/)."
    )


def test_a_split_that_does_not_exist_is_answered_with_those_that_do(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown split .* 'val'\..* Known: test, train"):
        load_dataset(folder, split="val")


def test_fetching_the_packed_file_in_two_pieces_is_the_same_file(tmp_path: Path) -> None:
    # gzip allows several members one after the other.
    write_mnist(tmp_path, PICTURES, LABELS, packed=True)
    data = idx(PICTURES)
    halves = gzip.compress(data[:100]) + gzip.compress(data[100:])
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(halves)
    assert len(list(load_dataset(tmp_path).read())) == 4
