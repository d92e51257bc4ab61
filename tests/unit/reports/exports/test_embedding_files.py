from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exported_runs import files_in
from sightglass.encoders.embeddings import Embeddings
from sightglass.errors import InputError, ResultsError
from sightglass.inputs.outcome import Outcome
from sightglass.reports.exports.embedded_pictures import FORMAT, EmbeddedPicture, NamedRows
from sightglass.reports.exports.embedding_files import (
    prepare_embedding_files,
    write_embeddings,
)

DIM = 3
CARD = {"format": FORMAT, "encoder": {"fingerprint": "f" * 32, "dim": DIM}}


def pictures(n: int, failed: Sequence[int] = ()) -> list[EmbeddedPicture]:
    rows = np.random.default_rng(n).standard_normal((n, DIM)).astype(np.float32)
    return [
        EmbeddedPicture(outcome=Outcome(path=f"{i}.jpg", status="corrupt", detail="empty"))
        if i in failed
        else EmbeddedPicture(
            outcome=Outcome(path=f"{i}.jpg", status="ok"),
            sha256=f"{i:064x}",
            width=4 + i,
            height=3,
            row=rows[i],
            norm=float(np.float32(1.1) * i),
        )
        for i in range(n)
    ]


def rows_of(given: Sequence[EmbeddedPicture]) -> np.ndarray:
    return np.array([one.row for one in given if one.row is not None], np.float32).reshape(-1, DIM)


def named() -> NamedRows:
    return NamedRows(
        names=("cat", "sofa"),
        synonyms=(("cat",), ("sofa", "couch")),
        embeddings=Embeddings(rows=np.eye(2, DIM, dtype=np.float32), fingerprint="f" * 32),
    )


def write(out: Path, given: Sequence[EmbeddedPicture], **options: Any) -> None:
    write_embeddings(out, iter(given), dim=DIM, card=CARD, **options)


@pytest.mark.parametrize("n", [0, 1, 9, 10, 1025])
def test_the_npy_file_is_the_one_that_numpy_writes(tmp_path: Path, n: int) -> None:
    given = pictures(n, failed=range(0, n, 7))
    write(tmp_path / "rows.npy", given)
    saved = io.BytesIO()
    np.save(saved, rows_of(given))
    assert (tmp_path / "rows.npy").read_bytes() == saved.getvalue()


def test_the_list_says_which_row_is_whose(tmp_path: Path) -> None:
    write(tmp_path / "rows.npy", pictures(4, failed=[1]), classes=named())
    lines = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == [0, None, 1, 2]
    assert lines[2] == {
        "path": "2.jpg",
        "outcome": "ok",
        "detail": "",
        "sha256": f"{2:064x}",
        "width": 6,
        "height": 3,
        "norm": pytest.approx(2.2),
        "row": 1,
    }
    card = json.loads((tmp_path / "rows.card.json").read_text())
    assert card == CARD | {
        "classes": [
            {"name": "cat", "names": ["cat"]},
            {"name": "sofa", "names": ["sofa", "couch"]},
        ],
        "files": ["rows.npy", "rows.jsonl", "rows.card.json", "rows.classes.npy"],
    }
    assert np.array_equal(np.load(tmp_path / "rows.classes.npy"), np.eye(2, DIM))


@pytest.mark.parametrize("n", [0, 1, 1024, 1025])
def test_parquet_holds_the_rows_bit_for_bit_and_a_line_for_every_file(
    tmp_path: Path, n: int
) -> None:
    given = pictures(n, failed=range(0, n, 7))
    write(tmp_path / "rows.parquet", given)
    table = pq.read_table(tmp_path / "rows.parquet")
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[3]"
    assert json.loads(table.schema.metadata[b"sightglass"]) == CARD
    kept = table["embedding"].drop_null().combine_chunks()
    assert np.array_equal(kept.flatten().to_numpy().reshape(-1, DIM), rows_of(given))
    assert table["embedding"].is_null().to_pylist() == [one.row is None for one in given]
    assert table.drop(["embedding"]).to_pylist() == [
        {
            "path": one.outcome.path,
            "outcome": one.outcome.status,
            "detail": one.outcome.detail,
            "sha256": one.sha256,
            "width": one.width,
            "height": one.height,
            "norm": None if one.norm is None else float(np.float32(one.norm)),
        }
        for one in given
    ]


