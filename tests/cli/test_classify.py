from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import complaints, rows_of, run
from corpus import write_corpus
from sightglass.reports.tables import CSV_COLUMNS

COLOURS = "red,green,blue"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def photos(home: Path) -> Path:
    folder = home / "photos"
    (folder / "deep" / "er").mkdir(parents=True)
    Image.new("RGB", (40, 30), "red").save(folder / "b.png")
    Image.new("RGB", (40, 30), "green").save(folder / "a.jpg")
    Image.new("RGB", (30, 40), "blue").save(folder / "deep" / "er" / "c.webp")
    return folder


def classify(home: Path, *arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
    done = run(
        "classify",
        *arguments,
        "--model",
        "synthetic:colours",
        "--out",
        "out",
        home=home,
        stdin=stdin,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_folder_becomes_four_files_with_the_right_answers(home: Path, photos: Path) -> None:
    code, out, err = classify(home, "photos", "--classes", COLOURS)
    assert (code, complaints(err)) == (0, "")
    rows = rows_of(home / "out")
    assert [(row["path"], row["outcome"], row["label"]) for row in rows] == [
        ("photos/a.jpg", "ok", "green"),
        ("photos/b.png", "ok", "red"),
        ("photos/deep/er/c.webp", "ok", "blue"),
    ]
    assert tuple(rows[0]) == CSV_COLUMNS
    assert sorted(path.name for path in (home / "out").iterdir()) == [
        "predictions.csv",
        "predictions.jsonl",
        "report.html",
        "run.json",
    ]
    assert "photos/a.jpg" in out
    assert "Report: out/report.html" in out


def test_run_json_says_enough_to_run_it_again(home: Path, photos: Path) -> None:
    classify(home, "photos", "--classes", "red|crimson,green,blue", "--top-k", "2")
    record = json.loads((home / "out" / "run.json").read_text())
    assert record["command"][:3] == ["sightglass", "classify", "photos"]
    assert record["classes"][0] == {"name": "red", "names": ["red", "crimson"]}
    assert record["counts"]["ok"] == 3
    assert record["model"]["name"] == "synthetic:colours"
    assert record["model"]["logit_scale"] == 30.0
    assert {"find", "read", "encode", "decide", "report"} <= set(record["timings"])
    assert record["platform"]["libraries"]["pillow"]


def test_a_second_run_with_other_names_decodes_nothing(home: Path, photos: Path) -> None:
    for path in photos.rglob("*.*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    classify(home, "photos", "--classes", COLOURS)
    first = json.loads((home / "out" / "run.json").read_text())
    classify(home, "photos", "--classes", "white,black,orange")
    second = json.loads((home / "out" / "run.json").read_text())
    assert first["work"] == {"read": 3, "decoded": 3, "encoded": 3, "near_ties": 0}
    assert second["work"] == {"read": 0, "decoded": 0, "encoded": 0, "near_ties": 0}
    assert second["counts"]["ok"] == 3


def test_results_inside_the_searched_folder_are_not_taken_for_pictures(
    home: Path, photos: Path
) -> None:
    for _ in range(2):
        code, _, _ = classify(home, ".", "--classes", COLOURS)
        assert code == 0
    paths = [row["path"] for row in rows_of(home / "out")]
    assert not [path for path in paths if path.startswith("./out")]
    assert [path for path in paths if "photos" in path] == [
        "./photos/a.jpg",
        "./photos/b.png",
        "./photos/deep/er/c.webp",
    ]


def test_paths_come_from_standard_input(home: Path, photos: Path) -> None:
    code, _, _ = classify(home, "-", "--classes", COLOURS, stdin="photos/b.png\nphotos/gone.png\n")
    assert code == 0
    assert [(row["path"], row["outcome"]) for row in rows_of(home / "out")] == [
        ("photos/b.png", "ok"),
        ("photos/gone.png", "unreadable"),
    ]


def test_globs_and_files_are_sources_too(home: Path, photos: Path) -> None:
    code, _, _ = classify(home, "photos/*.jpg", "photos/b.png", "--classes", COLOURS)
    assert code == 0
    assert [row["path"] for row in rows_of(home / "out")] == ["photos/a.jpg", "photos/b.png"]


def test_names_come_from_a_file(home: Path, photos: Path) -> None:
    (home / "names.txt").write_text("# mine\nred|crimson\n\ngreen\nblue\n", encoding="utf-8-sig")
    code, _, _ = classify(home, "photos", "--classes", "names.txt")
    assert code == 0
    assert {row["label"] for row in rows_of(home / "out")} == {"red", "green", "blue"}


def test_a_bad_file_is_a_row_and_a_sentence_and_does_not_stop(home: Path, photos: Path) -> None:
    (photos / "aa.jpg").write_bytes((photos / "a.jpg").read_bytes()[:150])
    code, out, _ = classify(home, "photos", "--classes", COLOURS)
    assert code == 0
    (bad,) = [row for row in rows_of(home / "out") if row["path"] == "photos/aa.jpg"]
    assert (bad["outcome"], bad["label"], bad["confidence"]) == ("truncated", "", "")
    assert bad["detail"]
    assert "1 of 4 files could not be used; the first is photos/aa.jpg (truncated" in out


def test_strict_stops_at_the_first_bad_file_and_leaves_old_results(
    home: Path, photos: Path
) -> None:
    classify(home, "photos", "--classes", COLOURS)
    before = (home / "out" / "predictions.csv").read_bytes()
    (photos / "aa.jpg").write_bytes(b"")
    code, _, err = classify(home, "photos", "--classes", COLOURS, "--strict")
    assert code == 1
    assert err.startswith("Error: photos/aa.jpg: corrupt (empty file (0 bytes)). Stopped because")
    assert (home / "out" / "predictions.csv").read_bytes() == before
    assert not list((home / "out").glob("*.part"))


def test_nothing_usable_is_failed_work(home: Path) -> None:
    (home / "photos").mkdir()
    (home / "photos" / "a.jpg").write_bytes(b"nothing")
    code, _, _ = classify(home, "photos", "--classes", COLOURS)
    assert code == 1
    assert rows_of(home / "out")[0]["outcome"] == "unsupported"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["photoss", "--classes", COLOURS], "'photoss' does not exist. Did you mean 'photos'?"),
        (["photos", "--classes", "red"], "at least two are needed, got only 'red'"),
        (["photos", "--classes", "red,blue,Red"], "red"),
        (["photos", "--classes", "red,unknown"], "unknown"),
        (["photos", "--classes", "nams.txt"], "nams.txt"),
        (["photos", "--classes", COLOURS, "--prompts", "singel"], "Did you mean 'single'?"),
        (["photos", "--classes", COLOURS, "--store", "photos/a.jpg/x"], "--store"),
        (["empty", "--classes", COLOURS], "empty"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    home: Path, photos: Path, arguments: list[str], sentence: str
) -> None:
    (home / "empty").mkdir()
    code, _, err = classify(home, *arguments)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not (home / "out").exists()


def test_an_unknown_encoder_names_the_closest(home: Path, photos: Path) -> None:
    done = run("classify", "photos", "--classes", COLOURS, "--model", "minni", home=home)
    assert done.returncode == 2
    assert "Unknown encoder 'minni'. Did you mean 'mini'?" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["clasify"], ["classify"], ["classify", "x", "--top-k", "0"]]
)
def test_a_wrong_command_line_ends_with_exit_code_2(home: Path, arguments: list[str]) -> None:
    assert run(*arguments, home=home).returncode == 2


