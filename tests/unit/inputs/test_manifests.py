from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import re
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picture_server import Page, PictureServer
from sightglass.errors import InputError, MissingExtraError, ResultsError
from sightglass.inputs.manifests import read_manifest
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction
from sightglass.reports.tables import write_csv, write_jsonl

# As file names are decoded: any text without NUL, bytes that are not UTF-8 as lone surrogates.
NAMES = st.lists(
    st.text(
        st.one_of(
            st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
            st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
            st.sampled_from("=+-@'\"\t\r\n,;\\ "),
        ),
        min_size=1,
        max_size=12,
    ).filter(lambda name: "\\udc" not in name),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(manifest: str, text: str | bytes, column: str | None = None) -> list[str]:
    Path(manifest).write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_manifest(manifest, column=column))


def complaint(manifest: str, text: str | bytes, column: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        listed(manifest, text, column)
    return str(caught.value)


def as_rows(names: list[str]) -> list[dict[str, object]]:
    return [Prediction(outcome=Outcome(path=name, status="ok")).as_row() for name in names]


@pytest.mark.parametrize("name", ["a.txt", "a", "a.lst"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_lists_one_path_per_line(at: Path, name: str, end: str) -> None:
    text = end.join(["\ufeffb c.jpg", "", "  ", "# no comment.jpg", "s3://b/k?v=1", "b c.jpg"])
    expected = ["b c.jpg", "# no comment.jpg", "s3://b/k?v=1", "b c.jpg"]
    assert listed(name, text) == listed(name, text + end) == expected


def test_names_with_line_ends_are_separated_by_nul(at: Path) -> None:
    assert listed("a.txt", "two\nlines.jpg\0\0 b\r.jpg\0") == ["two\nlines.jpg", " b\r.jpg"]


@given(names=NAMES)
def test_what_find_print0_lists_comes_back_exactly(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        text = b"".join(os.fsencode(name) + b"\0" for name in names)
        path.write_bytes(text)
        # Where most characters are control characters nobody can tell a list from other data.
        controls = sum((byte < 32 and byte not in b"\t\n\r\0") or byte == 127 for byte in text)
        if controls * 50 <= len(text):
            expected = [names[0].removeprefix("\ufeff"), *names[1:]]  # a byte order mark
            assert list(read_manifest(str(path))) == [name for name in expected if name]


def test_csv_gives_the_column_that_holds_paths_with_all_that_quotes_allow(at: Path) -> None:
    text = (
        '\ufefflabel,path,n\r\nx,"two\nlines, ""quoted"".jpg",1\r\n\r\ny,,2\r\nz, b.jpg ,3\r\n \r\n'
    )
    assert listed("a.csv", text) == ['two\nlines, "quoted".jpg', " b.jpg "]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_end_as_the_first_line_has_it(at: Path, mark: str) -> None:
    text = f"n{mark}Image\n1{mark}a.jpg\n"
    assert listed("a.csv", text) == listed("a.tsv", text) == ["a.jpg"]


@pytest.mark.parametrize(
    ("name", "text", "paths"),
    [
        ("a.tsv", "path\tnote, long, very\na.jpg\tx, y; z\n", ["a.jpg"]),
        ("a.tsv", "path\np/=cmd,x.jpg\nb;c.jpg\n", ["p/=cmd,x.jpg", "b;c.jpg"]),
        ("a.tsv", 'n\tpath\n"1\t2"\ta,b.jpg\n', ["a,b.jpg"]),
        ("a.tsv.gz", gzip.compress(b"path\na,b.jpg\n", mtime=0), ["a,b.jpg"]),
        ("a.csv", 'path;"notes, free, text"\na.jpg;x, y, z\n', ["a.jpg"]),
        ("a.csv", '"notes; ""free; "" text",path\nx,a;b.jpg\n', ["a;b.jpg"]),
        ("a.csv", 'path;"a note,\nof two, or more, lines"\na.jpg;1\n', ["a.jpg"]),
    ],
)
def test_marks_in_quotes_end_no_column_and_tabs_end_those_of_tsv(
    at: Path, name: str, text: str | bytes, paths: list[str]
) -> None:
    assert listed(name, text) == paths


@pytest.mark.parametrize(
    ("header", "at_column"),
    [
        ("url,path", 1),
        ("file,url", 1),
        ("image,filename,x", 1),
        ("x,image,y", 1),
        ("what", 0),
        ("label, URL ", 1),
    ],
)
def test_the_column_is_the_first_known_name_or_the_only_one(
    at: Path, header: str, at_column: int
) -> None:
    cells = [f"{place}.jpg" for place in range(header.count(",") + 1)]
    assert listed("a.csv", f"{header}\n{','.join(cells)}\n") == [f"{at_column}.jpg"]


def test_another_column_can_be_named(at: Path) -> None:
    assert listed("a.csv", "path,thumb\na.jpg,b.jpg\n", "thumb") == ["b.jpg"]
    assert listed("a.jsonl", '{"path": "a.jpg", "thumb": "b.jpg"}\n', "thumb") == ["b.jpg"]


def test_json_lines_give_one_key(at: Path) -> None:
    text = '{"path": "a\\u00e9\\udcff.jpg", "n": 1}\n\n{"path": ""}\n{"path": null}\n{"path": "b"}'
    assert listed("a.jsonl", text) == listed("a.ndjson", text) == ["aé\udcff.jpg", "b"]


def test_parquet_gives_one_column_whatever_the_file_is_called(at: Path) -> None:
    names = [f"{n}.jpg" if n % 3 else None for n in range(20_000)]
    column = pyarrow.array(names)
    kinds = (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view())
    for array in (*map(column.cast, kinds), column.dictionary_encode()):
        table = pyarrow.table({"n": range(20_000), "url": array})
        pyarrow.parquet.write_table(table, "list", row_group_size=3000)
        assert list(read_manifest("list")) == [name for name in names if name]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv.gz", "path,n\na.jpg,1\n"), ("a.txt.gz", "a.jpg\n"), ("a.jsonl.gz", '{"url":"a.jpg"}')],
)
def test_a_packed_manifest_is_read_like_a_plain_one(at: Path, name: str, text: str) -> None:
    assert listed(name, gzip.compress(text.encode())) == ["a.jpg"]


@given(names=NAMES)
def test_our_own_tables_give_back_the_names_that_they_were_made_from(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "predictions.csv", as_rows(names))
        write_jsonl(Path(folder) / "predictions.jsonl", as_rows(names))
        for name in ("predictions.csv", "predictions.jsonl"):
            assert list(read_manifest(f"{folder}/{name}")) == names


def test_apostrophes_and_escapes_in_a_table_of_others_are_names(at: Path) -> None:
    text = "path,kind\n'=a.jpg,x\n\\udcff.jpg,x\n"
    assert listed("a.csv", text) == ["'=a.jpg", "\\udcff.jpg"]


def test_a_file_that_is_called_like_an_escape_is_itself(at: Path) -> None:
    Path("\\udcff.jpg").touch()
    text = "path,outcome,label\n\\udcff.jpg,ok,x\n\\udcfe.jpg,ok,x\n"
    assert listed("predictions.csv", text) == ["\\udcff.jpg", "\udcfe.jpg"]


def test_names_that_are_not_utf_8_are_names_all_the_same(at: Path) -> None:
    assert listed("a.txt", b"latin-\xe9.jpg\n") == ["latin-\udce9.jpg"]
    assert listed("a.csv", b"path,n\nlatin-\xe9.jpg,1\n") == ["latin-\udce9.jpg"]


def test_a_manifest_may_lie_on_a_web_server(at: Path) -> None:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"path": ["c.jpg"]}), buffer)
    with PictureServer() as server:
        server.pages["/deep/a.csv?key=1"] = Page(b"path,n\na.jpg,1\n")
        server.pages["/list"] = Page(b"b.jpg\n")
        server.pages["/c.parquet"] = Page(buffer.getvalue())
        for address, expected in (
            ("/deep/a.csv?key=1", "a.jpg"),
            ("/list", "b.jpg"),
            ("/c.parquet", "c.jpg"),
        ):
            assert list(read_manifest(server.url + address)) == [expected]
        with pytest.raises(InputError) as caught:
            list(read_manifest(f"{server.url}/gone.csv?key=secret"))
    assert str(caught.value) == (
        f"Manifest: '{server.url}/gone.csv' cannot be read (not found). Check the address and "
        f"your permission."
    )


