from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.distillation.pairs.shard_files import braces, shard_files, shard_suffix
from sightglass.errors import InputError


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for name in ("cc-008.tar", "cc-009.tar", "cc-010.tar", "cc-011.tar", ".hidden.tar", "notes"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def names(pattern: str) -> list[str]:
    return [path.name for path in shard_files(pattern, suffix=".tar")]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.tar", ["a.tar"]),
        ("cc-{008..011}.tar", [f"cc-{n}.tar" for n in ("008", "009", "010", "011")]),
        ("{9..11}", ["9", "10", "11"]),
        ("{a,b}-{0..1}", ["a-0", "a-1", "b-0", "b-1"]),
        ("x{b,,a}", ["xb", "x", "xa"]),
    ],
)
def test_braces_mean_what_they_mean_in_a_shell(pattern: str, expected: list[str]) -> None:
    assert braces(pattern) == expected


def test_a_pattern_gives_its_files_in_order(shards: Path) -> None:
    every = ["cc-008.tar", "cc-009.tar", "cc-010.tar", "cc-011.tar"]
    assert names(f"{shards}/cc-{{008..011}}.tar") == every
    assert names(f"{shards}/cc-*.tar") == every
    assert names(str(shards)) == every
    assert names(f"{shards}/cc-{{011,009}}.tar") == ["cc-011.tar", "cc-009.tar"]
    assert names(f"{shards}/cc-01?.tar") == every[2:]
    assert names(f"{shards}/{{cc-009.tar,cc-0*.tar}}") == [every[1], every[0], *every[2:]]
    assert names(f"{shards}/cc-009.tar") == every[1:2]


def test_the_data_folder_of_a_folder_is_looked_into(shards: Path) -> None:
    inner = shards / "set" / "data"
    inner.mkdir(parents=True)
    (inner / "one.TAR").write_bytes(b"")
    assert names(str(shards / "set")) == ["one.TAR"]


def test_what_exists_under_its_literal_name_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "odd{1..2}[x].tar").write_bytes(b"")
    assert names(f"{tmp_path}/odd{{1..2}}[x].tar") == ["odd{1..2}[x].tar"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("cc-{008..012}.tar", r"/cc-012\.tar: there is no such file\. Did you mean '.*/cc-01\d"),
        ("dd-*.tar", r"/dd-\*\.tar: nothing matches this pattern"),
        ("nowhere/a.tar", r"there is no such file\. Nor is there a folder '.*nowhere'"),
        ("cc-{011..008}.tar", r"must run upwards, got \{011\.\.008\}\. Write \{008\.\.011\}"),
    ],
)
def test_what_is_missing_is_named(shards: Path, pattern: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        shard_files(f"{shards}/{pattern}", suffix=".tar")


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder with \.tar files is needed, this one has none"):
        shard_files(str(tmp_path), suffix=".tar")


def test_the_kind_of_shards_is_seen_by_the_path(shards: Path) -> None:
    assert shard_suffix(str(shards)) == ".tar"
    assert shard_suffix(f"{shards}/cc-{{008..011}}.tar") == ".tar"
    assert shard_suffix("s/{a.parquet,b.parquet}") is None
    assert shard_suffix("s/train-*.parquet") == ".parquet"
    assert shard_suffix("s/photos") is None
    (shards / "both.parquet").write_bytes(b"")
    assert shard_suffix(str(shards)) == ".parquet"
