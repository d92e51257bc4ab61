"""The tables: ours and theirs in rows and columns of their own, each seed, mean and spread."""

from __future__ import annotations

import pytest

from kdpl_layouts import write_world
from planned_learner import PlannedLearner
from sightglass.evaluation.kdpl.measured import About
from sightglass.evaluation.kdpl.plan import Plan
from sightglass.evaluation.kdpl.report import render_report
from sightglass.evaluation.kdpl.suite import SuiteResult, run_suite
from sightglass.evaluation.tables import Cell, ResultTable


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SuiteResult:
    world = write_world(tmp_path_factory.mktemp("world"))
    plan = Plan(about=About(student="s<", teacher="t", shots=2), hosts=("coop",))
    return run_suite(world, PlannedLearner(), plan, command="sightglass evaluate --suite kdpl")


def lines(table: ResultTable, **wanted: str) -> list[dict[str, Cell]]:
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_a_method_has_its_seeds_mean_spread_and_the_published_rows_below(
    result: SuiteResult,
) -> None:
    table = result.tables["domain_generalisation"]
    found = lines(table, method="CoOp+KDPL")
    assert [(row["whose"], row["seed"]) for row in found] == [
        *(("ours", "1"), ("ours", "2"), ("ours", "3"), ("ours", "mean"), ("ours", "std")),
        *(("published: RN50", ""), ("published: ViT-B/32", "")),
    ]
    assert found[-1]["mean of 4 %"] == 49.90
    assert found[-1]["ImageNet %"] == 65.97
    # Skill 3, 4, 3: V2 1; Sketch 1/2, 1, 1/2; A 3/4, 1, 3/4; R 1.
    assert found[3]["mean of 4 %"] == pytest.approx(100 * (3.25 + 4 + 3.25) / 12)
    assert found[0]["Sketch %"] == 50.0
    assert "They stand in: slides, p. 5; poster." in table.note


def test_no_number_of_ours_changes_with_the_published_ones(result: SuiteResult) -> None:
    of_metrics = {
        100 * row.value
        for row in result.rows
        if row.value is not None and row.protocol == "cross_dataset"
    }
    ours = lines(result.tables["cross_dataset"], whose="ours")
    shown = {cell for row in ours for name, cell in row.items() if name.endswith("%")}
    assert shown <= of_metrics
    theirs = [row for row in lines(result.tables["cross_dataset"]) if row["whose"] != "ours"]
    assert [row["mean of 10 %"] for row in theirs] == [55.81, 55.28, 57.59, 57.69]


def test_base_to_novel_ends_with_the_averages_and_the_published_novel_means(
    result: SuiteResult,
) -> None:
    table = result.tables["base_to_novel"]
    assert table.rows[-1][0] == "average of the eleven"
    (row,) = lines(table, **{"data set": "average of the eleven", "method": "CoOp+KDPL"})
    assert row["published: RN50, novel %"] == 63.80
    assert row["published: ViT-B/32, novel %"] == 66.35
    assert all(
        row["published: RN50, novel %"] is None
        for row in lines(table)
        if row["data set"] != "average of the eleven"
    )
    assert "not the mean of harmonic means" in table.note
    assert len(lines(result.tables["base_to_novel_seeds"], method="CoOp")) == 12 * 3


def test_the_lists_of_pictures_stand_with_their_hashes(result: SuiteResult) -> None:
    table = result.tables["pictures"]
    (row,) = lines(table, **{"data set": "DTD", "classes of": "base", "use": "learn, seed 2"})
    # Three of five classes, two shots each.
    assert (row["classes"], row["pictures"], row["fewest of a class"]) == (3, 6, 2)
    assert len(str(row["sha256, first digits"])) == 16


def test_the_page_holds_every_table_as_text_and_needs_nothing_else(result: SuiteResult) -> None:
    page = render_report(result)
    for name, table in result.tables.items():
        assert f'<section id="{name}">' in page
        assert f'href="#{name}"' in page
        assert table.command == "sightglass evaluate --suite kdpl"
    assert "Student s&lt;, teacher t" in page
    assert "<li>ImageNet: 5 classes" in page
    assert not any(mark in page for mark in ("<script", "<link", 'src="http', 'href="http'))
