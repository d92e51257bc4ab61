"""The page of a run with more rows than it may hold."""

from __future__ import annotations

import base64
import io
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from report_rows import CLASSES, RUN, classified, failed, hash_of, jpeg, many, weighed
from sightglass.reports.html import ReportSummary, render_report
from sightglass.reports.shown_rows import MOST_ROWS

Row = dict[str, Any]


def render(
    rows: list[Row], *, thumbnails: Callable[[str], bytes | None] = lambda _: None, **options: Any
) -> tuple[str, ReportSummary]:
    out = io.StringIO()
    summary = render_report(lambda: iter(rows), RUN, thumbnails, out, **options)
    return out.getvalue(), summary


def rows_in(page: str) -> list[list[Any]]:
    blocks = re.findall(r'<script type="application/json" class="rows">(.*?)</script>', page)
    return [row for block in blocks for row in json.loads(block)]


def facts_in(page: str) -> dict[str, Any]:
    block = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page)
    assert block is not None
    facts: dict[str, Any] = json.loads(block[1])
    return facts


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]+>", "", page, flags=re.DOTALL).split())


@pytest.mark.parametrize("size_limit", [24_000_000, 400_000])
def test_a_run_within_the_limit_has_the_page_that_no_limit_gives(size_limit: int) -> None:
    rows = many(700)
    pages = [
        render(rows, thumbnails=lambda _: jpeg(), size_limit=size_limit, most_rows=most)
        for most in (None, 700, 701, MOST_ROWS)
    ]
    assert pages.count(pages[0]) == 4
    page, summary = pages[0]
    assert summary.rows == summary.files == len(rows_in(page)) == 700
    assert "rows-shown" not in page.split("<script", 1)[0]
    assert "bars-count" not in page.split("<script", 1)[0]
    assert "whole_run" not in facts_in(page)


def test_one_row_too_many_makes_a_sample_that_a_sentence_announces() -> None:
    page, summary = render(many(1001), most_rows=1000)
    assert (summary.files, summary.rows) == (1001, 1000)
    assert len(rows_in(page)) == 1000
    # Every fiftieth of ``many`` could not be used.
    assert (
        "1,000 of 1,001 rows are shown: even samples of the pictures (980 of 981) and of the files "
        "that could not be used (20 of 20), with at least 30 rows, or all there are, of each class "
        "and of unknown; predictions.csv has every row." in text_of(page)
    )


def test_rows_on_the_page_are_rows_of_the_run_in_its_order() -> None:
    rows = many(3000)
    page, _ = render(rows, most_rows=500)
    packed = rows_in(page)
    place = {row["path"]: number for number, row in enumerate(rows)}
    places = [place[row[0]] for row in packed]
    assert len(places) == 500
    assert places == sorted(set(places))
    assert all(
        row[1] == rows[number]["outcome"] for row, number in zip(packed, places, strict=True)
    )
    # 440 that were classified, spread over six stretches of 500 files, and all 60 others.
    stretches = Counter(
        number // 500 for number, row in zip(places, packed, strict=True) if row[3] is not None
    )
    assert all(72 <= times <= 75 for times in stretches.values())
    assert sum(stretches.values()) == 440


def test_where_many_could_not_be_used_the_sentence_says_how_many_of_them_are_there() -> None:
    rows = [failed(f"{i:03d}") if i % 2 else classified(f"{i:03d}") for i in range(200)]
    page, summary = render(rows, most_rows=50)
    assert summary.rows == 50
    # 40 are left for one label: half of them are its own.
    assert (
        "even samples of the pictures (40 of 100) and of the files that could not be used (10 of "
        "100), with at least 20 rows, or all there are, of each class" in text_of(page)
    )
    assert sum(row[3] is None for row in rows_in(page)) == 10


def test_where_all_could_be_used_the_sentence_says_nothing_of_others() -> None:
    page, _ = render([classified(f"{i:03d}") for i in range(200)], most_rows=50)
    assert (
        "50 of 200 rows are shown: an even sample of the pictures (50 of 200), with at least 25 "
        "rows" in text_of(page)
    )
    assert "could not be used" not in text_of(page)


