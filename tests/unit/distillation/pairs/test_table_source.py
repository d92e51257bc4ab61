from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from pair_layouts import numbered_png
from sightglass.distillation.pairs.table_source import TableSource
from sightglass.errors import InputError, PictureError


def write(path: Path, text: str, *, pictures: tuple[str, ...] = ()) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    for number, name in enumerate(pictures):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / name).write_bytes(numbered_png(number))
    return str(path)


def rows_of(source: TableSource) -> list[tuple[bytes, tuple[str, ...], int]]:
    rows = [source.read(index) for index in range(len(source))]
    assert [row.index for row in rows] == list(range(len(rows)))
    assert [source.captions(row.index) for row in rows] == [row.captions for row in rows]
    return [(row.image, row.captions, row.label) for row in rows]


def test_a_table_names_pictures_and_their_captions(tmp_path: Path) -> None:
    table = write(
        tmp_path / "pairs.csv",
        '\ufeffimage,caption\r\na.png,"a dog, running"\r\nsub/b.png,"he said ""no""\r\ntwice"\r\n',
        pictures=("a.png", "sub/b.png"),
    )
    source = TableSource(table)
    assert rows_of(source) == [
        (numbered_png(0), ("a dog, running",), -1),
        (numbered_png(1), ('he said "no" twice',), -1),
    ]
    assert source.where(1) == str(tmp_path / "sub" / "b.png")
    assert (source.captioned, source.labelled, source.classes) == (True, False, ())


def test_rows_of_one_picture_are_one_with_all_its_captions(tmp_path: Path) -> None:
    table = write(
        tmp_path / "pairs.tsv",
        "image\tcaption_1\tcaption_2\tother\n"
        "a.png\ta dog\ta hound\tx\nb.png\t\ta cat\tx\n./a.png\ta dog\ton grass\tx\nc.png\t\t \tx\n",
        pictures=("a.png", "b.png", "c.png"),
    )
    assert rows_of(TableSource(table)) == [
        (numbered_png(0), ("a dog", "a hound", "on grass"), -1),
        (numbered_png(1), ("a cat",), -1),
        (numbered_png(2), (), -1),
    ]


def test_a_mark_of_quotation_in_a_tsv_swallows_no_line(tmp_path: Path) -> None:
    table = write(
        tmp_path / "pairs.tsv",
        'filepath\ttitle\na.png\t"Hello\nb.png\tsize 5"\n'
        'c.png\t"a ""big"" dog"\nd.png\t"a" and "b"\n',
        pictures=("a.png", "b.png", "c.png", "d.png"),
    )
    captions = [captions for _, captions, _ in rows_of(TableSource(table))]
    assert captions == [('"Hello',), ('size 5"',), ('a "big" dog',), ('"a" and "b"',)]


def test_what_the_standard_library_writes_is_read_as_it_reads_it(tmp_path: Path) -> None:
    said = ['plain, "quoted"', "two\nlines", 'ends with "', " spaces ", "Ünïcödé \u2028 separator"]
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["image", "caption"], *([f"{n}.png", one] for n, one in enumerate(said))]
        )
    source = TableSource(str(path))
    with path.open(newline="", encoding="utf-8") as file:
        expected = [" ".join(row["caption"].split()) for row in csv.DictReader(file)]
    assert [source.captions(index) for index in range(5)] == [(one,) for one in expected]


def test_columns_can_be_named_and_so_can_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "x.csv", "", pictures=("a.png", "b.png"))
    table = write(
        tmp_path / "t.csv",
        f"who,said,caption,kind\nb.png,one,no,dog\n{tmp_path}/pictures/a.png,two,no,cat\n",
    )
    source = TableSource(
        table,
        images=str(tmp_path / "pictures"),
        image_column="who",
        caption_column="said",
        label_column="kind",
    )
    assert rows_of(source) == [(numbered_png(1), ("one",), 1), (numbered_png(0), ("two",), 0)]
    assert source.classes == ("cat", "dog")
    both = TableSource(
        table,
        images=str(tmp_path / "pictures"),
        image_column="who",
        caption_column=("said", "caption"),
    )
    assert both.captions(0) == ("one", "no")
    assert not both.labelled


