from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_rows import RUN
from sightglass.errors import MissingExtraError, ResultsError
from sightglass.inputs.manifests import read_manifest
from sightglass.reports import parquet_table
from sightglass.reports.folder import PARQUET, write_results
from sightglass.reports.parquet_table import ParquetTable, require_parquet
from sightglass.reports.prediction import Row
from sightglass.reports.tables import CSV_COLUMNS
from sightglass.reports.work import Work
from sightglass.whole_files import replacing

# Six decimals, as rows have them.
NUMBERS = st.integers(0, 1_000_000).map(lambda n: n / 1_000_000)
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=6)
RANKED = st.lists(st.fixed_dictionaries({"label": TEXTS, "probability": NUMBERS}), max_size=4)
ROWS = st.fixed_dictionaries(
    {
        "path": TEXTS,
        "outcome": st.sampled_from(["ok", "duplicate"]),
        "detail": TEXTS,
        "label": st.none() | TEXTS,
        "confidence": st.none() | NUMBERS,
        "unknown_score": st.none() | NUMBERS,
        "margin": st.none() | NUMBERS,
        "top": RANKED,
        "width": st.none() | st.integers(1, 1 << 30),
        "height": st.none() | st.integers(1, 1 << 30),
        "sha256": st.none() | st.just("ab" * 32),
        "opinions": st.lists(
            st.fixed_dictionaries({"alignment": TEXTS, "weight": NUMBERS, "top": RANKED}),
            max_size=2,
        ),
        "nearest_references": st.lists(
            st.fixed_dictionaries(
                {
                    "reference": TEXTS,
                    "label": TEXTS,
                    "alignment": TEXTS,
                    "similarity": NUMBERS,
                    "sha256": TEXTS,
                }
            ),
            max_size=2,
        ),
    }
)


def written(path: Path, rows: list[Row]) -> pyarrow.Table:
    with replacing(path) as stream, ParquetTable(stream) as table:
        for row in rows:
            table.write(row)
    return pyarrow.parquet.read_table(path)


def valid(value: Any) -> Any:
    """The oracle: JSON with lone surrogates as the escapes that Python's own codec writes."""
    text = json.dumps(value, ensure_ascii=False)
    clean = "".join(
        f"\\\\u{ord(letter):04x}" if "\ud800" <= letter <= "\udfff" else letter for letter in text
    )
    return json.loads(clean)


@settings(max_examples=20)
@given(rows=st.lists(ROWS, max_size=5), at_once=st.integers(1, 4))
def test_a_table_holds_what_the_rows_hold_in_groups_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], at_once: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_table, "ROWS_PER_GROUP", at_once)
        table = written(path, rows)
    assert pyarrow.parquet.ParquetFile(path).num_row_groups == -(-len(rows) // at_once)
    assert [{name: row[name] for name in rows[0]} for row in table.to_pylist()] == valid(rows)
    for row, read in zip(valid(rows), table.to_pylist(), strict=True):
        for rank in (2, 3):
            other = row["top"][rank - 1] if len(row["top"]) >= rank else {}
            assert read[f"label_{rank}"] == other.get("label")
            assert read[f"confidence_{rank}"] == other.get("probability")


def test_the_columns_begin_as_those_of_the_csv_and_an_empty_table_has_them_too(
    tmp_path: Path,
) -> None:
    table = written(tmp_path / "a.parquet", [])
    assert tuple(table.column_names[: len(CSV_COLUMNS)]) == CSV_COLUMNS
    assert table.column_names[len(CSV_COLUMNS) :] == [
        *("margin", "width", "height", "sha256", "top", "opinions", "nearest_references")
    ]
    assert table.num_rows == 0


@given(
    names=st.lists(
        st.text(
            st.one_of(
                st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
                st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
            ),
            min_size=1,
        ).filter(lambda name: "\\udc" not in name),
        min_size=1,
        max_size=4,
    )
)
def test_a_table_is_a_manifest_of_the_names_that_it_was_made_from(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "own.parquet"
    written(path, [row_of(name) for name in names])
    assert list(read_manifest(str(path))) == names


def row_of(name: str) -> Row:
    empty: Row = {"path": name, "outcome": "corrupt", "detail": "", "label": None, "top": []}
    return {**empty, "confidence": None, "opinions": [], "nearest_references": []}


def results(folder: Path, rows: Any, *, parquet: bool) -> None:
    write_results(
        folder,
        rows,
        run=lambda: RUN,
        thumbnails=lambda _: None,
        work=Work(),
        parquet=parquet,
    )


FULL = [
    {**row_of(f"{n}.jpg"), "unknown_score": None, "margin": None, "width": None, "height": None}
    | {"sha256": None}
    for n in range(3)
]


def test_a_run_that_does_not_ask_for_it_leaves_none_of_an_earlier_one(tmp_path: Path) -> None:
    results(tmp_path, iter(FULL), parquet=True)
    assert pyarrow.parquet.read_table(tmp_path / PARQUET)["path"].to_pylist() == [
        *("0.jpg", "1.jpg", "2.jpg")
    ]
    results(tmp_path, iter(FULL), parquet=False)
    assert not (tmp_path / PARQUET).exists()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_run_that_stops_leaves_the_table_of_the_one_before(tmp_path: Path) -> None:
    results(tmp_path, iter(FULL), parquet=True)
    before = (tmp_path / PARQUET).read_bytes()

    def stopped() -> Any:
        yield FULL[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results(tmp_path, stopped(), parquet=True)
    assert (tmp_path / PARQUET).read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("rows", [1, 3000])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(parquet_table, "ROWS_PER_GROUP", 100)
    lines = [{**FULL[0], "path": os.urandom(50).hex()} for _ in range(rows)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))  # no file may be larger
    try:
        with pytest.raises(ResultsError) as caught:
            written(tmp_path / "a.parquet", lines)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value).startswith(
        f"{tmp_path / 'a.parquet'}: cannot be written (File too large). Free some space"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    require_parquet()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"Writing predictions.parquet .*sightglass\[scale"):
        require_parquet()
