from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tracemalloc
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_rows import RUN, classified, failed, jpeg, many
from sightglass.errors import ResultsError
from sightglass.reports.html import ReportSummary, render_report, write_report
from sightglass.reports.json_block import json_block
from sightglass.reports.sampling import Candidate, sample_evenly, spread_order
from sightglass.reports.survey import survey_rows

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028&amp;\udcff\n\u202e.jpg"


def render(rows, run=RUN, thumbnails=lambda _: None, **options) -> tuple[str, ReportSummary]:
    out = io.StringIO()
    summary = render_report(lambda: iter(rows), run, thumbnails, out, **options)
    return out.getvalue(), summary


def json_blocks(page: str) -> list[str]:
    return re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)


def rows_in(page: str) -> list[list]:
    blocks = re.findall(r'<script type="application/json" class="rows">(.*?)</script>', page)
    return [row for block in blocks for row in json.loads(block)]


# --- JSON blocks


@given(ANY_TEXT)
def test_any_text_comes_back_from_a_json_block(text):
    assert json.loads(json_block({"path": text})) == {"path": text}


@given(ANY_TEXT)
def test_no_text_can_leave_a_json_block(text):
    block = json_block([text, {text: "</script><!--"}])

    assert block.isascii()
    assert not set("<>&") & set(block)


def test_numbers_that_json_lacks_become_null():
    values = [float("nan"), float("inf"), -float("inf"), 0.5, True, 3]

    assert json.loads(json_block(values)) == [None, None, None, 0.5, True, 3]


def test_what_is_no_json_value_becomes_its_text():
    assert json.loads(json_block({1: Path("a/b"), "t": (1, None)})) == {
        "1": str(Path("a/b")),
        "t": [1, None],
    }


# --- sampling

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        group=st.integers(0, 5),
        confidence=st.none() | st.floats(0, 1),
        size=st.integers(1, 100),
    ),
    max_size=80,
)


@given(st.integers(0, 300))
def test_a_spread_order_holds_every_number_once(n):
    assert sorted(spread_order(n)) == list(range(n))


@given(st.integers(1, 300), st.data())
def test_every_beginning_of_a_spread_order_leaves_no_wide_gap(n, data):
    m = data.draw(st.integers(1, n))
    marks = [*sorted(islice(spread_order(n), m)), n]

    assert marks[0] == 0
    assert max(b - a for a, b in pairwise(marks)) * m < 4 * n + m


@given(CANDIDATES, st.integers(-10, 4000))
def test_a_sample_never_exceeds_its_budget(candidates, budget):
    sample = sample_evenly(candidates, budget=budget)

    assert sample == sorted(set(sample))
    assert sum(candidates[index].size for index in sample) <= max(budget, 0)


@given(CANDIDATES, st.integers(0, 4000))
def test_every_class_keeps_a_thumbnail_while_there_is_room(candidates, budget):
    groups = {candidate.group for candidate in candidates}
    largest = max((candidate.size for candidate in candidates), default=0)
    sample = sample_evenly(candidates, budget=max(budget, len(groups) * largest))

    assert {candidates[index].group for index in sample} == groups


@given(CANDIDATES, st.integers(0, 4000))
def test_nothing_that_would_have_fitted_is_left_out(candidates, budget):
    sample = sample_evenly(candidates, budget=budget)
    left = budget - sum(candidates[index].size for index in sample)

    assert all(candidates[i].size > left for i in set(range(len(candidates))) - set(sample))


@given(
    st.lists(
        st.builds(
            Candidate,
            group=st.integers(0, 3),
            confidence=st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1),
            size=st.integers(0, 9),
        ),
        max_size=40,
    ),
    st.integers(-1, 200),
)
def test_a_sample_is_what_sorting_everything_in_memory_gives(candidates, budget):
    members: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        if candidate.size:
            members.setdefault(candidate.group, []).append(index)
    turns = []
    for group, indices in members.items():
        surest_first = sorted(indices, key=lambda index: -(candidates[index].confidence or 0.0))
        order = spread_order(len(indices))
        turns += [(turn, group, surest_first[at]) for turn, at in enumerate(order)]
    expected = []
    left = budget
    for _, _, index in sorted(turns):
        if candidates[index].size <= left:
            left -= candidates[index].size
            expected.append(index)

    assert sample_evenly(iter(candidates), budget=budget) == sorted(expected)