def test_class_numbers_are_labels_with_or_without_names(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "image,label\na.png,1\nb.png,\n", pictures=("a.png", "b.png"))
    assert [label for *_, label in rows_of(TableSource(table))] == [1, -1]
    assert TableSource(table, class_names=("cat", "dog")).classes == ("cat", "dog")
    with pytest.raises(InputError, match=r"a label must be 0 to 0, or -1 for none, got 1 in row 1"):
        TableSource(table, class_names=("cat",))


def test_a_picture_that_is_not_there_is_a_fault_of_its_row(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "image,caption\na.png,x\nb.png,y\n", pictures=("a.png",))
    source = TableSource(table)
    assert source.read(0).captions == ("x",)
    with pytest.raises(PictureError, match="unreadable: not found"):
        source.read(1)


@pytest.mark.parametrize(
    "path", ["../a.png", "/etc/hosts", "sub/../../a.png", "..", "a/../../x/b.png"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    table = write(tmp_path / "in" / "t.csv", f"image,caption\nok.png,x\n{path},y\n")
    with pytest.raises(InputError) as caught:
        TableSource(table)
    assert str(caught.value).startswith(f"{table}: line 3: pictures must lie in '{tmp_path}/in', '")


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        (
            "t.csv",
            "image,captoin\na,b\n",
            {"caption_column": "caption"},
            r"'caption' is needed, got the columns image, captoin\. Did you mean 'captoin'\?",
        ),
        ("t.csv", "who,caption\na,b\n", {}, r"a column of pictures is needed, such as 'image'"),
        ("t.csv", "image,caption\na,b,c\n", {}, r"the 2 fields of the first, got 3 in line 2"),
        ("t.csv", "image,caption\n\na\n", {}, r"the 2 fields of the first, got 1 in line 3"),
        ("t.tsv", "image\tcaption\na\tb\n\nc\n", {}, r"got 1 in line 4"),
        ("t.csv", 'image,caption\na,b\na,"b\n', {}, r"row that begins in line 3 cannot be read"),
        ("t.csv", "image,caption\n,b\n", {}, r"line 2: the path of a picture is needed, got none"),
        (
            "t.csv",
            "image,caption\nhttps://x/y.jpg,b\n",
            {},
            r"got the web address 'https://x/y.jpg'",
        ),
        (
            "t.csv",
            "image,label\na,1\na,2\n",
            {},
            r"line 3: a picture can have one label, 'a' has '1' ",
        ),
        ("t.csv", "image,caption\n", {}, r"at least one row is needed, got none"),
        ("t.csv", "", {}, r"a column of pictures is needed"),
        ("t.txt", "image,caption\na,b\n", {}, r"name must end in \.csv, \.tsv, \.tab"),
        (
            "t.csv",
            "image\na\n",
            {"images": "nowhere"},
            r"the folder that .*t\.csv names pictures in",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_where(
    tmp_path: Path, name: str, text: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        TableSource(write(tmp_path / name, text), **options)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_absent_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a table that can be read is needed, but: No such file"):
        TableSource(str(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_bytes(b"image,caption\na,caf\xe9\n")
    with pytest.raises(InputError, match=r"must be UTF-8 text, got another encoding \(byte 20 "):
        TableSource(str(tmp_path / "t.csv"))


def test_the_digest_is_that_of_the_table_and_its_pictures_wherever_they_lie(tmp_path: Path) -> None:
    text = "image,caption\na.png,x\nb.png,y\n"
    tables = [write(tmp_path / at / "t.csv", text, pictures=("a.png", "b.png")) for at in "xy"]
    first, second = (TableSource(table).digest for table in tables)
    assert first == second
    os.utime(tmp_path / "x" / "a.png", (1, 1))
    assert TableSource(tables[0]).digest == first
    (tmp_path / "x" / "a.png").write_bytes(numbered_png(0)[:-1] + b"x")
    assert TableSource(tables[0]).digest != first
    write(tmp_path / "y" / "t.csv", text.replace("y\n", "z\n"))
    assert TableSource(tables[1]).digest != first


def test_an_epoch_has_every_row_once(tmp_path: Path) -> None:
    lines = "".join(f"{n}.png,x\n" for n in range(50))
    source = TableSource(write(tmp_path / "t.csv", "image,caption\n" + lines))
    order = source.epoch_order(3, 1)
    assert sorted(order.tolist()) == list(range(50)) != order.tolist()
