"""Ours and theirs side by side; what is published is as it was printed and touches nothing."""

from __future__ import annotations

import pytest

from data_efficient_layouts import write_world
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.published import (
    published_gains,
    published_rows,
    published_sources,
)
from sightglass.evaluation.data_efficient.report import render_report
from sightglass.evaluation.data_efficient.scored import Setting
from sightglass.evaluation.data_efficient.suite import SuiteResult, run_suite
from sightglass.evaluation.data_efficient.wording import suite_templates
from sightglass.evaluation.tables import Cell
from sightglass.store import open_store


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SuiteResult:
    setting = Setting(
        encoder=SyntheticEncoder(),
        model="synthetic:<colours>",
        templates=("a photo of {}.",),
        store=open_store(None),
    )
    world = write_world(tmp_path_factory.mktemp("world"))
    return run_suite(world, setting, command="sightglass evaluate --suite data-efficient")


def lines(result: SuiteResult, name: str) -> list[dict[str, Cell]]:
    table = result.tables[name]
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_published_rows_are_those_that_were_printed() -> None:
    # METHODS.md §C.7.
    printed = {
        "InfoNCE": (26.8, 55.1, 66.4, 10.9, 29.4, 40.5),
        "label smoothing": (26.3, 55.9, 67.5, 10.1, 29.6, 39.8),
        "self-distillation (KD, EMA teacher)": (26.7, 55.3, 67.1, 10.0, 27.5, 38.5),
        "OTTER": (29.1, 59.6, 70.9, 12.0, 31.8, 42.1),
    }
    columns = [(name, k) for name in ("open_images", "imagenet_10k") for k in (1, 5, 10)]
    assert {
        row.method: tuple(row.values[column] for column in columns) for row in published_rows()
    } == printed
    assert {row.source for row in published_rows()} == {"Or"}
    assert {(one.dataset, one.percent, one.source) for one in published_gains()} == {
        ("imagenet_21k_1k", 73.0, "S3"),
        ("open_images", 10.5, "S3"),
    }
    assert set(published_sources()) == {"Or", "S3"}


def test_ours_stand_above_and_theirs_below(result: SuiteResult) -> None:
    ours, *theirs = lines(result, "flat_hit")
    assert (ours["method"], ours["whose"]) == ("synthetic:<colours>", "ours")
    # Two of four, see test_suite_numbers.
    assert ours["GOI F@1 %"] == 50.0
    assert ours["IN21K+1K F@1 %"] == 75.0
    assert ours["IN10K F@10 %"] is None
    assert [row["method"] for row in theirs][-1] == "OTTER"
    assert {row["whose"] for row in theirs} == {"published: CC3M, RN50 + DeCLUTR-Sci (Or)"}
    assert theirs[0]["GOI F@1 %"] == 26.8
    assert theirs[0]["GOI F@2 %"] is None
    assert theirs[0]["IN21K+1K F@1 %"] is None


def test_the_notes_say_what_is_not_to_be_expected_and_what_is_not_known(
    result: SuiteResult,
) -> None:
    note = result.tables["flat_hit"].note
    assert "self-distillation is not better than InfoNCE (26.7 against 26.8 and 10.0" in note
    assert "Absolute values of Cheng et al. 2021 itself are not available to us" in note
    assert "Or: README of github.com/facebookresearch/OTTER" in note
    assert 'Model synthetic:<colours>, "a photo of {}.", nearest class by cosine' in note
    assert "Mind: For tests and demonstrations of behaviour only." in note


def test_what_was_measured_on_is_counted(result: SuiteResult) -> None:
    goi, ten, more = lines(result, "pictures")
    assert (goi["candidates"], goi["different names"]) == (11, 10)
    # Red and white, then one label each of three pictures.
    assert (goi["pictures scored"], goi["labels per picture"]) == (4, 5 / 4)
    assert goi["without label"] == 1
    assert (ten["candidates"], ten["labels per picture"]) == (6, 2.0)
    assert (more["candidates"], more["different names"]) == (6, 5)


def test_the_page_holds_all_and_nothing_of_it_is_markup(result: SuiteResult) -> None:
    page = render_report(result)
    assert "synthetic:&lt;colours&gt;" in page
    assert "<colours>" not in page
    for name in ("flat_hit", "intervals", "relative", "pictures", "remarks"):
        assert f'<section id="{name}">' in page
    assert "11 candidates, the published protocol has 19,958 or 19,994" in page


def test_the_papers_template_is_used_unless_another_is_asked_for() -> None:
    card = SyntheticEncoder().card
    assert suite_templates(card) == ("a photo of {}.",)
    assert suite_templates(card, "a {}") == ("a {}",)
    assert len(suite_templates(card, "ensemble")) == 16
    learned = card.model_copy(update={"own_context": True})
    assert suite_templates(learned) == ("{}",)
    with pytest.raises(InputError, match="Leave --prompts out"):
        suite_templates(learned, "a {}")
