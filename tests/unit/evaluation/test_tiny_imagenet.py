from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from published_data import write_tiny_imagenet
from sightglass.errors import InputError, PictureError, UnknownNameError
from sightglass.evaluation.datasets import class_labels, load_dataset

NAMES = ("goldfish, Carassius auratus", "bullfrog", "sofa, couch")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_imagenet(tmp_path)


def test_classes_are_in_ascending_order_of_their_ids_with_all_their_words(folder: Path) -> None:
    data = load_dataset(folder)
    assert data.class_names == NAMES
    assert class_labels(data.class_names) == ["goldfish", "bullfrog", "sofa"]
    assert data.labels.tolist() == [2, 0, 1, 0]
    images = folder / "val" / "images"
    assert list(data.read()) == [(images / f"val_{n}.JPEG").read_bytes() for n in range(4)]


def test_the_training_split_lies_in_folders_by_id(folder: Path) -> None:
    data = load_dataset(folder, split="train")
    assert data.class_names == NAMES
    assert data.labels.tolist() == [0, 1, 2]
    train = folder / "train"
    assert next(data.read()) == (train / "n01000000/images/n01000000_0.JPEG").read_bytes()


def test_a_validation_split_that_someone_sorted_into_folders_is_read_too(folder: Path) -> None:
    places = {"val_0": "n03000000", "val_1": "n01000000", "val_2": "n02000000"}
    for stem, wordnet_id in places.items():
        (folder / "val" / wordnet_id).mkdir()
        picture = folder / "val" / "images" / f"{stem}.JPEG"
        picture.rename(folder / "val" / wordnet_id / f"{stem}.JPEG")
    shutil.rmtree(folder / "val" / "images")
    (folder / "val" / "val_annotations.txt").unlink()
    assert load_dataset(folder).labels.tolist() == [0, 1, 2]


def test_a_picture_that_is_absent_is_said_in_its_place(folder: Path) -> None:
    (folder / "val" / "images" / "val_1.JPEG").unlink()
    read = list(load_dataset(folder).read())
    assert [isinstance(content, PictureError) for content in read] == [False, True, False, False]


def test_the_test_split_has_no_labels(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown labelled split .* 'test'.*train, val"):
        load_dataset(folder, split="test")


@pytest.mark.parametrize("name", ["wnids.txt", "words.txt"])
def test_a_list_that_is_no_text_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=rf"needs the file '.*{name}', which cannot be read \(it"):
        load_dataset(folder)


def test_an_absent_list_is_named_with_where_people_get_it(folder: Path) -> None:
    (folder / "words.txt").unlink()
    with pytest.raises(InputError) as caught:
        load_dataset(folder)
    assert str(caught.value) == (
        f"Data set: TinyImageNet needs the file '{folder / 'words.txt'}', which cannot be read "
        "(No such file or directory). TinyImageNet is the folder tiny-imagenet-200 (unpacked); get "
        "it from the course CS231n of Stanford University "
        "(http://cs231n.stanford.edu/tiny-imagenet-200.zip)."
    )


def test_a_class_without_words_is_refused(folder: Path) -> None:
    (folder / "words.txt").write_text("n01000000\tgoldfish\nn02000000\t\n")
    with pytest.raises(InputError, match="must have a line 'n02000000', a tab and its words"):
        load_dataset(folder)


@pytest.mark.parametrize(
    "line", ["val_9.JPEG\tn09000000\t0\t0\t9\t9", "val_9.JPEG", "../../x.JPEG\tn01000000\t0"]
)
def test_a_line_that_says_something_else_is_refused_with_its_number(
    folder: Path, line: str
) -> None:
    annotations = folder / "val" / "val_annotations.txt"
    annotations.write_text(annotations.read_text() + line + "\n")
    with pytest.raises(InputError, match=r"line 5 of '.*' must be a picture's file name, a tab"):
        load_dataset(folder)


def test_empty_lists_are_refused(folder: Path) -> None:
    (folder / "val" / "val_annotations.txt").write_text("\n")
    with pytest.raises(InputError, match="needs one line per picture, has none"):
        load_dataset(folder)
    (folder / "wnids.txt").write_text("")
    with pytest.raises(InputError, match="needs WordNet ids, one per line, has none"):
        load_dataset(folder)


def test_a_class_folder_without_pictures_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "train" / "n02000000")
    with pytest.raises(InputError, match=r"needs pictures \(\.JPEG\) in '.*n02000000', found none"):
        load_dataset(folder, split="train")
