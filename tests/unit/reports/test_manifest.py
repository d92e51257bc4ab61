from __future__ import annotations

import json
import platform
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sightglass.decisions import UnknownRule
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.outcome import STATUSES
from sightglass.reports.manifest import run_record, write_run
from sightglass.reports.work import Work

LABELS = LabelSet.of([["sofa", "couch"], "Straßenlaterne"])


def record(work: Work | None = None, **changes: Any) -> dict[str, Any]:
    encoder = SyntheticEncoder()
    given: dict[str, Any] = {
        "labels": LABELS,
        "prompts": "single",
        "templates": ("a photo of a {}",),
        "card": encoder.card,
        "fingerprint": encoder.fingerprint,
        "rule": UnknownRule(),
        "work": work or Work(),
        "command": ["sightglass", "classify", "my photos"],
        "settings": {"top_k": 3, "batch_size": 32},
    }
    return run_record(**given | changes)


def test_everything_that_is_needed_to_run_it_again_is_there() -> None:
    assert set(record()) == {
        "sightglass",
        "created",
        "command",
        "working_folder",
        "classes",
        "settings",
        "class_fingerprint",
        "prompts",
        "templates",
        "model",
        "extra_prompts",
        "vision_model",
        "fusion",
        "unknown",
        "counts",
        "labels",
        "work",
        "timings",
        "platform",
    }


def test_the_folder_that_relative_paths_are_relative_to_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert record()["working_folder"] == str(tmp_path.resolve())
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert record()["working_folder"] is None


def test_classes_prompts_and_command_are_given_back_as_they_were() -> None:
    run = record()
    assert run["classes"] == [
        {"name": "sofa", "names": ["sofa", "couch"]},
        {"name": "Straßenlaterne", "names": ["Straßenlaterne"]},
    ]
    assert LabelSet.of([entry["names"] for entry in run["classes"]]) == LABELS
    assert run["class_fingerprint"] == LABELS.fingerprint
    assert run["prompts"] == "single"
    assert run["templates"] == ["a photo of a {}"]
    assert run["command"] == ["sightglass", "classify", "my photos"]


def test_the_model_is_its_whole_card_and_its_fingerprint() -> None:
    model = record()["model"]
    assert model["name"] == "synthetic:colours"
    assert model["licence"] == "Apache-2.0"
    assert model["image"]["size"] == [8, 8]
    assert model["fingerprint"] == SyntheticEncoder().fingerprint


@pytest.mark.parametrize("enabled", [True, False])
def test_the_unknown_rule_is_there_in_numbers_and_in_words(enabled: bool) -> None:
    rule = UnknownRule(threshold=0.25, enabled=enabled)
    unknown = record(rule=rule)["unknown"]
    assert unknown["enabled"] is enabled
    assert unknown["threshold"] == 0.25
    assert unknown["meaning"] == rule.meaning
    assert "everyday words" in unknown["rule"]


def test_what_was_done_is_counted_with_a_zero_for_what_never_happened() -> None:
    work = Work(read=5, encoded=4, seconds={"read": 1.23456789, "decide": 0.0})
    work.counts.update(["ok", "ok", "truncated"])
    work.labels.update(["cat", "dog", "dog"])
    run = record(work)
    assert run["counts"] == dict.fromkeys(STATUSES, 0) | {"ok": 2, "truncated": 1}
    assert list(run["labels"].items()) == [("dog", 2), ("cat", 1)]
    assert run["work"] == {"read": 5, "decoded": 4, "encoded": 4, "near_ties": 0}
    assert run["timings"] == {"read": 1.2346, "decide": 0.0}


def test_versions_time_and_machine_are_those_of_this_run() -> None:
    run = record()
    assert run["sightglass"] == version("sightglass")
    assert run["platform"]["python"] == platform.python_version()
    assert run["platform"]["machine"] == platform.machine()
    assert run["platform"]["libraries"]["pillow"] == version("pillow")
    created = datetime.fromisoformat(run["created"])
    assert timedelta(0) <= datetime.now(UTC) - created < timedelta(minutes=1)


def test_run_json_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = record()
    write_run(tmp_path / "run.json", run)
    text = (tmp_path / "run.json").read_bytes().decode("utf-8")
    assert json.loads(text) == run
    assert text.endswith("}\n")
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]
