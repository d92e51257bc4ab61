from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sightglass.errors import InputError, MissingExtraError, PictureError, UnknownNameError
from sightglass.evaluation.datasets import class_labels, first_synonym, load_dataset

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
NAMES = ["red thing", "green thing", "blue thing"]


def encoded(colour: tuple[int, int, int], kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), colour).save(stream, kind)
    return stream.getvalue()


def colour_of(data: bytes) -> tuple[int, int, int]:
    return Image.open(io.BytesIO(data)).getpixel((4, 3))  # type: ignore[return-value]


def hub_metadata(features: dict[str, Any]) -> dict[str, str]:
    return {"huggingface": json.dumps({"info": {"features": features}})}


def write_hub_file(
    path: Path,
    labels: Sequence[int | None],
    *,
    names: Sequence[str] = NAMES,
    columns: tuple[str, str] = ("image", "label"),
    plain: bool = False,
    label_type: pa.DataType | None = None,
    row_group_size: int = 2,
) -> Path:
    """A file as hubs publish them; each picture has the colour of its label's index, modulo 3."""
    data = [encoded(COLOURS[(label or 0) % 3]) for label in labels]
    paths = pa.array([None] * len(labels), pa.string())
    pictures: pa.Array = pa.array(data, pa.binary())
    if not plain:
        pictures = pa.StructArray.from_arrays([pictures, paths], ["bytes", "path"])
    table = pa.table({columns[0]: pictures, columns[1]: pa.array(labels, label_type or pa.int64())})
    feature = {"_type": "ClassLabel", "names": list(names)}
    metadata = hub_metadata({columns[0]: {"_type": "Image"}, columns[1]: feature})
    pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=row_group_size)
    return path


def test_a_parquet_file_gives_pictures_labels_and_names(tmp_path: Path) -> None:
    pictures = load_dataset(write_hub_file(tmp_path / "test.parquet", [2, 0, 1, 1, 2]))
    assert pictures.class_names == tuple(NAMES)
    assert len(pictures) == 5
    assert pictures.labels.tolist() == [2, 0, 1, 1, 2]
    assert pictures.labels.dtype == np.int64
    read = list(pictures)
    assert [label for _, label in read] == [2, 0, 1, 1, 2]
    assert [colour_of(data) for data, _ in read] == [COLOURS[i] for i in (2, 0, 1, 1, 2)]


def test_pictures_can_be_read_twice(tmp_path: Path) -> None:
    pictures = load_dataset(write_hub_file(tmp_path / "test.parquet", [2, 0]))
    assert list(pictures) == list(pictures)


@pytest.mark.parametrize(
    "columns", [("image", "label"), ("img", "fine_label"), ("image", "labels")]
)
@pytest.mark.parametrize("plain", [False, True])
def test_the_usual_column_names_and_kinds_are_read(
    tmp_path: Path, columns: tuple[str, str], plain: bool
) -> None:
    path = write_hub_file(tmp_path / "x.parquet", [1, 0], columns=columns, plain=plain)
    assert [colour_of(data) for data, _ in load_dataset(path)] == [COLOURS[1], COLOURS[0]]


@pytest.mark.parametrize("label_type", [pa.uint8(), pa.int32()])
def test_narrow_label_columns_are_read(tmp_path: Path, label_type: pa.DataType) -> None:
    path = write_hub_file(tmp_path / "x.parquet", [1, 2], label_type=label_type)
    assert load_dataset(path).labels.tolist() == [1, 2]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_hub_file(tmp_path / "data" / "test-00001-of-00002.parquet", [1, 1])
    write_hub_file(tmp_path / "data" / "test-00000-of-00002.parquet", [0, 2, 0])
    pictures = load_dataset(tmp_path)
    assert pictures.labels.tolist() == [0, 2, 0, 1, 1]
    assert [colour_of(data) for data, _ in pictures] == [COLOURS[i] for i in (0, 2, 0, 1, 1)]


def test_two_splits_are_never_mixed(tmp_path: Path) -> None:
    write_hub_file(tmp_path / "train-00000-of-00001-9f3a.parquet", [0, 0])
    write_hub_file(tmp_path / "test-00000-of-00001-77b0.parquet", [1])
    with pytest.raises(InputError, match=r"several splits or data sets \(test, train\)"):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, split="test").labels.tolist() == [1]
    with pytest.raises(UnknownNameError, match=r"'tset'\. Did you mean 'test'\?"):
        load_dataset(tmp_path, split="tset")


