from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from published_data import (
    pictures_of,
    write_cifar_10,
    write_cifar_100,
    write_mnist,
    write_svhn,
    write_tiny_imagenet,
)
from sightglass.errors import InputError
from sightglass.evaluation.datasets import find_datasets, load_dataset
from sightglass.evaluation.public_sources import PUBLIC_SOURCES, source_of

GREY = np.zeros((2, 28, 28), np.uint8)
NAMES = {"mnist", "svhn", "cifar10", "cifar100", "tinyimagenet"}


def found_in(folder: Path) -> dict[str, tuple[str, str | None]]:
    """The path below ``folder`` and the split of each data set that is present."""
    return {
        name: (place.path.relative_to(folder).as_posix(), place.split)
        for name, place in find_datasets(folder).items()
        if place.path is not None
    }


def test_all_five_are_found_as_their_authors_publish_them(tmp_path: Path) -> None:
    write_mnist(tmp_path, GREY, [1, 2], packed=True)
    write_svhn(tmp_path, pictures_of(2), [3, 4])
    write_cifar_10(tmp_path, pictures_of(2), [5, 6])
    write_cifar_100(tmp_path, pictures_of(2), [7, 8])
    write_tiny_imagenet(tmp_path)
    assert found_in(tmp_path) == {
        "mnist": ("t10k-images-idx3-ubyte.gz", None),
        "svhn": ("test_32x32.mat", None),
        "cifar10": ("cifar-10-batches-py", None),
        "cifar100": ("cifar-100-python", None),
        "tinyimagenet": ("tiny-imagenet-200", None),
    }
    labels = {
        name: load_dataset(place.path, split=place.split).labels.tolist()
        for name, place in find_datasets(tmp_path).items()
        if place.path is not None
    }
    assert labels == {
        "mnist": [1, 2],
        "svhn": [3, 4],
        "cifar10": [5, 6],
        "cifar100": [7, 8],
        "tinyimagenet": [2, 0, 1, 0],
    }


def test_they_are_found_in_folders_named_after_them(tmp_path: Path) -> None:
    write_mnist(tmp_path / "MNIST" / "raw", GREY, [1, 2], packed=False)
    write_svhn(tmp_path / "svhn", pictures_of(1), [3])
    write_cifar_10(tmp_path / "CIFAR-10", pictures_of(1), [5])
    write_cifar_100(tmp_path / "cifar_100", pictures_of(1), [7])
    write_tiny_imagenet(tmp_path / "TinyImageNet")
    assert found_in(tmp_path) == {
        "mnist": ("MNIST/raw/t10k-images-idx3-ubyte", None),
        "svhn": ("svhn/test_32x32.mat", None),
        "cifar10": ("CIFAR-10/cifar-10-batches-py", None),
        "cifar100": ("cifar_100/cifar-100-python", None),
        "tinyimagenet": ("TinyImageNet/tiny-imagenet-200", None),
    }


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["cifar10_test.parquet", "cifar100_test.parquet"], {"cifar10", "cifar100"}),
        (["mnist-test-00000-of-00001.parquet"], {"mnist"}),
        (["tinyimagenet_val.parquet", "tinyimagenet_dalle_references.parquet"], {"tinyimagenet"}),
        (["tiny-imagenet-200-validation.parquet", "svhn.parquet"], {"tinyimagenet", "svhn"}),
        (["tinyimagenet_references.parquet", "cifar10_train.parquet", "cifar10c_test.parquet"], {}),
        (["fashion_mnist_test.parquet", "mnist_m_test.parquet", "cifar1000_test.parquet"], {}),
    ],
)
def test_parquet_files_are_known_by_their_whole_name(
    tmp_path: Path, files: list[str], found: set[str]
) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"PAR1")
    assert set(found_in(tmp_path)) == set(found)


def test_a_name_that_says_test_is_preferred(tmp_path: Path) -> None:
    for name in ("mnist.parquet", "mnist_test.parquet"):
        (tmp_path / name).write_bytes(b"PAR1")
    assert found_in(tmp_path) == {"mnist": ("mnist_test.parquet", None)}


