"""Standard streams that take no more, that are closed, or that nobody reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from colour_photos import save
from commands import COMMAND, environment, rows_of

CLASSIFY = (
    '"$S" classify photos --classes red,lime --model synthetic:colours --out out --store store'
)
REFUSED = re.compile(
    r"Error: standard output: cannot be written \([^()]+\)\. Send it elsewhere, or free some "
    r"space: what was written to files is kept\.\n"
)


def shell(line: str, *, home: Path, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """What a person typed, at a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=home,
        env=environment(home) | {"S": COMMAND, "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("red", "lime"):
        save(tmp_path / "photos" / f"{name}.png", name)
    return tmp_path


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["models", "--help", "--version"])
def test_output_that_may_not_grow_is_one_sentence(
    tmp_path: Path, arguments: str, unbuffered: str
) -> None:
    line = f'ulimit -f 0; "$S" {arguments} > said'
    done = shell(line, home=tmp_path, unbuffered=unbuffered)
    assert done.returncode == 1
    assert REFUSED.fullmatch(done.stderr), done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_takes_nothing_ends_a_run_with_one_sentence_and_its_results_stay(
    home: Path, unbuffered: str
) -> None:
    done = shell(f"{CLASSIFY} 1< /dev/null", home=home, unbuffered=unbuffered)
    assert done.returncode == 1
    assert REFUSED.fullmatch(done.stderr), done.stderr
    assert [row["label"] for row in rows_of(home / "out")] == ["lime", "red"]


def test_where_nothing_is_printed_a_full_output_changes_nothing(tmp_path: Path) -> None:
    done = shell('"$S" classify 1< /dev/null', home=tmp_path, unbuffered="1")
    assert (done.returncode, "standard output" in done.stderr) == (2, False)
    assert "--classes" in done.stderr


def test_a_pipe_that_nobody_reads_is_left_in_silence(tmp_path: Path) -> None:
    # The reader is gone before the first line: what is after `;` waits for it.
    done = shell('( sleep 0.1; "$S" models; echo "code $?" >&2 ) | true', home=tmp_path)
    assert done.stderr == "code 1\n"


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_result(home: Path, closed: str) -> None:
    done = shell(f"{CLASSIFY} {closed}", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["label"] for row in rows_of(home / "out")] == ["lime", "red"]
    for path in (home / "out").iterdir():
        path.unlink()  # the second time every row comes from the store: it was not written into
    again = shell(CLASSIFY, home=home)
    assert again.returncode == 0
    assert "0 encoded now" in again.stdout


def test_errors_that_cannot_be_said_change_no_exit_code(tmp_path: Path) -> None:
    assert shell('"$S" classify a.jpg 2< /dev/null', home=tmp_path).returncode == 2