def test_shards_of_different_data_sets_are_refused(tmp_path: Path) -> None:
    write_hub_file(tmp_path / "test-00000-of-00002.parquet", [0])
    write_hub_file(tmp_path / "test-00001-of-00002.parquet", [0], names=["a", "b", "c"])
    with pytest.raises(InputError, match=r"names other classes than '.*00000-of-00002\.parquet'"):
        load_dataset(tmp_path)


def test_only_a_few_rows_are_in_memory_at_once(tmp_path: Path) -> None:
    # 64 MB of pictures in a single row group, as some publishers write them.
    rng = np.random.default_rng(0)
    data = pa.array([rng.bytes(8_000) for _ in range(8000)], pa.binary())
    table = pa.table({"image": data, "label": pa.array([0] * 8000)})
    metadata = hub_metadata({"label": {"names": NAMES}})
    path = tmp_path / "large.parquet"
    pq.write_table(
        table.replace_schema_metadata(metadata), path, use_dictionary=False, row_group_size=8000
    )
    del data, table
    before = pa.total_allocated_bytes()
    highest = max(pa.total_allocated_bytes() - before for _ in load_dataset(path))
    # Parquet's smallest unit is a page, here 1024 rows or 8 MB, held once packed and once not.
    assert highest < 32_000_000


def test_a_parquet_file_without_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"image": pa.array([encoded(COLOURS[0])]), "text": ["red"]}), path)
    with pytest.raises(InputError, match=r"needs a column 'label'.*got the columns image, text"):
        load_dataset(path)


def test_a_parquet_file_without_class_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"image": pa.array([encoded(COLOURS[0])]), "label": [0]})
    pq.write_table(table, path)
    with pytest.raises(InputError, match="needs the class names of column 'label'"):
        load_dataset(path)
    metadata = hub_metadata({"label": {"_type": "Value", "dtype": "int64"}})
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(InputError, match="needs the class names of column 'label'"):
        load_dataset(path)


@pytest.mark.parametrize(
    "pictures", [pa.array(["a.png"]), pa.array([{"path": "a.png"}]), pa.array([3])]
)
def test_a_parquet_file_without_encoded_pictures_is_refused(
    tmp_path: Path, pictures: pa.Array
) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"image": pictures, "label": [0]}), path)
    with pytest.raises(InputError, match="needs a column 'image' with encoded pictures"):
        load_dataset(path)


@pytest.mark.parametrize("labels", [pa.array(["red"]), pa.array([[0, 1]]), pa.array([0.0])])
def test_labels_that_are_no_integers_are_refused(tmp_path: Path, labels: pa.Array) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"image": pa.array([b"x"]), "label": labels}), path)
    with pytest.raises(InputError, match="must hold one integer per picture"):
        load_dataset(path)


@pytest.mark.parametrize(("label", "shown"), [(-1, "-1"), (3, "3"), (None, "None")])
def test_labels_out_of_range_are_refused_with_their_row(
    tmp_path: Path, label: int | None, shown: str
) -> None:
    path = write_hub_file(tmp_path / "x.parquet", [0, 1, 2, label])
    with pytest.raises(InputError, match=rf"must be 0 to 2, got {shown} in row 4"):
        load_dataset(path)