def test_a_manifest_at_a_url_of_this_machine_is_read_where_it_lies(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    (at / "my lists?").mkdir()
    path = at / "my lists?" / "a.csv"
    path.write_text("path,n\na.jpg,1\n")
    for url in (path.as_uri(), f"file://{path}", f"file://localhost{path}"):
        assert list(read_manifest(url)) == ["a.jpg"]
    with pytest.raises(InputError, match=r"Did you mean '.*/a\.csv'\?$"):
        list(read_manifest(f"file://{path}x"))


@pytest.mark.parametrize("call", ["builtins.open", "tempfile.mkdtemp"])
def test_no_room_for_the_copy_of_a_manifest_is_said_as_that(
    at: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    with PictureServer() as server:
        server.pages["/list"] = Page(b"b.jpg\n")
        monkeypatch.setattr(call, full)
        with pytest.raises(
            ResultsError, match=r"No space left on device\. .*TMPDIR, and run again"
        ):
            list(read_manifest(f"{server.url}/list"))
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.txt", "", "lists no picture. Write one path or URL per line, or per row."),
        ("a.txt", "\n \n", "lists no picture."),
        ("a.csv", "path,n\n,1\n", "lists no picture."),
        ("a.jsonl", "\n", "lists no picture."),
        ("a.csv", "name,n\na.jpg,1\n", "needs a column path, url, file, filename or image, got 'n"),
        ("a.csv", "", "needs a column path, url, file, filename or image, got none."),
        ("a.csv", "path,n\na,b.jpg,1\n", "must have 2 cells in each row, got 3 in line 2. Put quo"),
        ("a.tsv", "path\na\tb.jpg\n", "got 2 in line 2. Put quotes round names that hold tabs."),
        ("a.csv", 'path,n\n"a.jpg,1\nb.jpg,2\n', "must be CSV, but line 3 makes no sense (unexp"),
        ("a.csv", 'path,n\n"a"b.jpg,1\n', "must be CSV, but line 2 makes no sense ("),
        ("a.csv", "path,path\na,b\n", "must have one column 'path', got 2."),
        (
            "a.csv",
            "s3://b/a.jpg\ns3://b/b.jpg\n",
            "must name its columns in the first line, got",
        ),
        (
            "a.csv",
            "label,path\ncat,a.jpg\n\n\ndog\n",
            "must have a cell 'path' in each row, but line 5 ends before it. Complete or remove",
        ),
        ("a.csv", 'n,m,path\n1,"two\nlines"\n', "in each row, but line 3 ends before it."),
        (
            "a.jsonl",
            '{"path":"a.jpg"}\n\n{"url":"b.jpg"}\n{"Path":"c.jpg"}\n',
            "must have the key 'path' in each object, got none in line 3. Add it (null for no pic",
        ),
        ("a.jsonl", "a.jpg\n", "must hold a JSON object per line, but line 1 is none ("),
        ("a.jsonl", "[1]\n", "must hold a JSON object per line, got list in line 1."),
        ("a.jsonl", "[" * 90_000 + "\n", "must hold a JSON object per line, but line 1 is none ("),
        ("a.jsonl", '{"path": 3}\n', "line 1, 'path' must be a path or a URL, got int."),
        (
            "a.jsonl",
            "1" * (1 << 20),
            "1,048,576 characters, got a longer one. Give a list of paths or URLs.",
        ),
        (
            "a.txt",
            "1" * (1 << 21),
            "a line of more than 1,048,576 bytes. Give a list of paths or URLs.",
        ),
        ("a.csv", "path\na\n".encode("utf-16"), "must be UTF-8 text, got UTF-16. Save it as"),
        ("a.txt", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "lists pictures, got a picture (JPEG)."),
        ("a.csv", b"PK\x03\x04\x14\0\0\0\x08\0\xff", "got a ZIP archive or office document."),
        (
            "a.txt",
            bytes(range(200, -1, -1)),
            "that lists pictures, got unknown data.",
        ),
        ("a.txt", b"\x1f\x8b\x08\0\0\0\0\0\0\3\xab\xff", "must be whole, but its gzip data are d"),
        (
            "a.txt",
            gzip.compress(b"a.jpg\n" * 999, mtime=0)[:30],
            "must be whole, but its gzip data are d",
        ),
        ("a.parquet", b"PAR1 and no more", "must be whole parquet, but cannot be read as that ("),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    at: Path, name: str, text: str | bytes, sentence: str
) -> None:
    said = complaint(name, text)
    assert sentence in said
    assert said.startswith(f"Manifest: '{name}'")
    assert len(said.splitlines()) == 1


def test_a_column_that_is_absent_names_those_there(at: Path) -> None:
    assert complaint("a.csv", "path,label\nx,y\n", "lable") == (
        "Manifest: 'a.csv' has no column 'lable'. Did you mean 'label'? It has 'path', 'label'."
    )
    assert "has no column 'url'. It has 'n'" in complaint("a.jsonl", '{"n": 1}\n', "url")
    assert "must have columns where one is named ('url')" in complaint("a.txt", "a\n", "url")


def test_the_first_path_of_a_list_without_header_is_not_lost(at: Path) -> None:
    Path("a.jpg").touch()
    assert "Put a line 'path' in front" in complaint("a.csv", "a.jpg\nb.jpg\n")


@pytest.mark.parametrize(
    "first",
    ["gone/one.jpg", "gone\\one", "one.JPG", "one.tif ", "one.webp", "s3://b/one", "/gone/one"],
)
def test_the_first_of_a_list_without_header_is_not_lost_where_it_is_absent(
    at: Path, first: str
) -> None:
    for name in ("a.csv", "a.tsv"):
        for text in (f"{first}\nb.jpg\n", f"{first}\n"):
            assert "must name its columns in the first line, got '" in complaint(name, text)
        # Who says that it is a name is believed.
        assert listed(name, f"{first}\nb.jpg\n", first) == ["b.jpg"]


def test_a_known_heading_is_one_though_a_folder_has_that_name(at: Path) -> None:
    Path("image").mkdir()
    Path("shots").mkdir()
    assert listed("a.csv", "Image\na.jpg\n") == ["a.jpg"]
    assert "got 'shots' there" in complaint("a.csv", "shots\na.jpg\n")
    assert listed("a.csv", "shots\na.jpg\n", "shots") == ["a.jpg"]
    assert listed("a.csv", "shot.name\na.jpg\n") == ["a.jpg"]


def test_a_parquet_column_of_numbers_is_refused(at: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"path": [1, 2]}), "a.parquet")
    with pytest.raises(InputError, match="must have text in its column 'path', got int64"):
        list(read_manifest("a.parquet"))


