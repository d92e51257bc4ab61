from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exported_runs import write_run
from report_rows import classified
from sightglass.errors import InputError
from sightglass.reports.exports.chosen_rows import Choice
from sightglass.reports.exports.convert import Layout, convert
from sightglass.reports.exports.finished_run import read_run

HOSTILE = ('say "cheese"', "<script>", "a & b", "it's", "日本語", "a,b")


def export(tmp_path: Path, rows: list[dict[str, Any]], **layout: Any) -> list[dict[str, Any]]:
    results = write_run(tmp_path / "results", rows)
    convert(read_run(results), tmp_path / "out", Layout(to="label-studio", **layout), Choice())
    tasks: list[dict[str, Any]] = json.loads((tmp_path / "out" / "tasks.json").read_text())
    return tasks


def test_a_task_holds_the_picture_and_what_was_predicted(tmp_path: Path) -> None:
    rows = [classified("/photos/a/1.jpg", "dog", 0.75), classified("/photos/2.jpg", "unknown", 0.4)]
    first, second = export(tmp_path, rows, root=Path("/photos"))
    # As Label Studio's page on importing pre-annotated data has it.
    assert first == {
        "data": {
            "image": "/data/local-files/?d=a/1.jpg",
            "path": "/photos/a/1.jpg",
            "unknown_score": 0.25,
        },
        "predictions": [
            {
                "model_version": "mini 01234567",
                "score": 0.75,
                "result": [
                    {
                        "from_name": "label",
                        "to_name": "image",
                        "type": "choices",
                        "value": {"choices": ["dog"]},
                    }
                ],
            }
        ],
    }
    assert second["predictions"][0]["result"][0]["value"] == {"choices": ["unknown"]}
    assert "score" not in second["predictions"][0]


@pytest.mark.parametrize(
    "name", ["a b.jpg", "a&d=b.jpg", "#1?.jpg", "100%25.jpg", "日本語.jpg", "+"]
)
def test_any_name_comes_back_from_the_address(tmp_path: Path, name: str) -> None:
    (task,) = export(tmp_path, [classified(f"/photos/{name}")], root=Path("/photos"))
    assert parse_qs(urlsplit(task["data"]["image"]).query)["d"] == [name]


def test_a_prefix_and_urls_are_addresses_too(tmp_path: Path) -> None:
    rows = [classified("/photos/a b.jpg"), classified("s3://bucket/c.jpg")]
    tasks = export(tmp_path, rows, root=Path("/photos"), prefix="https://host/pictures/")
    assert [task["data"]["image"] for task in tasks] == [
        "https://host/pictures/a%20b.jpg",
        "s3://bucket/c.jpg",
    ]


def test_the_interface_has_a_choice_per_class_spelled_as_it_is(tmp_path: Path) -> None:
    row = classified("/a.jpg", HOSTILE[0], top=[{"label": HOSTILE[0], "probability": 1}])
    results = write_run(tmp_path / "results", [row], classes=HOSTILE)
    layout = Layout(to="label-studio", root=Path("/"))
    convert(read_run(results), tmp_path / "out", layout, Choice())
    view = ET.parse(tmp_path / "out" / "labeling_config.xml").getroot()
    choices = view.find("Choices")
    assert choices is not None
    assert choices.attrib["toName"] == "image"
    assert [choice.attrib["value"] for choice in choices] == [*HOSTILE, "unknown"]


def test_a_name_that_xml_cannot_hold_is_one_sentence(tmp_path: Path) -> None:
    name = "cat\uffff"
    row = classified("/a.jpg", name, top=[{"label": name, "probability": 1}])
    results = write_run(tmp_path / "results", [row], classes=(name, "dog"))
    with pytest.raises(InputError, match=r"Class name 'cat\\uffff': Label Studio's interface is"):
        convert(
            read_run(results),
            tmp_path / "out",
            Layout(to="label-studio", root=Path("/")),
            Choice(),
        )


def test_files_need_a_root_that_is_above_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--root says which"):
        export(tmp_path, [classified("/photos/1.jpg")])
    with pytest.raises(InputError, match=r"/photos/1\.jpg: every picture must lie in the folder"):
        export(tmp_path, [classified("/photos/1.jpg")], root=Path("/photo"))
    (task,) = export(tmp_path, [classified("https://host/1.jpg")])
    assert task["data"]["image"] == "https://host/1.jpg"


def test_names_that_no_browser_can_ask_for_are_left_out(tmp_path: Path) -> None:
    rows = [classified("/n\udcff.jpg"), classified("/b.jpg")]
    assert len(export(tmp_path, rows, root=Path("/"))) == 1
    mark = json.loads((tmp_path / "out" / ".sightglass-export.json").read_text())
    assert mark["left_out"] == {"file name that is not UTF-8": 1}