def test_where_none_could_be_used_the_sentence_says_nothing_of_pictures() -> None:
    page, _ = render([failed(f"{i:03d}") for i in range(200)], most_rows=50)
    assert (
        "50 of 200 rows are shown: an even sample of the files that could not be used (50 of 200); "
        "predictions.csv has every row." in text_of(page)
    )


def test_where_classes_are_too_many_to_have_rows_of_their_own_the_sentence_promises_none() -> None:
    rows = [classified(f"{i:03d}", f"class {i}") for i in range(200)]
    page, _ = render(rows, most_rows=50)
    assert "an even sample of the pictures (50 of 200); predictions.csv has" in text_of(page)


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (None, "No file fits all filters."),
        (50, "No row on this page fits all filters. The page shows a sample; predictions.csv"),
    ],
)
def test_where_no_row_fits_the_filters_a_sample_does_not_speak_of_all_files(
    most: int | None, said: str
) -> None:
    page, _ = render([classified(f"{i:03d}") for i in range(200)], most_rows=most)
    nothing = re.search(r'<p class="nothing".*?</p>', page, re.DOTALL)
    assert nothing is not None
    assert said in nothing[0]


def test_headline_summary_and_counts_are_those_of_all_rows() -> None:
    rows = many(2000)
    page, _ = render(rows, most_rows=100)
    labels = Counter(row["label"] for row in rows)
    classified_files = 2000 - labels[None]
    text = text_of(page)
    assert f"{classified_files:,} pictures, 3 classes" in text
    assert (
        f"Of 2,000 files found, {classified_files - labels['unknown']:,} got one of your classes, "
        f"{labels['unknown']} are unknown and {labels[None]} could not be classified." in text
    )
    facts = facts_in(page)
    counts = facts["whole_run"]
    assert dict(zip(facts["names"], counts["labels"], strict=True)) == {
        name: labels[name] for name in (*CLASSES, "unknown")
    }
    assert (counts["classified"], counts["failed"]) == (classified_files, labels[None])
    # ``many`` gives whole thousandths, and all that is unknown 0.34: bars of 50 thousandths.
    bars = Counter(round(row["confidence"] * 1000) // 50 for row in rows if row["label"])
    assert counts["bins"] == [bars[number] for number in range(20)]
    assert counts["unknown_bins"] == [0] * 6 + [labels["unknown"]] + [0] * 13


def test_thumbnails_are_asked_for_and_counted_of_rows_on_the_page_alone() -> None:
    rows = [
        weighed(row, {"text_image": "cat"}, "cat/near.png") if row["label"] else row
        for row in many(2000)
    ]
    asked: set[str] = set()

    def thumbnail(sha256: str) -> bytes | None:
        asked.add(sha256)
        return None if sha256.startswith(("0", "1")) else jpeg()

    page, summary = render(rows, thumbnails=thumbnail, most_rows=200, size_limit=200_000)
    packed = rows_in(page)
    on_page = {row[10] for row in packed if row[10]}
    assert asked == on_page | {hash_of("cat/near.png")}
    has_one = sum(not sha256.startswith(("0", "1")) for sha256 in on_page)
    assert 0 < summary.thumbnails < has_one == summary.thumbnails + summary.without_room
    assert sum(row[11] is not None for row in packed) == summary.thumbnails
    assert (
        f"Thumbnails of {summary.thumbnails} of {len(on_page)} pictures on this page are shown"
        in (text_of(page))
    )
    assert f"For {len(on_page) - has_one} of {len(on_page)} pictures on this page there is no" in (
        text_of(page)
    )
    assert "No picture is missing from the lists" not in page
    assert page.count(base64.b64encode(jpeg()).decode()) >= summary.thumbnails


def test_memory_does_not_grow_with_rows_that_are_not_shown() -> None:
    def peak_of(n: int) -> int:
        def rows() -> Iterator[Row]:
            return (classified(f"{i:07d}.jpg", "cat", i / n) for i in range(n))

        tracemalloc.start()
        render_report(rows, RUN, lambda _: None, io.StringIO(), most_rows=400)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_of(1)  # the template is compiled once; that is not what grows
    few, more = peak_of(1_000), peak_of(9_000)
    # Nothing of a row that is not shown: the smallest object of Python takes 16 bytes or more.
    assert more - few < 8_000 * 12
