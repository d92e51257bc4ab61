"""Digests of weights are those of the bytes, whether remembered or not."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightglass.encoders import weight_hashes
from sightglass.encoders.weight_hashes import sha256_of

# Source: FIPS 180-4's example of one block.
OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
PLANTED = "5" * 64


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of three bytes that counts as large, and as written long ago."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(weight_hashes, "_SETTLED_NS", 0)
    monkeypatch.setattr(weight_hashes.time, "time_ns", lambda: 2**62)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"abc")
    return path


def notes(weights: Path) -> list[Path]:
    return sorted((weights.parent / "cache").rglob("*.json"))


def plant(weights: Path) -> None:
    """Change what is remembered, so that one can tell whether it is looked at."""
    (note,) = notes(weights)
    note.write_text(json.dumps({**json.loads(note.read_text()), "sha256": PLANTED}))


def test_the_digest_is_that_of_the_bytes(weights: Path) -> None:
    assert sha256_of(weights, large=3) == OF_ABC
    assert sha256_of(weights, large=4) == OF_ABC


def test_a_large_file_that_did_not_change_is_not_read_again(weights: Path) -> None:
    sha256_of(weights, large=3)
    plant(weights)
    assert sha256_of(weights, large=3) == PLANTED


def test_small_files_leave_no_note(weights: Path) -> None:
    sha256_of(weights, large=4)
    assert notes(weights) == []


def test_a_change_is_noticed_though_size_and_date_were_put_back(weights: Path) -> None:
    before = weights.stat()
    sha256_of(weights, large=3)
    plant(weights)
    while weights.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system is coarse
        weights.write_bytes(b"abd")
        os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.stat().st_mtime_ns == before.st_mtime_ns
    assert sha256_of(weights, large=3) == hashlib.sha256(b"abd").hexdigest()


def test_another_file_of_the_same_name_is_noticed(weights: Path, tmp_path: Path) -> None:
    sha256_of(weights, large=3)
    plant(weights)
    other = tmp_path / "other"
    other.write_bytes(b"abd")
    other.replace(weights)
    assert sha256_of(weights, large=3) == hashlib.sha256(b"abd").hexdigest()


def test_a_link_shares_the_note_of_its_target(weights: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(weights)
    sha256_of(link, large=3)
    plant(weights)
    assert sha256_of(weights, large=3) == PLANTED


def test_a_file_that_changed_a_moment_ago_leaves_no_note(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = weights.stat().st_ctime_ns
    monkeypatch.setattr(weight_hashes, "_SETTLED_NS", 100)
    monkeypatch.setattr(weight_hashes.time, "time_ns", lambda: changed + 100)
    assert sha256_of(weights, large=3) == OF_ABC
    assert notes(weights) == []


def test_where_no_note_can_be_written_the_digest_is_right_all_the_same(
    weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    assert sha256_of(weights, large=3) == OF_ABC


@given(
    damaged=st.binary()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b'{"sha256": "../../x"}', b"[" * 100_000, b'{"sha256": null}'])
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_note_is_not_trusted(weights: Path, damaged: bytes) -> None:
    sha256_of(weights, large=3)
    (note,) = notes(weights)
    note.write_bytes(damaged)
    assert sha256_of(weights, large=3) == OF_ABC


@pytest.mark.parametrize("digest", ["", "A" * 64, "5" * 63, "5" * 65, "5" * 64 + "\n", 5])
def test_what_is_no_digest_is_not_given(weights: Path, digest: object) -> None:
    sha256_of(weights, large=3)
    (note,) = notes(weights)
    note.write_text(json.dumps({**json.loads(note.read_text()), "sha256": digest}))
    assert sha256_of(weights, large=3) == OF_ABC
