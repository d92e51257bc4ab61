from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colour_photos import encoded
from hub_server import HubServer, told_by

PROGRAM = """
import sys
from sightglass.errors import SightglassError
from sightglass.evaluation.datasets import load_dataset
try:
    data = load_dataset("hf:" + sys.argv[1], split=sys.argv[2] or None)
    print(data.labels.tolist(), len(list(data.read())))
except SightglassError as error:
    print(error)
assert "torch" not in sys.modules
"""


def run(name: str, split: str, home: Path, **environment: str) -> str:
    """What the program prints."""
    return told_by(PROGRAM, name, split, home=home, **environment)


def write_shard(path: Path, labels: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = pa.array([{"bytes": encoded("red"), "path": None} for _ in labels])
    feature = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    table = pa.table({"image": pictures, "label": labels}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": feature}})}
    )
    pq.write_table(table, path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    write_shard(folder / "data" / "test-00000-of-00002.parquet", [0, 1])
    write_shard(folder / "data" / "test-00001-of-00002.parquet", [1])
    write_shard(folder / "data" / "train-00000-of-00001.parquet", [0] * 5)
    (folder / "README.md").write_text("about")
    return folder


def test_one_split_is_fetched_once_and_then_used_without_a_connection(
    tmp_path: Path, repository: Path
) -> None:
    home = tmp_path / "home"
    with HubServer(repository) as hub:
        assert run("org/name", "test", home, HF_ENDPOINT=hub.url) == "[0, 1, 1] 3"
        fetched = [path for path in hub.asked if "/resolve/" in path]
        assert fetched
        assert not any("train" in path or "README" in path for path in fetched)
        hub.asked.clear()
        assert run("org/name", "test", home, HF_ENDPOINT=hub.url) == "[0, 1, 1] 3"
        assert hub.asked == []
        # The other split is fetched beside it.
        assert run("org/name", "train", home, HF_ENDPOINT=hub.url) == "[0, 0, 0, 0, 0] 5"
    assert run("org/name", "test", home, HF_HUB_OFFLINE="1") == "[0, 1, 1] 3"


@pytest.mark.parametrize("remembers", [True, False])
def test_a_half_fetched_split_is_fetched_to_the_end(
    tmp_path: Path, repository: Path, remembers: bool
) -> None:
    home = tmp_path / "home"
    with HubServer(repository) as hub:
        whole = run("org/name", "test", home, HF_ENDPOINT=hub.url)
        (file,) = home.glob("**/snapshots/*/data/test-00001-of-00002.parquet")
        file.unlink()
        if not remembers:  # older clients keep no list of what the repository holds
            for listing in home.glob("**/trees/*.json"):
                listing.unlink()
        assert "could not be fetched" in run("org/name", "test", home, HF_HUB_OFFLINE="1")
        assert run("org/name", "test", home, HF_ENDPOINT=hub.url) == whole


def test_without_a_split_or_with_a_wrong_one_nothing_is_fetched(
    tmp_path: Path, repository: Path
) -> None:
    with HubServer(repository) as hub:
        said = run("org/name", "", tmp_path / "home", HF_ENDPOINT=hub.url)
        assert said.startswith(
            "Data set: 'hf:org/name' holds several splits or data sets (test, train)"
        )
        said = run("org/name", "tset", tmp_path / "home", HF_ENDPOINT=hub.url)
        assert "Unknown split of 'hf:org/name' 'tset'. Did you mean 'test'?" in said
    assert not any("/resolve/" in path for path in hub.asked)


def test_of_several_configurations_one_is_chosen_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    write_shard(folder / "cropped" / "test-00000-of-00001.parquet", [1])
    write_shard(folder / "full" / "test-00000-of-00001.parquet", [0, 0])
    with HubServer(folder) as hub:
        said = run("org/name", "test", tmp_path / "home", HF_ENDPOINT=hub.url)
        assert said == (
            "Data set: 'hf:org/name' holds several data sets (cropped, full). Say which, e.g. "
            "hf:org/name/cropped."
        )
        assert run("org/name/full", "", tmp_path / "home", HF_ENDPOINT=hub.url) == "[0, 0] 2"
        said = run("org/name/croped", "test", tmp_path / "home", HF_ENDPOINT=hub.url)
        assert "Did you mean 'cropped'?" in said


def test_a_repository_without_parquet_files_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "images.tar").write_bytes(b"")
    with HubServer(tmp_path / "repository") as hub:
        said = run("org/name", "test", tmp_path / "home", HF_ENDPOINT=hub.url)
    assert said.startswith("Data set: 'hf:org/name' needs parquet files, has none.")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "the hub knows no such public data set"),
        (404, "the hub knows no such public data set"),
        (403, "its authors ask for an agreement on its page first"),
        (418, "the hub answered 418"),
    ],
)
def test_a_refusal_of_the_hub_is_one_sentence(tmp_path: Path, status: int, reason: str) -> None:
    with HubServer(None, refusal=status) as hub:
        said = run("org/name", "test", tmp_path, HF_ENDPOINT=hub.url)
    assert said == (
        f"Data set: 'hf:org/name' is not on this machine and could not be fetched ({reason}). Run "
        "once with a connection, or give a file or folder."
    )


def test_without_a_connection_the_reason_is_told(tmp_path: Path) -> None:
    # Port 9 of this machine: nobody listens.
    said = run("org/name", "test", tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert "could not be fetched (the hub could not be reached)" in said
    said = run("org/name", "test", tmp_path, HF_HUB_OFFLINE="1")
    assert "could not be fetched (HF_HUB_OFFLINE is set)" in said


@pytest.mark.parametrize("name", ["cifar10", "", "/x/y"])
def test_what_is_no_repositorys_name_is_refused(tmp_path: Path, name: str) -> None:
    said = run(name, "test", tmp_path, HF_HUB_OFFLINE="1")
    assert said == (
        f"Data set: 'hf:{name}' needs the name of a data set on the hub. Write hf:ORG/NAME."
    )


def test_a_name_that_the_hub_does_not_allow_is_told_so(tmp_path: Path) -> None:
    said = run("a b/c", "test", tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert "(this is no data set's name)" in said