def test_a_rare_class_keeps_all_and_a_common_one_is_sampled_over_its_whole_range():
    common = [Candidate(group=0, confidence=i / 100, size=10) for i in range(100)]
    rare = [Candidate(group=1, confidence=0.5, size=10) for _ in range(3)]

    sample = sample_evenly(common + rare, budget=110)

    # Eleven fit: all 3 rare ones and 8 of the 100 others. Backwards in seven binary digits, the
    # first 8 ranks are 0, 64, 32, 96, 16, 80, 48 (112 does not exist) and 8; rank 0 is the surest.
    assert sample[-3:] == [100, 101, 102]
    assert sorted(99 - index for index in sample[:-3]) == [0, 8, 16, 32, 48, 64, 80, 96]


def test_the_same_candidates_give_the_same_sample():
    candidates = [
        Candidate(group=i % 3, confidence=(i * 7 % 10) / 10, size=5 + i % 4) for i in range(60)
    ]

    assert sample_evenly(candidates, budget=200) == sample_evenly(list(candidates), budget=200)


# --- survey


def test_a_survey_counts_every_outcome_and_numbers_classes_first():
    rows = [
        classified("a", "dog"),
        classified("b", "unknown", 0.4),
        failed("c"),
        classified("d", "dog", outcome="duplicate", detail="a", sha256="same"),
        classified("e", "dog", sha256="same"),
        classified("f", "dog", sha256=None),
    ]

    survey = survey_rows(lambda: iter(rows), ["cat", "dog", "teapot"])

    assert survey.names == ("cat", "dog", "teapot", "unknown")
    assert (survey.n_classes, survey.files, survey.classified, survey.unknown) == (3, 6, 5, 1)
    assert [picture.files for picture in survey.contents.pictures()] == [1, 1, 2]


# --- page


def test_every_row_is_in_the_page_in_its_order():
    rows = many(600)
    page, summary = render(rows)

    assert [row[0] for row in rows_in(page)] == [row["path"] for row in rows]
    assert summary.files == 600
    assert summary.bytes == len(page.encode())


def test_a_row_says_what_predictions_jsonl_says():
    row = classified("a.jpg", "dog", 0.75)
    page, _ = render([row])

    names = ["cat", "dog", "teapot"]
    (packed,) = rows_in(page)
    assert packed[:3] == ["a.jpg", "ok", ""]
    assert names[packed[3]] == "dog"
    assert packed[4:7] == [0.75, 0.625, 0.25]
    assert packed[7] == [[1, 0.75], [0, 0.125]]
    assert packed[8:] == [640, 480, row["sha256"], None]


def test_hostile_names_never_reach_the_markup():
    run = RUN | {"classes": [{"name": HOSTILE, "names": [HOSTILE]}, {"name": "b", "names": ["b"]}]}
    row = classified(HOSTILE, "cat") | {"label": HOSTILE, "detail": HOSTILE}
    page, _ = render([row, failed(HOSTILE, detail=HOSTILE)], run)

    assert "<img" not in page
    assert "onerror=alert(1)>" not in page
    assert [packed[0] for packed in rows_in(page)] == [HOSTILE, HOSTILE]
    page.encode("utf-8")


