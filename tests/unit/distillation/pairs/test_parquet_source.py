from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pair_layouts import encoded, numbered_png, numbered_view, write_parquet
from sightglass.distillation.pairs.mix import Mix
from sightglass.distillation.pairs.pair_batches import batches
from sightglass.distillation.pairs.parquet_file import ParquetFile
from sightglass.distillation.pairs.parquet_source import ParquetSource
from sightglass.errors import InputError, PictureError


def pictures(first: int, count: int) -> pa.Array:
    return encoded([numbered_png(number) for number in range(first, first + count)])


def write(folder: Path, files: int = 2, count: int = 10, rows: int = 3) -> str:
    for number in range(files):
        columns = {
            "image": pictures(100 * number, count),
            "label": [one % 2 for one in range(count)],
            "caption": [f"caption {100 * number + one}" for one in range(count)],
        }
        write_parquet(
            folder / f"train-{number:05}-of-{files:05}.parquet",
            columns,
            names={"label": ("cat", "dog")},
            rows=rows,
        )
    return str(folder)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every row group that is read from now on."""
    groups: list[tuple[str, int]] = []
    whole = ParquetFile.group

    def group(self: ParquetFile, number: int, columns: Any) -> Any:
        groups.append((self.path.name, number))
        return whole(self, number, columns)

    monkeypatch.setattr(ParquetFile, "group", group)
    return groups


def test_rows_are_those_of_all_files_in_their_order(tmp_path: Path) -> None:
    source = ParquetSource(write(tmp_path))
    assert len(source) == 20
    assert source.classes == ("cat", "dog")
    numbers = [*range(10), *range(100, 110)]
    for index, number in enumerate(numbers):
        row = source.read(index)
        assert row.image == numbered_png(number)
        assert row.captions == source.captions(index) == (f"caption {number}",)
        assert row.label == number % 2
        assert row.index == index
    assert source.where(16) == f"{tmp_path}/train-00001-of-00002.parquet row 7"
    assert source.read(16).where == source.where(16)


def test_columns_are_known_by_name_and_type_or_are_named(tmp_path: Path) -> None:
    lists = pa.array([["a dog", " ", "a hound"], [], None], pa.list_(pa.string()))
    path = write_parquet(
        tmp_path / "a.parquet",
        {
            "path": ["x", "y", "z"],
            "img": pa.array([b"0", b"1", b"2"]),
            "other": pa.array([b"5", b"6", b"7"]),
            "captions": lists,
            "label": [[0], [1], [0, 1]],  # several labels are none of ours
            "text": ["t", None, "u"],
            "fine_label": pa.array([0, None, -1], pa.int8()),
            "kind": ["ox", None, "ant"],
        },
    )
    source = ParquetSource(str(path))
    rows = [source.read(index) for index in range(3)]
    assert [(row.image, row.captions, row.label) for row in rows] == [
        (b"0", ("a dog", "a hound"), 0),
        (b"1", (), -1),
        (b"2", (), -1),
    ]
    assert [source.captions(index) for index in range(3)] == [("a dog", "a hound"), (), ()]
    named = ParquetSource(
        str(path),
        image_column="other",
        caption_column=("text", "captions"),
        label_column="kind",
    )
    rows = [named.read(index) for index in range(3)]
    assert [(row.image, row.captions, row.label) for row in rows] == [
        (b"5", ("t", "a dog", "a hound"), 1),
        (b"6", (), -1),
        (b"7", ("u",), 0),
    ]
    assert named.classes == ("ant", "ox")


def test_class_names_can_be_given_where_the_file_has_none(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": pictures(0, 2), "label": [1, 0]})
    assert ParquetSource(str(path)).classes == ()
    assert ParquetSource(str(path)).labelled
    assert ParquetSource(str(path), class_names=("a", "b")).classes == ("a", "b")
    with pytest.raises(InputError, match="a label must be 0 to 0, or -1 for none, got 1 in row 1"):
        ParquetSource(str(path), class_names=("a",))


def test_a_row_without_a_picture_is_a_fault_of_that_row(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": encoded([b"x", None, b"z"])})
    source = ParquetSource(str(path))
    with pytest.raises(PictureError, match="the row has no encoded picture"):
        source.read(1)
    assert source.read(2).image == b"z"
    assert not source.captioned
    assert not source.labelled


@pytest.mark.parametrize("room", [1 << 30, 1200, 400])
def test_a_pass_reads_each_row_group_once_whatever_the_room(
    tmp_path: Path, loaded: list[tuple[str, int]], room: int
) -> None:
    source = ParquetSource(write(tmp_path, files=3, count=20, rows=4), room=room)
    costs = [cost for file in source._files for cost in file.costs(["image", "caption"])]
    assert len(costs) == 15
    # By hand: a PNG of some 75 bytes, a path and a caption, four times, and the pages' headers.
    assert all(300 < cost < 800 for cost in costs)
    for epoch in range(3):
        loaded.clear()
        source._cache._groups.clear()
        order = source.epoch_order(1, epoch)
        assert sorted(order.tolist()) == list(range(60))
        for index in order.tolist():
            source.read(index)
        assert Counter(loaded) == Counter(
            (path.name, group) for path in tmp_path.glob("*.parquet") for group in range(5)
        )
        kept = sum(one.result().nbytes for one in source._cache._groups.values())
        largest = max(one.result().nbytes for one in source._cache._groups.values())
        assert kept <= max(room, largest)


def test_batches_in_threads_read_each_row_group_once_a_pass(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    source = ParquetSource(write(tmp_path, files=2, count=40, rows=4), room=6000)
    assert len(set(source.epoch_order(0, 0)[:20].tolist())) == 20
    made = batches(Mix([source]), batch_size=16, seed=1, view=numbered_view, threads=4, window=8)
    for _ in itertools.islice(made, 5):
        pass
    made.close()
    # 80 rows are one pass; beyond it a few rows of the next were read ahead.
    counts = Counter(loaded)
    assert len(counts) == 20
    assert sum(counts.values()) <= 20 + 8


def test_threads_read_what_one_reads(tmp_path: Path) -> None:
    source = ParquetSource(write(tmp_path), room=1)
    indices = [index for _ in range(5) for index in range(20)]
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda index: source.read(index).image, indices))
    assert images == [numbered_png(index % 10 + 100 * (index // 10)) for index in indices]


def test_a_damaged_row_group_costs_its_own_rows_and_is_read_once(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    folder = write(tmp_path, files=1, count=12, rows=4)
    path = next(tmp_path.glob("*.parquet"))
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    data[begin : begin + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(data)
    source = ParquetSource(folder)
    for index in range(12):
        if 4 <= index < 8:
            with pytest.raises(PictureError, match="corrupt: its row group of the file is damaged"):
                source.read(index)
        else:
            assert source.read(index).image == numbered_png(index)
    assert sorted(loaded) == [(path.name, group) for group in range(3)]


@pytest.mark.parametrize("damage", ["gone", "another"])
def test_a_file_that_changes_in_the_middle_of_a_run_is_named(tmp_path: Path, damage: str) -> None:
    source = ParquetSource(write(tmp_path, files=1))
    path = next(tmp_path.glob("*.parquet"))
    data = path.read_bytes()
    path.unlink()
    if damage == "another":
        path.write_bytes(data + b"x")
    with pytest.raises(InputError, match=r"\.parquet: .* gone or changed meanwhile"):
        source.read(0)
    path.write_bytes(data)
    assert source.read(0).image == numbered_png(0)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"label": [1]}, {}, r"a column with encoded pictures is needed, got the columns label\."),
        ({"image": ["a.png"]}, {}, "Save the data set with its pictures embedded"),
        ({"a": [b""], "b": [b""]}, {}, "Say which one it is with image_column"),
        ({"image": [b""]}, {"image_column": "imag"}, "'imag' is needed.* Did you mean 'image'"),
        ({"image": [b""], "x": [1]}, {"image_column": "x"}, "'x' must hold pictures, got int64"),
        ({"image": [b""], "x": [1]}, {"caption_column": "x"}, "'x' must hold texts or lists"),
        ({"image": [b""], "x": [0.5]}, {"label_column": "x"}, "'x' must hold class numbers or"),
        ({"image": pa.array([], pa.binary())}, {}, "at least one row is needed, got none"),
    ],
)
def test_columns_that_are_missing_or_hold_something_else_are_named(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, str], message: str
) -> None:
    path = write_parquet(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match=message) as caught:
        ParquetSource(str(path), **options)
    assert str(caught.value).startswith(str(path))


def test_files_of_several_splits_or_data_sets_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write_parquet(tmp_path / "a" / "test-00000-of-00001.parquet", {"image": pictures(0, 1)})
    with pytest.raises(InputError) as caught:
        ParquetSource(str(tmp_path / "a"))
    assert str(caught.value) == (
        f"{tmp_path}/a: files of one split are needed, got test, train: pictures that taught a "
        f"model must not test it. Give a pattern, such as '{tmp_path}/a/test*.parquet'."
    )
    assert len(ParquetSource(f"{tmp_path}/a/train-*.parquet")) == 20
    write_parquet(tmp_path / "b" / "1.parquet", {"image": pictures(0, 1)})
    write_parquet(tmp_path / "b" / "trainspotting.parquet", {"image": [b""], "text": ["x"]})
    with pytest.raises(InputError, match=r"needs the same columns and classes as '.*1\.parquet'"):
        ParquetSource(str(tmp_path / "b"))


@pytest.mark.parametrize("data", [b"", b"words, not a table", b"PAR1" + b"x" * 50])
def test_a_file_that_is_no_parquet_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: a parquet file is needed, this cannot be"):
        ParquetSource(str(tmp_path / "a.parquet"))


def test_the_digest_covers_contents_labels_and_the_order_not_the_place(tmp_path: Path) -> None:
    digest = ParquetSource(write(tmp_path / "x")).digest
    assert ParquetSource(write(tmp_path / "y")).digest == digest
    assert ParquetSource(write(tmp_path / "z", rows=4)).digest != digest
    assert ParquetSource(str(tmp_path / "x"), caption_column="caption").digest == digest
    assert ParquetSource(str(tmp_path / "x"), class_names=("a", "b")).digest != digest
    first = f"{tmp_path}/x/train-0000{{1,0}}-of-00002.parquet"
    assert ParquetSource(first).digest != digest
    path = tmp_path / "y" / "train-00001-of-00002.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert ParquetSource(str(tmp_path / "y")).digest != digest


def test_orders_are_shuffles_that_differ_from_epoch_to_epoch(tmp_path: Path) -> None:
    source = ParquetSource(write(tmp_path))
    orders = [source.epoch_order(2, epoch) for epoch in range(5)]
    assert len({order.tobytes() for order in orders}) == 5
    assert all(order.dtype == np.int64 for order in orders)
