from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from published_data import (
    CIFAR_10_NAMES,
    pictures_of,
    python2_pickle,
    write_cifar_10,
    write_cifar_100,
    write_cifar_batch,
)
from sightglass.errors import InputError, UnknownNameError
from sightglass.evaluation.datasets import load_dataset
from sightglass.inputs.images import open_picture


def pixels(data: Any) -> np.ndarray:
    return np.asarray(open_picture(data).image)


def test_cifar_10_gives_its_pictures_upright_with_labels_and_names(tmp_path: Path) -> None:
    pictures = pictures_of(3)
    data = load_dataset(write_cifar_10(tmp_path, pictures, [3, 9, 0]))
    assert data.class_names == tuple(CIFAR_10_NAMES)
    assert data.labels.tolist() == [3, 9, 0]
    assert data.labels.dtype == np.int64
    assert np.array_equal([pixels(content) for content in data.read()], pictures)


def test_the_training_split_is_its_five_batches_in_order(tmp_path: Path) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    data = load_dataset(folder, split="train")
    assert data.labels.tolist() == [1, 2, 3, 4, 5]
    expected = [pictures_of(1, seed=number)[0] for number in range(1, 6)]
    assert np.array_equal([pixels(content) for content in data.read()], expected)


def test_cifar_100_has_its_fine_classes(tmp_path: Path) -> None:
    data = load_dataset(write_cifar_100(tmp_path, pictures_of(2), [99, 7]))
    assert len(data.class_names) == 100
    assert data.class_names[7] == "fine_07"
    assert data.labels.tolist() == [99, 7]


def test_a_picture_has_the_same_bytes_each_time_so_that_the_store_knows_it(tmp_path: Path) -> None:
    pictures = pictures_of(2)
    data = load_dataset(write_cifar_10(tmp_path, pictures, [0, 1]))
    first = list(data.read())
    assert first == list(data.read())
    assert first[0] == b"P6\n32 32\n255\n" + pictures[0].tobytes()
    assert Image.open(io.BytesIO(first[0])).format == "PPM"


def test_a_pickle_that_would_run_something_is_refused_before_it_does(tmp_path: Path) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    trace = tmp_path / "trace"

    class Harmful:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    for name in ("test_batch", "batches.meta"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(pickle.dumps({b"data": Harmful()}, protocol=2))
        with pytest.raises(
            InputError, match=rf"{name}' must be a whole pickle.*it names \S+, which"
        ):
            load_dataset(folder)
        (folder / name).write_bytes(whole)
    assert not trace.exists()
    load_dataset(folder)


@pytest.mark.parametrize(
    "stream",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct.__class__\n.",
    ],
)
def test_no_other_name_is_looked_up(tmp_path: Path, stream: bytes) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    (folder / "test_batch").write_bytes(stream)
    with pytest.raises(InputError, match=r"it names \S+, which data do not need\)"):
        load_dataset(folder)


@pytest.mark.parametrize("length", [0, 1, 60, 1000, 3000])
def test_a_batch_that_was_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    batch = folder / "test_batch"
    batch.write_bytes(batch.read_bytes()[:length])
    with pytest.raises(InputError, match=r"'.*test_batch' must be a whole pickle of arrays, but"):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", np.zeros((2, 3071), np.uint8)),
        ("data", np.zeros((2, 3072), np.float32)),
        ("data", b"pixels"),
        ("labels", [0]),
        ("labels", [0, 10]),
        ("labels", [0, -1]),
        ("labels", [0, b"cat"]),
        ("labels", None),
    ],
)
def test_a_batch_with_something_else_in_it_is_refused(
    tmp_path: Path, key: str, value: object
) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(2), [0, 1])
    write_cifar_batch(folder / "test_batch", pictures_of(2), [0, 1], instead={key.encode(): value})
    with pytest.raises(InputError, match=r"3072 bytes per picture .* 'labels' from 0 to 9, got"):
        load_dataset(folder)


@pytest.mark.parametrize("value", [{}, {b"label_names": []}, {b"label_names": [1, 2]}])
def test_a_folder_without_class_names_is_refused(tmp_path: Path, value: dict[Any, Any]) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    (folder / "batches.meta").write_bytes(python2_pickle(value))
    with pytest.raises(InputError, match=r"needs the class names \('label_names'\), has none"):
        load_dataset(folder)


def test_what_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    (folder / "test_batch").write_bytes(python2_pickle([1, 2]))
    with pytest.raises(InputError, match="must hold a dictionary, got list"):
        load_dataset(folder)


def test_an_absent_file_is_named_with_where_people_get_it(tmp_path: Path) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    (folder / "test_batch").unlink()
    with pytest.raises(InputError) as caught:
        load_dataset(folder)
    assert str(caught.value) == (
        f"Data set: CIFAR-10 needs the file '{folder / 'test_batch'}', which is not there. "
        "CIFAR-10 is the folder cifar-10-batches-py (the version for Python, unpacked); get it "
        "from the CIFAR page of the University of Toronto "
        "(https://www.cs.toronto.edu/~kriz/cifar.html)."
    )


def test_a_split_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    folder = write_cifar_10(tmp_path, pictures_of(1), [0])
    with pytest.raises(UnknownNameError, match=r"'training'\. Did you mean 'train'\? Known: test,"):
        load_dataset(folder, split="training")


def test_one_file_of_the_folder_is_refused_with_the_folder(tmp_path: Path) -> None:
    folder = write_cifar_100(tmp_path, pictures_of(1), [0])
    with pytest.raises(InputError, match=rf"'{folder / 'test'}' is a part of it\. Give '{folder}'"):
        load_dataset(folder / "test")
