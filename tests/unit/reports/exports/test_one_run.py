from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sightglass.errors import ResultsError
from sightglass.reports.exports.one_run import lock_of, only_run_on


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    with only_run_on(out):
        with pytest.raises(ResultsError, match="out: another run is writing it"), only_run_on(out):
            pass
        assert lock_of(out).exists()  # the one that was refused leaves it
        with only_run_on(other):
            pass
    with only_run_on(out):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from sightglass.reports.exports.one_run import only_run_on\n"
        "with only_run_on(pathlib.Path(sys.argv[1])): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "out"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ResultsError, match="another run"), only_run_on(tmp_path / "out"):
            pass
        process.kill()
    assert lock_of(tmp_path / "out").exists()
    with only_run_on(tmp_path / "out"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_file_of_that_name_with_something_in_it_stays_and_a_link_is_not_followed(
    tmp_path: Path,
) -> None:
    lock_of(tmp_path / "out").write_text("mine")
    with only_run_on(tmp_path / "out"):
        pass
    assert lock_of(tmp_path / "out").read_text() == "mine"
    lock_of(tmp_path / "other").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(ResultsError, match=r"\.other\.lock: must be a file that can be written"),
        only_run_on(tmp_path / "other"),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()