def test_the_policy_names_exactly_the_inline_style_and_script():
    page, _ = render([classified("a")])
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL).group(1)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    policy = policy.replace("&#39;", "'").replace("&#x27;", "'")

    def source(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert f"style-src {source(style)};" in policy
    assert f"script-src {source(script)};" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_the_page_names_no_address_to_load_from():
    page, _ = render([classified("a")])

    assert re.findall(r"(?:https?:)?//[a-z]+\.[a-z]+", page) == []
    assert re.findall(r"<(?:link|img|script|iframe)[^>]*(?:src|href)=\"(?!data:)", page) == []


def test_headline_and_summary_count_in_words():
    page, _ = render([classified("a"), classified("b", "unknown", 0.4), failed("c")])

    assert "<h1>2 pictures, 3 classes</h1>" in page
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert (
        "Of 3 files found, 1 got one of your classes, 1 is unknown and 1 could not be classified."
        in text
    )


def test_a_run_that_records_nothing_still_makes_a_page():
    page, summary = render([classified("a"), failed("b")], run={})

    assert summary.files == 2
    assert "<h1>1 picture, 0 classes</h1>" in page


def test_no_rows_make_a_page_too():
    page, summary = render([])

    assert "<h1>0 pictures, 3 classes</h1>" in page
    assert summary == ReportSummary(
        files=0, rows=0, thumbnails=0, without_room=0, bytes=len(page.encode())
    )


def test_the_page_does_not_say_where_its_maker_worked():
    run = RUN | {"working_folder": "/home/somebody/secret"}
    page = render([classified("a.jpg")], run=run)[0]
    assert "secret" not in page
    assert page == render([classified("a.jpg")], run=RUN)[0]


def test_the_command_is_quoted_for_a_shell():
    page, _ = render([])
    facts = json.loads(json_blocks(page)[0])

    assert facts["command"] == "sightglass classify 'my photos' --classes cat,dog,teapot"


def test_a_thumbnail_is_stored_once_however_many_files_hold_the_picture():
    picture = jpeg()
    rows = [classified("a", sha256="s"), classified("b", outcome="duplicate", sha256="s")]
    page, summary = render(rows, thumbnails={"s": picture}.get)

    assert page.count(base64.b64encode(picture).decode()) == 1
    assert [row[-1] for row in rows_in(page)] == [0, 0]
    assert summary.thumbnails == 2


def test_pictures_without_a_thumbnail_are_counted_in_the_page():
    page, summary = render(
        [classified("a", sha256="s"), classified("b")], thumbnails={"s": jpeg()}.get
    )

    assert "For 1 of 2 pictures there is no thumbnail." in " ".join(page.split())
    assert 'id="sampled"' not in page
    assert (summary.thumbnails, summary.without_room) == (1, 0)


@pytest.mark.parametrize("limit", [3_000_000, 6_000_000])
def test_10_000_pictures_keep_the_size_limit_and_every_row(limit):
    rows = many(10_000)
    picture = jpeg() * 4
    page, summary = render(rows, thumbnails=lambda _: picture, size_limit=limit)

    block = len(base64.b64encode(picture)) + 60
    assert limit - 2 * block - 400 < len(page.encode()) <= limit
    assert len(rows_in(page)) == 10_000
    n_classified = sum(row["label"] is not None for row in rows)
    assert summary.thumbnails + summary.without_room == n_classified
    shown = {row[-1] for row in rows_in(page)} - {None}
    assert shown == set(map(int, re.findall(r'id="thumbnail-(\d+)"', page)))
    assert f"Thumbnails of {summary.thumbnails:,} of {n_classified:,} pictures" in " ".join(
        page.split()
    )
    labels = {row[3] for row in rows_in(page) if row[-1] is not None}
    assert labels == {0, 1, 2, 3}


def test_rows_are_kept_even_where_they_alone_exceed_the_limit():
    page, summary = render(many(300), thumbnails=lambda _: jpeg(), size_limit=1000)

    assert len(rows_in(page)) == 300
    assert summary.thumbnails == 0


def test_memory_stays_far_below_the_size_of_the_page(tmp_path):
    n = 4000
    picture = jpeg() + bytes(3000)

    def rows():
        for i in range(n):
            yield classified(f"photos/{i:06d}.jpg", "cat", 0.5)

    render([])  # the template is compiled once; that is not what grows
    tracemalloc.start()
    with (tmp_path / "report.html").open("w", encoding="utf-8") as out:
        summary = render_report(rows, RUN, lambda _: bytes(bytearray(picture)), out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert summary.thumbnails == n
    assert summary.bytes > 15_000_000
    assert peak < summary.bytes / 5


def test_a_report_is_put_in_place_whole(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("before")

    def breaks():
        yield classified("a")
        raise OSError("the disk went away")

    with pytest.raises(ResultsError, match="went away"):
        write_report(path, breaks, RUN, lambda _: None)
    assert path.read_text() == "before"

    summary = write_report(path, lambda: iter([classified("a\udcff")]), RUN, lambda _: None)
    assert path.stat().st_size == summary.bytes
    assert rows_in(path.read_text(encoding="utf-8"))[0][0] == "a\udcff"