def test_debug_shows_where_an_error_arose(home: Path, photos: Path) -> None:
    done = run("--debug", "classify", "photos", "--classes", "red", home=home)
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_results_folder_that_cannot_be_made_is_said_before_the_work(
    home: Path, photos: Path
) -> None:
    (home / "out").write_text("a file")
    code, _, err = classify(home, "photos", "--classes", COLOURS)
    assert code == 2
    assert "Choose another with --out" in err


def test_top_k_sets_how_many_classes_are_listed(home: Path, photos: Path) -> None:
    classify(home, "photos", "--classes", "red,green,blue,white,black", "--top-k", "5")
    lines = (home / "out" / "predictions.jsonl").read_text().splitlines()
    assert all(len(json.loads(line)["top"]) == 5 for line in lines)


def test_without_unknown_every_picture_gets_a_class(home: Path, photos: Path) -> None:
    Image.new("RGB", (9, 9), "yellow").save(photos / "y.png")
    classify(home, "photos/y.png", "--classes", "blue,navy")
    allowed = rows_of(home / "out")[0]
    classify(home, "photos/y.png", "--classes", "blue,navy", "--no-unknown")
    forced = rows_of(home / "out")[0]
    assert allowed["label"] == "unknown"
    assert allowed["detail"].startswith("nearest class: ")
    assert forced["label"] in ("blue", "navy")
    assert forced["unknown_score"] == allowed["unknown_score"]


def test_a_copy_is_classified_and_called_a_duplicate(home: Path, photos: Path) -> None:
    shutil.copy(photos / "a.jpg", photos / "z.jpg")
    classify(home, "photos", "--classes", COLOURS)
    rows = {row["path"]: row for row in rows_of(home / "out")}
    copy = rows["photos/z.jpg"]
    assert (copy["outcome"], copy["label"]) == ("duplicate", "green")
    assert copy["detail"] == "same bytes as photos/a.jpg"


