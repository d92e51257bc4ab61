from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sightglass import whole_files
from sightglass.errors import ResultsError
from sightglass.whole_files import put_bytes, replacing


def put_text(path: Path, data: bytes) -> None:
    with replacing(path) as stream:
        stream.write(data.decode())


WRITERS = [put_text, put_bytes]


@pytest.mark.parametrize("plant", [os.symlink, os.link])
@pytest.mark.parametrize("write", WRITERS)
def test_a_link_under_the_name_of_the_unfinished_file_leads_nowhere(
    tmp_path: Path, write: Callable[[Path, bytes], None], plant: Callable[[Path, Path], None]
) -> None:
    precious, path = tmp_path / "precious", tmp_path / "a.csv"
    precious.write_text("mine")
    plant(precious, tmp_path / "a.csv.part")
    write(path, b"new")
    assert (precious.read_text(), path.read_text()) == ("mine", "new")
    assert path.stat().st_nlink == 1
    assert not path.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.csv", "precious"]


@pytest.mark.parametrize("write", WRITERS)
def test_what_a_killed_run_left_is_replaced(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    path = tmp_path / "a.csv"
    killed = (
        "import os, pathlib, sys; from sightglass.whole_files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as stream:\n"
        "    stream.write('much more than comes after it'); stream.flush(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", killed, path], check=False).returncode == -9
    assert (tmp_path / "a.csv.part").stat().st_size > 0
    write(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_run_at_the_same_file_is_refused_and_the_first_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_files, "_PATIENCE", 0.05)
    path = tmp_path / "a.csv"
    with replacing(path) as stream:
        stream.write("first")
        for write in WRITERS:
            with pytest.raises(ResultsError, match=r"another is writing it\. Wait for it"):
                write(path, b"second")
        stream.write(" and whole")
    assert path.read_text() == "first and whole"
    put_bytes(path, b"third")
    assert path.read_text() == "third"


def test_a_run_that_is_interrupted_leaves_no_half_of_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sightglass.whole_files.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put_bytes(tmp_path / "a.bin", b"some")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_under_the_name_of_the_unfinished_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv.part").mkdir()
    with pytest.raises(ResultsError, match=r"a\.csv: cannot be written"):
        put_text(tmp_path / "a.csv", b"new")
    assert (tmp_path / "a.csv.part").is_dir()