def test_a_manifest_that_is_not_there_names_the_nearest(at: Path) -> None:
    Path("list.csv").touch()
    for name, sentence in (
        ("lists.csv", "Manifest: 'lists.csv' does not exist. Did you mean 'list.csv'?"),
        ("xyz", "Manifest: 'xyz' does not exist. Check the path."),
        (str(at), "must be a file, got a folder. Name folders without --manifest."),
        ("a\0b", "cannot be opened (embedded null byte)."),
    ):
        with pytest.raises(InputError, match=re.escape(sentence)):
            list(read_manifest(name))


def test_parquet_without_its_package_says_how_to_get_it(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    Path("a").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[scale\]'"):
        list(read_manifest("a"))


@pytest.mark.parametrize("kind", ["txt", "csv.gz", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_list(at: Path, kind: str) -> None:
    def write(count: int) -> None:
        names = [f"some/folder/{n:07}.jpg" for n in range(count)]
        if kind == "parquet":
            table = pyarrow.table({"path": names})
            pyarrow.parquet.write_table(table, "list", row_group_size=5000)
            return
        if kind == "jsonl":
            text = "".join(json.dumps({"path": name}) + "\n" for name in names)
        else:
            rows = io.StringIO()
            csv.writer(rows).writerows([["path"], *([name] for name in names)])
            text = rows.getvalue() if "csv" in kind else "\n".join(names)
        data = text.encode()
        Path(f"list.{kind}").write_bytes(gzip.compress(data, 1) if "gz" in kind else data)

    def peak(manifest: Iterator[str]) -> int:
        next(manifest)
        tracemalloc.start()
        for _ in manifest:
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peaks = []
    for count in (20_000, 36_000):
        write(count)
        peaks.append(peak(read_manifest("list" if kind == "parquet" else f"list.{kind}")))
    # The names alone take 1 MB more.
    assert peaks[1] < peaks[0] + 500_000
