from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from report_rows import RUN
from sightglass import ZeroShotClassifier
from sightglass.errors import InputError, ResultsError
from sightglass.inputs.outcome import Outcome
from sightglass.inputs.spooled_texts import SpooledTexts
from sightglass.reports.folder import (
    OWN_FILES,
    PARQUET,
    prepare_folder,
    require_store_apart,
    without_own_files,
    write_results,
)
from sightglass.reports.prediction import Prediction, Row
from sightglass.reports.work import Work
from sightglass.whole_files import only_writer

FAILED = [
    Prediction(outcome=Outcome(path=f"{n}.jpg", status="corrupt", detail="empty")).as_row()
    for n in range(3)
]


def write(folder: Path, rows: Any, work: Work | None = None) -> None:
    work = work or Work()
    write_results(
        folder,
        rows,
        run=lambda: {**RUN, "timings": dict(work.seconds)},
        thumbnails=lambda _: None,
        work=work,
    )


def test_a_folder_is_made_with_those_above_it_and_left_empty(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")
    prepare_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_is_probed_under_a_name_that_nobody_writes_to(tmp_path: Path) -> None:
    for name in (*OWN_FILES, PARQUET):
        (tmp_path / f"{name}.part").write_text("of another run")
    prepare_folder(tmp_path)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"of another run"}
    assert len(list(tmp_path.iterdir())) == 5


def test_a_folder_that_is_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError) as caught:
        prepare_folder(tmp_path / "out")
    assert str(caught.value) == (
        f"{tmp_path / 'out'}: a folder that can be written is needed for the results (File exists)."
        " Choose another with --out."
    )
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("name", [*OWN_FILES, PARQUET])
def test_a_folder_where_a_file_of_results_goes_is_refused_before_any_work(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError) as caught:
        prepare_folder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / name}: results are written to a file of this name, this is a folder. Move it "
        f"away, or choose another folder with --out."
    )


def test_at_no_moment_do_files_of_two_runs_lie_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_of(name: str) -> str:
        """Which run a file is of: each names a path, or the command, of its own."""
        data = (tmp_path / name).read_bytes()
        (found,) = [run for run in ("run-b4e1", "run-af73") if run.encode() in data]
        return found

    def write_as(run: str) -> None:
        outcome = Outcome(path=f"{run}.jpg", status="corrupt", detail="empty")
        rows = [Prediction(outcome=outcome).as_row()]
        record = {**RUN, "command": [run]}
        write_results(
            tmp_path,
            rows,
            run=lambda: record,
            thumbnails=lambda _: None,
            work=Work(),
            parquet=run == "run-b4e1",
        )

    seen: list[tuple[bool, set[str]]] = []

    def look() -> None:
        names = [name for name in (*OWN_FILES, PARQUET) if (tmp_path / name).is_file()]
        seen.append(("run.json" in names, {run_of(name) for name in names}))

    write_as("run-b4e1")
    real_unlink, real_replace = Path.unlink, Path.replace

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        real_unlink(path, missing_ok=missing_ok)
        look()

    def replace(path: Path, target: Path) -> None:
        real_replace(path, target)
        look()

    monkeypatch.setattr(Path, "unlink", unlink)
    monkeypatch.setattr(Path, "replace", replace)
    write_as("run-af73")
    # Five files go, run.json first; four come, run.json last.
    before, after = (False, {"run-b4e1"}), (False, {"run-af73"})
    assert seen == [*[before] * 4, (False, set()), *[after] * 3, (True, {"run-af73"})]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(OWN_FILES)


def test_a_parquet_that_cannot_be_removed_is_one_sentence_and_the_tables_stay(
    tmp_path: Path,
) -> None:
    write(tmp_path, iter(FAILED))
    before = (tmp_path / "predictions.csv").read_bytes()
    (tmp_path / PARQUET).mkdir()  # since the folder was prepared
    with pytest.raises(
        ResultsError, match=r"is of an earlier run and cannot be removed \(.*Remove"
    ):
        write(tmp_path, iter(FAILED[:1]))
    assert (tmp_path / "predictions.csv").read_bytes() == before


def test_results_of_an_earlier_run_are_not_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = [os.path.join("out", name) for name in OWN_FILES]  # noqa: PTH118 - as a person spells it
    parts = [f"./out/../out/{name}.part" for name in OWN_FILES]
    others = ["out/cat.jpg", "report.html", "out/deep/run.json", "out/run.json.bak"]
    assert without_own_files([*own, *others, *parts], Path("out"), None) == others
    assert without_own_files([*own, *others], tmp_path / "out", None) == others
    (tmp_path / "out").mkdir()
    (tmp_path / "linked").symlink_to("out")
    linked = [f"linked/{name}" for name in OWN_FILES]
    assert without_own_files([*linked, *others], Path("out"), None) == others


def test_what_was_set_aside_of_the_store_is_no_picture(tmp_path: Path) -> None:
    store = tmp_path / "pictures" / "kept.sqlite"
    own = [f"{store}{end}" for end in ("", "-wal", ".damaged-unread", ".damaged-20300101-000000")]
    others = [str(store.with_name(name)) for name in ("kept.sqlite.jpg", "other.damaged-1")]
    assert list(without_own_files([*own, *others], tmp_path / "out", store)) == others