def test_shards_as_hubs_lay_them_out_are_found_with_their_split(tmp_path: Path) -> None:
    (tmp_path / "mnist" / "data").mkdir(parents=True)
    (tmp_path / "tiny-imagenet").mkdir()
    for name in (
        "mnist/data/train-00000-of-00001.parquet",
        "mnist/data/test-00000-of-00002.parquet",
        "mnist/data/test-00001-of-00002.parquet",
        "tiny-imagenet/valid-00000-of-00001-70d52db3c749a935.parquet",
    ):
        (tmp_path / name).write_bytes(b"PAR1")
    assert found_in(tmp_path) == {
        "mnist": ("mnist/data", "test"),
        "tinyimagenet": ("tiny-imagenet", "valid"),
    }


def test_folders_of_classes_are_found_where_they_are_held_out(tmp_path: Path) -> None:
    for name in ("cifar10/test/cat", "cifar10/test/dog", "cifar100/train/apple"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (4, 4), "red").save(tmp_path / name / "1.png")
    assert found_in(tmp_path) == {"cifar10": ("cifar10/test", None)}


def test_training_pictures_are_never_taken(tmp_path: Path) -> None:
    write_mnist(tmp_path, GREY, [1, 2], prefix="train", packed=False)
    write_svhn(tmp_path, pictures_of(1), [3], name="train")
    (write_cifar_10(tmp_path, pictures_of(1), [5]) / "test_batch").unlink()
    (write_cifar_100(tmp_path, pictures_of(1), [7]) / "test").unlink()
    assert found_in(tmp_path) == {}


def test_an_absent_set_says_which_file_is_wanted_and_where_people_get_it(tmp_path: Path) -> None:
    located = find_datasets(tmp_path)
    assert set(located) == NAMES
    assert all(place.path is None for place in located.values())
    assert located["svhn"].wanted == (
        "SVHN is the file test_32x32.mat (format 2, cropped digits); get it from the Street View "
        "House Numbers page of Stanford University (http://ufldl.stanford.edu/housenumbers/)."
    )
    wanted = {
        "mnist": "t10k-images-idx3-ubyte",
        "cifar10": "cifar-10-batches-py",
        "cifar100": "cifar-100-python",
        "tinyimagenet": "tiny-imagenet-200",
    }
    for name, file in wanted.items():
        assert file in located[name].wanted
        assert "://" in located[name].wanted


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder is needed, '.*nowhere' is none"):
        find_datasets(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cifar-10-batches-py", "cifar10"),
        ("cifar100_test.parquet", "cifar100"),
        ("CIFAR-100-python", "cifar100"),
        ("tiny-imagenet-200", "tinyimagenet"),
        ("t10k-labels-idx1-ubyte.gz", "mnist"),
        ("test_32x32.mat", "svhn"),
        ("cifar1000", None),
        ("photos", None),
    ],
)
def test_what_a_name_stands_for(name: str, expected: str | None) -> None:
    assert source_of(name) is (PUBLIC_SOURCES[expected] if expected else None)


def test_a_known_set_that_is_absent_is_named_by_load_dataset_too(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path / "test_32x32.mat")
    assert str(caught.value) == (
        f"Data set: a file or folder is needed, '{tmp_path / 'test_32x32.mat'}' does not exist. "
        f"Check the path. {PUBLIC_SOURCES['svhn'].wanted}"
    )


def test_a_folder_around_a_set_is_answered_with_the_right_one(tmp_path: Path) -> None:
    inner = write_mnist(tmp_path / "MNIST" / "raw", GREY, [1, 2], packed=False)
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path / "MNIST")
    assert str(caught.value) == (
        f"Data set: '{tmp_path / 'MNIST'}' itself is none, but '{inner}' holds one. Give that "
        "folder."
    )


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "cifar-10-python.tar.gz"
    file.write_bytes(b"\x1f\x8b")
    with pytest.raises(InputError, match=r"'.*' is an archive\. Unpack it and give the folder"):
        load_dataset(file)