def test_a_row_without_picture_gives_no_bytes_and_the_rows_after_it_are_read(
    tmp_path: Path,
) -> None:
    rows = [{"bytes": b"x", "path": None}, {"bytes": None, "path": "a.png"}, None]
    column = pa.array([*rows, {"bytes": b"y", "path": None}])
    table = pa.table({"image": column, "label": [0, 1, 2, 0]})
    metadata = hub_metadata({"label": {"names": NAMES}})
    path = tmp_path / "x.parquet"
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert list(load_dataset(path)) == [(b"x", 0), (b"", 1), (b"", 2), (b"y", 0)]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write_hub_file(tmp_path / "x.parquet", [0, 1])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="must be a parquet file, but cannot be read as one"):
        load_dataset(path)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_hub_file(tmp_path / "x.parquet", [0, 1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[eval\]'"):
        load_dataset(path)


def image_folder(root: Path, classes: dict[str, int]) -> Path:
    for position, (name, count) in enumerate(classes.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            kind = ("png", "jpeg", "webp")[number % 3]
            data = encoded(COLOURS[position], kind)
            (root / name / f"{number}.{kind}").write_bytes(data)
    return root


def test_an_image_folder_gives_its_folders_as_classes_in_sorted_order(tmp_path: Path) -> None:
    pictures = load_dataset(image_folder(tmp_path, {"horse": 1, "cat": 2}))
    assert pictures.class_names == ("cat", "horse")
    assert pictures.labels.tolist() == [0, 0, 1]
    files = [tmp_path / "cat" / "0.png", tmp_path / "cat" / "1.jpeg", tmp_path / "horse" / "0.png"]
    assert list(pictures) == list(
        zip([file.read_bytes() for file in files], [0, 0, 1], strict=True)
    )


def test_an_image_folder_skips_what_is_no_picture_and_looks_deeper(tmp_path: Path) -> None:
    root = image_folder(tmp_path, {"cat": 1, "dog": 1})
    (root / "cat" / "notes.txt").write_text("not a picture", encoding="utf-8")
    (root / "cat" / "._0.png").write_bytes(b"metadata of a file system")
    (root / ".cache").mkdir()
    (root / "README.md").write_text("about", encoding="utf-8")
    (root / "dog" / "images").mkdir()
    (root / "dog" / "images" / "1.PNG").write_bytes(encoded(COLOURS[2]))
    pictures = load_dataset(root)
    assert pictures.class_names == ("cat", "dog")
    assert pictures.labels.tolist() == [0, 1, 1]


def test_an_image_folder_of_splits_is_refused_unless_one_is_chosen(tmp_path: Path) -> None:
    image_folder(tmp_path / "train", {"cat": 1, "dog": 1})
    image_folder(tmp_path / "test", {"cat": 1, "dog": 2})
    with pytest.raises(InputError, match=r"must be classes, got the splits test, train\. Give one"):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, split="test").labels.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match="nor a folder of the split 'validation'"):
        load_dataset(tmp_path, split="validation")


def test_an_image_folder_named_by_wordnet_ids_is_refused(tmp_path: Path) -> None:
    root = image_folder(tmp_path, {"n01440764": 1, "n02102040": 1})
    with pytest.raises(InputError, match="must be class names in words, got WordNet ids"):
        load_dataset(root)


def test_a_class_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"every class folder of '.*' needs pictures, 'dog' has"):
        load_dataset(image_folder(tmp_path, {"cat": 1, "dog": 0}))


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(COLOURS[0]))
    with pytest.raises(InputError, match=r"needs one folder per class .* it has neither"):
        load_dataset(tmp_path)


def test_an_absent_data_set_is_reported_with_the_closest_name(tmp_path: Path) -> None:
    write_hub_file(tmp_path / "flowers.parquet", [0, 1])
    with pytest.raises(InputError, match=r"does not exist\. Did you mean '.*/flowers\.parquet'\?"):
        load_dataset(tmp_path / "flower.parquet")
    with pytest.raises(InputError, match=r"does not exist\. Check the path\."):
        load_dataset(tmp_path / "nowhere" / "x.parquet")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("goldfish, Carassius auratus", "goldfish"), ("red wolf", "red wolf"), (" a ,b", "a")],
)
def test_the_first_synonym_of_a_wordnet_list_is_taken(name: str, expected: str) -> None:
    assert first_synonym(name) == expected


def test_classes_are_named_by_their_first_synonym_where_that_tells_them_apart() -> None:
    names = ["goldfish, Carassius auratus", "crane", "maillot", "maillot, tank suit", "crane"]
    assert class_labels(names) == [
        "goldfish",
        "crane",
        "maillot",
        "maillot, tank suit",
        "crane (2)",
    ]


def test_a_picture_of_an_image_folder_that_cannot_be_read_is_said_in_its_place(
    tmp_path: Path,
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4), "red").save(tmp_path / name / "1.png")
    data = load_dataset(tmp_path)
    (tmp_path / "a" / "1.png").unlink()
    first, second = data.read()
    assert isinstance(first, PictureError)
    assert first.status == "unreadable"
    assert isinstance(second, bytes)