def test_a_folder_of_300_damaged_odd_and_hostile_files_gives_300_rows(home: Path) -> None:
    expected = write_corpus(home / "photos")
    assert len(expected) == 300
    done = run(
        "classify", "photos", "--classes", "cat,<script>alert(1)</script>,a\u202eb", home=home
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    out = home / "sightglass-results"
    rows = rows_of(out)
    assert len(rows) == 300
    lines = (out / "predictions.jsonl").read_text().splitlines()
    statuses = {json.loads(line)["path"]: json.loads(line)["outcome"] for line in lines}
    wrong = {
        path: (status, statuses["photos/" + path])
        for path, status in expected.items()
        if status != "any" and statuses["photos/" + path] not in (status, "duplicate")
    }
    assert wrong == {}
    again = run(
        "classify", "photos", "--classes", "cat,<script>alert(1)</script>,a\u202eb", home=home
    )
    assert again.returncode == 0
    assert rows_of(out) == rows


def test_hostile_names_cannot_steer_the_terminal(home: Path) -> None:
    (home / "photos").mkdir()
    Image.new("RGB", (9, 9), "red").save(home / "photos" / "\x1b[31mred\nnew [bold]line.png")
    code, out, _ = classify(home, "photos", "--classes", "[red]red[/red],blue")
    assert code == 0
    assert "\x1b" not in out
    assert "\\x1b[31mred\\nnew [bold]line.png" in out
    assert "[red]red[/red]" in out


def test_a_file_without_permission_is_a_row(home: Path, photos: Path) -> None:
    (photos / "a.jpg").chmod(0)
    if os.geteuid() == 0:  # root may read everything; a socket nobody may
        (photos / "a.jpg").unlink()
        os.mknod(photos / "a.jpg", stat.S_IFSOCK | 0o600)
    code, _, _ = classify(home, "photos", "--classes", COLOURS)
    assert code == 0
    assert [row["outcome"] for row in rows_of(home / "out")] == ["unreadable", "ok", "ok"]


def test_a_reduced_jpeg_and_the_same_picture_whole_get_the_same_answer(home: Path) -> None:
    from skimage import data

    folder = home / "photos"
    folder.mkdir()
    cat = Image.fromarray(data.chelsea()).resize((3000, 2000), Image.Resampling.LANCZOS)
    cat.save(folder / "cat.jpg", quality=92)
    cat.save(folder / "cat.png", compress_level=1)
    done = run("classify", "photos", "--classes", "cat,dog,coffee", home=home)
    assert done.returncode == 0
    reduced, whole = rows_of(home / "sightglass-results")
    assert reduced["label"] == whole["label"] == "cat"
    assert np.isclose(float(reduced["confidence"]), float(whole["confidence"]), atol=0.01)


def test_a_full_disk_is_one_sentence_and_leaves_no_half_files(home: Path, photos: Path) -> None:
    # A limit on the size of any file stands for the full disk: store and report are larger.
    import resource
    import subprocess

    from commands import COMMAND, environment

    arguments = ["classify", "photos", "--classes", COLOURS, "--model", "synthetic:colours"]
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 1
    note, error = done.stderr.splitlines()
    assert note.startswith("Note: store: ")
    assert note.endswith("Nothing is remembered in this run.")
    assert error.startswith("Error: sightglass-results/report.html: cannot be written (File too")
    assert not list((home / "sightglass-results").glob("*.part"))


def test_a_terminal_that_lacks_a_letter_does_not_end_the_run(home: Path, photos: Path) -> None:
    import subprocess

    from commands import COMMAND, environment

    (photos / "ž.png").write_bytes(b"")
    done = subprocess.run(
        [COMMAND, "classify", "photos", "--classes", "červená,red", "--model", "synthetic:colours"],
        cwd=home,
        env={**environment(home), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u017e.png" in done.stdout


def test_closed_standard_input_is_an_empty_list(home: Path) -> None:
    import subprocess

    from commands import COMMAND, environment

    done = subprocess.run(
        f"{COMMAND} classify - --classes red,blue <&-",
        shell=True,
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'-' gives none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_and_results_in_the_searched_folder_are_no_pictures(
    home: Path, photos: Path
) -> None:
    for _ in range(2):
        done = run(
            *("classify", "photos", "--classes", COLOURS, "--model", "synthetic:colours"),
            *("--store", "photos/s.sqlite", "--out", "photos", "--strict"),
            home=home,
        )
        assert done.returncode == 0, done.stderr
    assert len(rows_of(photos)) == 3


def test_a_folder_with_only_results_is_wrong_usage(home: Path, photos: Path) -> None:
    classify(home, "photos", "--classes", COLOURS)
    code, _, err = classify(home, "out", "--classes", COLOURS)
    assert code == 2
    assert "found only earlier results in out" in err


def test_a_long_path_is_shown_whole(home: Path) -> None:
    folder = home / ("long" * 30)
    folder.mkdir()
    Image.new("RGB", (9, 9), "red").save(folder / "a.png")
    import subprocess

    from commands import COMMAND, environment

    done = subprocess.run(
        [COMMAND, "classify", folder.name, "--classes", "red,blue", "--model", "synthetic:colours"],
        cwd=home,
        env={**environment(home), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "…" not in done.stdout
    assert done.stdout.count("long") == 30