def test_parquet_of_classes_lies_beside(tmp_path: Path) -> None:
    write(tmp_path / "rows.parquet", pictures(1), classes=named())
    assert pq.read_table(tmp_path / "rows.classes.parquet").to_pylist() == [
        {"name": "cat", "names": ["cat"], "embedding": [1, 0, 0]},
        {"name": "sofa", "names": ["sofa", "couch"], "embedding": [0, 1, 0]},
    ]


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_classes_of_an_earlier_file_do_not_stay_beside_another_ones(
    tmp_path: Path, ending: str
) -> None:
    for classes in (named(), None):
        write(tmp_path / f"rows{ending}", pictures(2), classes=classes)
        assert (tmp_path / f"rows.classes{ending}").exists() == (classes is not None)


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_a_name_that_is_not_utf_8_is_written_so_that_every_reader_opens_the_file(
    tmp_path: Path, ending: str
) -> None:
    odd = EmbeddedPicture(outcome=Outcome(path="n\udcff.jpg", status="corrupt"))
    write(tmp_path / f"rows{ending}", [odd])
    if ending == ".npy":
        (line,) = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["path"] == "n\udcff.jpg"
    else:
        assert pq.read_table(tmp_path / "rows.parquet")["path"].to_pylist() == ["n\\udcff.jpg"]


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_a_run_that_stops_leaves_the_earlier_file(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"rows{ending}"
    write(out, pictures(3), classes=named())
    before = files_in(tmp_path)

    def stops() -> Any:
        yield from pictures(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_embeddings(out, stops(), dim=DIM, card=CARD)
    assert files_in(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)


def test_a_run_that_stops_between_two_files_leaves_a_card_that_says_so(tmp_path: Path) -> None:
    out = tmp_path / "rows.npy"
    write(out, pictures(2), classes=named())

    def stops() -> Any:
        yield np.zeros(DIM, np.float32)
        raise KeyboardInterrupt

    classes: Any = SimpleNamespace(embeddings=SimpleNamespace(rows=stops()))
    with pytest.raises(KeyboardInterrupt):
        write(out, pictures(3), classes=classes)
    card = json.loads((tmp_path / "rows.card.json").read_text())
    assert (card["whole"], "encoder" in card) == (False, False)
    prepare_embedding_files(out)  # they are known as ours
    write(out, pictures(3))
    card = json.loads((tmp_path / "rows.card.json").read_text())
    assert card["files"] == ["rows.npy", "rows.jsonl", "rows.card.json"]
    assert {path.name for path in tmp_path.iterdir()} == set(card["files"])


@pytest.mark.parametrize(
    ("out", "mine"),
    [
        ("train.npy", "train.jsonl"),
        ("train.npy", "train.card.json"),
        ("train.npy", "train.classes.npy"),
        ("train.npy", "train.npy"),
        ("train.parquet", "train.parquet"),
        ("train.parquet", "train.classes.parquet"),
    ],
)
@pytest.mark.parametrize("text", ["{}", '{"format": "sightglass-embeddings-1"}', "[", "my work"])
def test_a_file_that_somebody_else_wrote_is_neither_replaced_nor_removed(
    tmp_path: Path, out: str, mine: str, text: str
) -> None:
    (tmp_path / mine).write_text(text)
    with pytest.raises(InputError, match=rf"{mine}: a new file or one that embeddings wrote"):
        prepare_embedding_files(tmp_path / out)
    with pytest.raises(InputError, match="which would be lost"):  # it may come hours later
        write(tmp_path / out, pictures(1))
    assert files_in(tmp_path) == {mine: text.encode()}


def test_a_table_of_somebody_elses_is_not_replaced(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["a.jpg"]}), tmp_path / "list.parquet")
    with pytest.raises(InputError, match="which would be lost"):
        prepare_embedding_files(tmp_path / "list.parquet")


def test_files_beside_a_card_that_names_others_are_not_ours(tmp_path: Path) -> None:
    write(tmp_path / "rows.npy", pictures(1))
    (tmp_path / "rows.classes.npy").write_text("mine")
    with pytest.raises(InputError, match=r"rows\.classes\.npy: a new file or one that embeddings"):
        prepare_embedding_files(tmp_path / "rows.npy")


@pytest.mark.parametrize(("out", "written"), [("l.npy", "l.jsonl"), ("l.parquet", "l.parquet")])
def test_a_manifest_is_not_written_over_even_if_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, written: str
) -> None:
    write(tmp_path / out, pictures(1))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to(written)
    for manifest in (written, str(tmp_path / written), f"file://{tmp_path}/{written}", "linked"):
        with pytest.raises(InputError, match="a manifest cannot be written over"):
            prepare_embedding_files(tmp_path / out, manifests=["other.csv", manifest])
    prepare_embedding_files(tmp_path / out, manifests=["other.csv"])


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_a_second_run_on_the_same_file_is_refused_and_the_first_ends_whole(
    tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"rows{ending}"
    write(tmp_path / f"alone{ending}", pictures(3))

    def meets_another() -> Any:
        yield from pictures(3)[:1]
        prepare_embedding_files(out)
        with pytest.raises(ResultsError, match="another run is writing it"):
            write(out, pictures(9))
        yield from pictures(3)[1:]

    write_embeddings(out, meets_another(), dim=DIM, card=CARD)
    assert out.read_bytes() == (tmp_path / f"alone{ending}").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_the_name_decides_the_form_and_others_are_refused(tmp_path: Path) -> None:
    prepare_embedding_files(tmp_path / "new" / "rows.npy")
    assert (tmp_path / "new").is_dir()
    for name in ("rows", "rows.csv", "rows.npz"):
        with pytest.raises(InputError, match=r"ends in \.parquet or \.npy"):
            prepare_embedding_files(tmp_path / name)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file that can be written is needed"):
        prepare_embedding_files(tmp_path / "file" / "rows.npy")
