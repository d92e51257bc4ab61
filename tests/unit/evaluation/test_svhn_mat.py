from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from published_data import pictures_of, write_svhn
from sightglass.errors import InputError, UnknownNameError
from sightglass.evaluation.datasets import load_dataset
from sightglass.evaluation.mat_file import mat_arrays
from sightglass.evaluation.svhn_mat import read_svhn_file
from sightglass.inputs.images import open_picture

DIGITS = [0, 9, 1]


def test_svhn_gives_its_pictures_upright_and_label_10_as_the_digit_0(tmp_path: Path) -> None:
    pictures = pictures_of(3)
    write_svhn(tmp_path, pictures, DIGITS)
    data = load_dataset(tmp_path)
    assert data.class_names == tuple("0123456789")
    assert data.labels.tolist() == DIGITS
    assert data.labels.dtype == np.int64
    opened = [np.asarray(open_picture(content).image) for content in data.read()]  # type: ignore[arg-type]
    assert np.array_equal(opened, pictures)
    assert list(data.read()) == list(data.read())


def test_a_split_is_a_file_and_a_file_is_a_split(tmp_path: Path) -> None:
    write_svhn(tmp_path, pictures_of(3), DIGITS)
    extra = write_svhn(tmp_path, pictures_of(1), [4], name="extra")
    assert load_dataset(tmp_path, split="extra").labels.tolist() == [4]
    assert load_dataset(extra).labels.tolist() == [4]
    with pytest.raises(UnknownNameError, match=r"'val'\..*Known: extra, test, train"):
        load_dataset(tmp_path, split="val")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.99])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    path = write_svhn(tmp_path, pictures_of(3), DIGITS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"must be a Matlab file of version 5, but cannot be read"):
        load_dataset(tmp_path)


def test_a_file_of_matlabs_newer_format_is_refused(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "test_32x32.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(InputError, match=r"must be a Matlab file of version 5.*HDF"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"y": np.ones((2, 1))},
        {"X": np.zeros((32, 32, 3, 2), np.uint8)},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((3, 1))},
        {"X": np.zeros((32, 32, 3, 2), np.float32), "y": np.ones((2, 1))},
        {"X": np.zeros((2, 32, 32, 3), np.uint8), "y": np.ones((2, 1))},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[0], [1]])},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[11], [1]])},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[1.5], [1]])},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array(["1", "2"])},
    ],
)
def test_a_file_with_something_else_in_it_is_refused(
    tmp_path: Path, content: dict[str, np.ndarray]
) -> None:
    scipy.io.savemat(tmp_path / "test_32x32.mat", content)
    with pytest.raises(InputError, match=r"needs pictures 'X' .* labels 'y' from 1 to 10, got"):
        load_dataset(tmp_path)


def test_an_absent_file_is_named_with_where_people_get_it(tmp_path: Path) -> None:
    write_svhn(tmp_path, pictures_of(1), [1], name="train")
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path)
    assert str(caught.value) == (
        f"Data set: SVHN needs the file '{tmp_path / 'test_32x32.mat'}', which is not there. SVHN "
        "is the file test_32x32.mat (format 2, cropped digits); get it from the Street View House "
        "Numbers page of Stanford University (http://ufldl.stanford.edu/housenumbers/)."
    )


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_of_every_type_are_those_that_scipy_wrote(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "numbers.mat"
    rng = np.random.default_rng(0)
    wanted = {
        f"{order}{code}".replace(">", "b").replace("<", "l"): rng.integers(
            0, 100, (2, 3, 4)
        ).astype(f"{order}{code}")
        for order in "<>"
        for code in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
    }
    wanted["one"] = np.array([[7]], np.uint8)
    others = {"text": "cat", "complex": np.ones((2, 2)) * 1j, "cell": np.array([1, "a"], object)}
    scipy.io.savemat(path, {**wanted, **others}, do_compression=packed)
    found = mat_arrays(path, *wanted, *others, "absent")
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert np.array_equal(found[name], array)


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), packed=st.booleans())
def test_one_damaged_byte_is_a_refusal_or_other_numbers(at: int, byte: int, packed: bool) -> None:
    stream = io.BytesIO()
    contents = {"X": np.zeros((2, 2, 3, 2), np.uint8), "y": np.array([[1], [10]])}
    scipy.io.savemat(stream, contents, do_compression=packed)
    data = bytearray(stream.getvalue())
    data[at % len(data)] = byte
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            found = read_svhn_file(Path(file.name))
        except InputError:
            return
        assert set(found.labels.tolist()) <= set(range(10))
        assert len(list(found.read())) == len(found.labels)
