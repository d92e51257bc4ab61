from __future__ import annotations

import csv
import html.parser
import json
from pathlib import Path

import pytest

from sightglass.errors import InputError, ShapeError
from sightglass.evaluation.metrics_json import MetricRow, write_metrics
from sightglass.evaluation.tables import (
    ResultTable,
    render_csv,
    render_html,
    render_markdown,
    write_table,
)

TABLE = ResultTable(
    title="Heads | <all>",
    columns=("heads", "top1 %", "n"),
    rows=(("text_image", 67.984, 10000), ('a|b <b>"x"</b>, y', None, 7)),
    note="Not zero-shot & <marked>.",
    command="sightglass evaluate 'a <b>.parquet' --out `x`",
)


class Texts(html.parser.HTMLParser):
    """Tags in their order, and the text inside each innermost one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.tags[-1], data))


def test_csv_keeps_all_digits_and_quotes_what_must_be() -> None:
    assert list(csv.reader(render_csv(TABLE).splitlines())) == [
        ["heads", "top1 %", "n"],
        ["text_image", "67.984", "10000"],
        ['a|b <b>"x"</b>, y', "", "7"],
    ]


def test_csv_holds_no_formula_and_negative_numbers_stay_numbers() -> None:
    rows = (("=HYPERLINK(A1)", -1.5), ("@cat", -2))
    table = ResultTable(title="t", columns=("+class", "n"), rows=rows)
    assert list(csv.reader(render_csv(table).splitlines())) == [
        ["'+class", "n"],
        ["'=HYPERLINK(A1)", "-1.5"],
        ["'@cat", "-2"],
    ]


def test_markdown_shows_two_decimals_and_no_cell_can_break_out() -> None:
    assert render_markdown(TABLE) == (
        "### Heads \\| \\<all\\>\n"
        "\n"
        "| heads | top1 % | n |\n"
        "|---|---:|---:|\n"
        "| text\\_image | 67.98 | 10,000 |\n"
        '| a\\|b \\<b\\>"x"\\</b\\>, y |  | 7 |\n'
        "\n"
        "Not zero-shot \\& \\<marked\\>.\n"
        "\n"
        "```\n"
        "sightglass evaluate 'a <b>.parquet' --out `x`\n"
        "```\n"
    )


def test_a_command_with_a_fence_in_it_gets_a_longer_fence() -> None:
    table = ResultTable(title="t", columns=("a",), rows=(), command="echo ````")
    assert render_markdown(table).endswith("`````\necho ````\n`````\n")


def test_html_holds_the_same_as_text_only() -> None:
    page = Texts(render_html(TABLE))
    assert page.tags == [
        *("figure", "table", "caption", "thead", "tr", "th", "th", "th", "tbody"),
        *("tr", "td", "td", "td") * 2,
        *("figcaption", "br", "code"),
    ]
    assert page.texts == [
        ("caption", "Heads | <all>"),
        *(("th", column) for column in TABLE.columns),
        *(("td", cell) for cell in ("text_image", "67.98", "10,000")),
        *(("td", cell) for cell in ('a|b <b>"x"</b>, y', "7")),
        ("figcaption", "Not zero-shot & <marked>."),
        ("code", TABLE.command),
    ]


def test_a_table_is_written_in_three_forms_and_the_page_is_whole(tmp_path: Path) -> None:
    paths = write_table(tmp_path, TABLE, name="table-3")
    assert [path.name for path in paths] == ["table-3.csv", "table-3.md", "table-3.html"]
    assert paths[0].read_text() == render_csv(TABLE)
    assert paths[1].read_text() == render_markdown(TABLE)
    page = paths[2].read_text()
    assert page.startswith("<!doctype html>")
    assert render_html(TABLE) in page
    assert Texts(page).tags[:6] == ["html", "head", "meta", "meta", "title", "style"]


def test_a_table_without_note_and_command_has_neither() -> None:
    table = ResultTable(title="t", columns=("a",), rows=((1,),))
    assert "figcaption" not in render_html(table)
    assert render_markdown(table) == "### t\n\n| a |\n|---:|\n| 1 |\n"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="row 2 of 't' needs 2 cells, got 1"):
        ResultTable(title="t", columns=("a", "b"), rows=((1, 2), (3,)))


def test_metric_rows_have_the_same_keys_in_the_same_order_with_null_for_nothing(
    tmp_path: Path,
) -> None:
    rows = [
        MetricRow(dataset="mnist", protocol="closed_set", metric="top1", value=0.5, n=4),
        MetricRow(
            suite="yin-jiang",
            table="4",
            dataset="cifar10",
            protocol="known_only",
            split=3,
            heads="text_image+image_image",
            weighting="inverse_entropy",
            mode="paper_formula",
            encoders="mini",
            metric="auroc",
            value=0.75,
            low=0.5,
            high=1.0,
            n=10,
        ),
    ]
    path = tmp_path / "metrics.json"
    write_metrics(path, rows)
    first, second = json.loads(path.read_text())
    keys = [
        *("suite", "table", "dataset", "protocol", "split", "heads", "weighting", "mode"),
        *("encoders", "metric", "value", "low", "high", "n"),
    ]
    assert list(first) == list(second) == keys
    told = {"dataset": "mnist", "protocol": "closed_set", "metric": "top1", "value": 0.5, "n": 4}
    assert first == dict.fromkeys(keys) | told
    assert list(second.values()) == [
        *("yin-jiang", "4", "cifar10", "known_only", 3, "text_image+image_image"),
        *("inverse_entropy", "paper_formula", "mini", "auroc", 0.75, 0.5, 1.0, 10),
    ]


def test_a_metric_row_takes_no_other_key() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'prompts'"):
        MetricRow(dataset="x", protocol="y", metric="z", value=0.0, n=1, prompts="single")  # type: ignore[call-arg]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["value", "low", "high"])
def test_a_number_that_json_cannot_say_is_refused(name: str, number: float) -> None:
    told: dict[str, float] = {"value": 0.5} | {name: number}
    with pytest.raises(InputError, match=f"{name} of 'top1' must be finite or None, got {number}"):
        MetricRow(dataset="x", protocol="y", metric="top1", n=1, **told)  # type: ignore[arg-type]