def test_unfinished_work_of_many_machines_is_no_picture_and_other_folders_called_so_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = "out/shards/0123456789abcdef"
    own = [f"{run}/0000000.jsonl", f"{run}/0000000.jpegs", f"./{run}/0000001.jsonl.part"]
    others = [
        "elsewhere/shards/0123456789abcdef/a.jpg",
        "out/shards.jpg",
        "out/shards/cats/a.jpg",
        "out/shards/a.jpg",
        "s3://bucket/" + own[0],
        "shards\0.jpg",
    ]
    left = without_own_files(SpooledTexts(sorted(own + others)), Path("out"), None)
    assert isinstance(left, SpooledTexts)  # and no list: there may be millions
    assert left == sorted(others)
    with pytest.raises(InputError, match="found only earlier results in out"):
        without_own_files(own, Path("out"), None)


def test_the_store_is_no_picture() -> None:
    beside = ["a.jpg", "s.sqlite", "s.sqlite-wal", "s.sqlite-shm", "t.sqlite"]
    left = without_own_files(beside, Path("out"), Path("./s.sqlite"))
    assert left == ["a.jpg", "t.sqlite"]


def test_a_folder_with_nothing_but_our_own_files_is_refused() -> None:
    with pytest.raises(InputError, match="found only earlier results in out"):
        without_own_files(["out/run.json"], Path("out"), None)


def test_a_second_run_into_the_same_folder_is_refused_until_the_first_is_done(
    tmp_path: Path,
) -> None:
    with only_writer(tmp_path):
        with (
            pytest.raises(ResultsError, match="another run is writing its results there"),
            only_writer(tmp_path),
        ):
            pytest.fail("both may write")
        with only_writer(tmp_path.parent):
            pass
    with only_writer(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_all_four_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, iter(FAILED))
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(OWN_FILES)
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 4
    assert len((tmp_path / "predictions.jsonl").read_text().splitlines()) == 3
    assert "0.jpg" in (tmp_path / "report.html").read_text()


def test_run_json_is_written_last_and_knows_how_long_the_report_took(tmp_path: Path) -> None:
    work = Work()
    write(tmp_path, iter(FAILED), work)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["timings"] == work.seconds
    assert list(run["timings"]) == ["report"]


def test_rows_are_taken_one_by_one_and_the_run_is_asked_for_after_the_last(
    tmp_path: Path,
) -> None:
    order: list[str] = []

    def rows() -> Iterator[Row]:
        for row in FAILED:
            order.append(row["path"])
            yield row

    def run() -> dict[str, Any]:
        order.append("run")
        return RUN

    write_results(tmp_path, rows(), run=run, thumbnails=lambda _: None, work=Work())
    assert order == ["0.jpg", "1.jpg", "2.jpg", "run", "run"]


def test_a_run_that_stops_leaves_the_results_of_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, iter(FAILED))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def stopped() -> Iterator[Row]:
        yield FAILED[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, stopped())
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_disk_that_is_full_before_the_last_byte_leaves_the_results_of_the_run_before(
    tmp_path: Path,
) -> None:
    write(tmp_path, iter(FAILED))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for calls_that_work in (0, 1):  # the report, then run.json
        calls = iter([RUN] * calls_that_work)

        def run(calls: Iterator[dict[str, Any]] = calls) -> dict[str, Any]:
            for record in calls:
                return record
            raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(ResultsError, match=r"cannot be written \(No space left on device\)"):
            write_results(tmp_path, FAILED[:1], run=run, thumbnails=lambda _: None, work=Work())
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_store_that_is_a_result_file_is_refused_by_any_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "other").symlink_to("out")
    (tmp_path / "linked").symlink_to("out/predictions.csv")
    (out / "predictions.jsonl").symlink_to("../elsewhere")
    results = [out / "predictions.csv", out / "predictions.jsonl"]
    same = [
        out / "predictions.csv",
        out / "predictions.csv.part",
        out / ".." / "out" / "predictions.csv",
        tmp_path / "other" / "predictions.csv",
        tmp_path / "linked",
        out / "predictions.jsonl",
    ]
    for store in same:
        with pytest.raises(InputError, match=r"a file of its own is needed, .* with --store\."):
            require_store_apart(store, results)
    for store in (out / "store", tmp_path / "predictions.csv", tmp_path / "elsewhere"):
        require_store_apart(store, results)


def test_a_result_writes_the_same_bytes_as_the_folder(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("red", "green", "blue"):
        Image.new("RGB", (30, 20), name).save(photos / f"{name}.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    classifier = ZeroShotClassifier(["red", "green"], model="synthetic:colours", store=None)
    result = classifier.predict(photos)
    prepare_folder(out)
    write_results(
        out,
        (prediction.as_row() for prediction in classifier.stream(result.paths)),
        run=lambda: result.run,
        thumbnails=classifier.thumbnail,
        work=Work(),
    )
    result.to_csv(tmp_path / "predictions.csv")
    result.to_jsonl(str(tmp_path / "predictions.jsonl"))
    result.to_html(tmp_path / "report.html")
    for name in OWN_FILES[:3]:
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
    assert json.loads((out / "run.json").read_text()) == result.run
