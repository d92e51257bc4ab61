from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

from report_rows import FUSION, RUN, classified, failed, hash_of, jpeg, weighed
from sightglass.reports.html import ReportSummary, render_report

SAYS = {"text_image": "cat", "vision_only": "dog"}


def render(
    rows: list[dict[str, Any]],
    run: dict[str, Any] = RUN,
    thumbnails: Any = lambda _: None,
    **options: Any,
) -> tuple[str, ReportSummary]:
    out = io.StringIO()
    summary = render_report(lambda: iter(rows), run, thumbnails, out, **options)
    return out.getvalue(), summary


def rows_in(page: str) -> list[list[Any]]:
    blocks = re.findall(r'<script type="application/json" class="rows">(.*?)</script>', page)
    return [row for block in blocks for row in json.loads(block)]


def facts_in(page: str) -> dict[str, Any]:
    block = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page)
    assert block is not None
    facts: dict[str, Any] = json.loads(block[1])
    return facts


def thumbnails_in(page: str) -> dict[int, bytes]:
    blocks = re.findall(r'id="thumbnail-(\d+)">"([^"]*)"', page)
    return {int(number): base64.b64decode(text) for number, text in blocks}


def test_a_row_with_evidence_says_it_in_numbers_that_the_facts_explain() -> None:
    page, _ = render([weighed(classified("a.jpg"), SAYS, "teapot/1.png", "dog/2.png")])
    facts = facts_in(page)
    names, alignments, references = facts["names"], facts["alignments"], facts["references"]
    opinions, nearest = rows_in(page)[0][12:]
    assert [
        [alignments[a], weight, names[top[0][0]], top[0][1]] for a, weight, top in opinions
    ] == [
        ["text_image", 0.5, "cat", 0.8],
        ["vision_only", 0.5, "dog", 0.8],
    ]
    assert [
        [references[r][0], names[references[r][1]], alignments[a], similarity]
        for r, a, similarity in nearest
    ] == [
        ["teapot/1.png", "teapot", "image_image", 0.75],
        ["dog/2.png", "dog", "image_image", 0.625],
        ["teapot/1.png", "teapot", "vision_only", 0.75],
        ["dog/2.png", "dog", "vision_only", 0.625],
    ]


def test_a_row_without_evidence_is_as_short_as_ever() -> None:
    page, _ = render([classified("a.jpg"), failed("b.jpg")])
    assert [len(row) for row in rows_in(page)] == [12, 12]
    assert facts_in(page)["references"] == facts_in(page)["alignments"] == []


def test_a_label_that_only_an_opinion_or_a_reference_names_is_known_to_the_page() -> None:
    row = weighed(classified("a.jpg", "cat"), {"text_image": "teapot"}, "fern/1.png")
    page, _ = render([row], run={})
    assert set(facts_in(page)["names"]) == {"cat", "dog", "teapot", "fern"}


def test_a_reference_is_embedded_once_for_all_pictures_that_are_near_to_it() -> None:
    rows = [weighed(classified(f"{i}.jpg"), SAYS, "dog/1.png") for i in range(5)]
    page, summary = render(rows, thumbnails={hash_of("dog/1.png"): jpeg()}.get)
    ((name, _, number),) = facts_in(page)["references"]
    assert name == "dog/1.png"
    assert thumbnails_in(page) == {number: jpeg()}
    assert (summary.thumbnails, summary.without_room) == (0, 0)


def test_a_picture_that_is_its_own_reference_shares_its_thumbnail() -> None:
    rows = [weighed(classified("dog/1.png", "dog"), SAYS, "dog/1.png")]
    page, summary = render(rows, thumbnails=lambda _: jpeg())
    assert thumbnails_in(page) == {0: jpeg()}
    assert rows_in(page)[0][11] == facts_in(page)["references"][0][2] == 0
    assert summary.thumbnails == 1


def test_equal_bytes_that_show_two_classes_stay_two_references() -> None:
    row = weighed(classified("a.jpg"), SAYS, "dog/1.png", "cat/1.png")
    for reference in row["nearest_references"]:
        reference["sha256"] = "ab" * 32
    page, _ = render([row], thumbnails=lambda _: jpeg())
    first, second = facts_in(page)["references"]
    assert [first[0], second[0]] == ["dog/1.png", "cat/1.png"]
    assert first[2] == second[2]
    assert len(thumbnails_in(page)) == 2


def test_many_references_leave_most_of_the_page_to_the_pictures() -> None:
    rows = [weighed(classified(f"{i}.jpg"), SAYS, f"dog/{i}.png") for i in range(400)]
    bare, _ = render(rows)
    block = len(base64.b64encode(jpeg())) + 60
    limit = len(bare) + 100 * block
    page, summary = render(rows, thumbnails=lambda _: jpeg(), size_limit=limit)
    assert len(page) <= limit
    shown = thumbnails_in(page)
    of_references = {number for _, _, number in facts_in(page)["references"]} & set(shown)
    # A quarter of the room for a hundred.
    assert 20 <= len(of_references) <= 25
    assert summary.thumbnails == len(shown) - len(of_references) >= 70


def test_numbers_of_the_released_code_are_marked_at_the_top() -> None:
    page, _ = render([], run=RUN | {"fusion": FUSION | {"mode": "released_code"}})
    header = page[: page.index("</header>")]
    assert "Numbers made in released_code mode, for regression only." in " ".join(header.split())


def test_numbers_of_the_formula_and_of_runs_without_references_are_not_marked() -> None:
    for run in (RUN, RUN | {"fusion": None}, RUN | {"fusion": FUSION}):
        page, _ = render([], run=run)
        assert "Numbers made in" not in page


def test_hostile_names_of_references_never_reach_the_markup() -> None:
    hostile = "</script><img src=x onerror=alert(1)>/\u2028\udcff.png"
    row = weighed(classified("a.jpg"), {hostile: hostile}, hostile)
    page, _ = render([row], run=RUN | {"fusion": FUSION | {"warnings": [hostile]}})
    assert "<img" not in page
    assert facts_in(page)["references"][0][0] == hostile
    assert facts_in(page)["alignments"][0] == hostile
