from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from report_rows import RUN, classified, failed, jpeg, many, weighed
from sightglass.reports.html import write_report

pytestmark = pytest.mark.browser

ROWS = [
    classified("a/cat-sure.jpg", "cat", 0.95),
    classified("a/cat-unsure.jpg", "cat", 0.5, unknown_score=0.7),
    classified("b/dog.jpg", "dog", 0.9),
    classified("b/dog-again.jpg", "dog", 0.9, outcome="duplicate", detail="b/dog.jpg"),
    classified("c/cat-middle.jpg", "cat", 0.72),
    classified("d/odd.jpg", "unknown", 0.38),
    failed("e/broken.jpg", "truncated", "the data stop early"),
]


def files(page: Page) -> list[str]:
    return page.locator(".card .file").all_text_contents()


def count(page: Page):
    return expect(page.locator("#count"))


def test_a_report_opens_from_disk_with_a_card_per_picture(open_report):
    page = open_report(ROWS, RUN, lambda _: jpeg()).page

    assert files(page) == [
        "cat-sure.jpg", "cat-unsure.jpg", "cat-middle.jpg", "dog.jpg", "dog-again.jpg", "odd.jpg",
    ]  # fmt: skip
    count(page).to_have_text("Showing 7 of 7 files")
    headings = page.locator(".group h2").all_text_contents()
    assert headings == ["cat", "dog", "Unknown", "Not classified"]
    row = page.locator(".group.failed tbody tr")
    assert row.locator("td").all_text_contents() == [
        "e/broken.jpg", "incomplete", "the data stop early",
    ]  # fmt: skip
    expect(page.locator(".duplicate")).to_have_text("duplicate of b/dog.jpg")


def test_a_thumbnail_becomes_a_picture(open_report):
    page = open_report(ROWS[:1], RUN, lambda _: jpeg()).page
    image = page.locator("img.thumbnail")

    page.wait_for_function("document.querySelector('img.thumbnail').naturalWidth === 160")
    assert image.get_attribute("alt") == "Thumbnail of a/cat-sure.jpg"


def test_a_picture_without_thumbnail_has_a_placeholder(open_report):
    page = open_report(ROWS[:1], RUN).page

    expect(page.locator(".thumbnail.empty")).to_have_text("no thumbnail")
    expect(page.locator("img")).to_have_count(0)


@pytest.mark.parametrize(
    ("order", "cats"),
    [
        ("path", ["cat-sure.jpg", "cat-unsure.jpg", "cat-middle.jpg"]),
        ("least", ["cat-unsure.jpg", "cat-middle.jpg", "cat-sure.jpg"]),
        ("most", ["cat-sure.jpg", "cat-middle.jpg", "cat-unsure.jpg"]),
        ("margin", ["cat-unsure.jpg", "cat-middle.jpg", "cat-sure.jpg"]),
        ("unknown", ["cat-unsure.jpg", "cat-middle.jpg", "cat-sure.jpg"]),
    ],
)
def test_sorting_changes_the_order_within_a_class(open_report, order, cats):
    page = open_report(ROWS, RUN).page
    page.locator("#sort").select_option(order)

    assert files(page)[:3] == cats


def test_without_grouping_the_order_runs_through_all_classes(open_report):
    page = open_report(ROWS, RUN).page
    page.locator("#grouped").uncheck()
    page.locator("#sort").select_option("least")

    assert files(page) == [
        "odd.jpg", "cat-unsure.jpg", "cat-middle.jpg", "dog.jpg", "dog-again.jpg", "cat-sure.jpg",
    ]  # fmt: skip


def test_filters_combine_and_can_be_cleared(open_report):
    page = open_report(ROWS, RUN).page
    page.locator(".choice", has_text="cat").click()
    count(page).to_have_text("Showing 3 of 7 files")
    page.locator("#from").fill("60")
    assert files(page) == ["cat-sure.jpg", "cat-middle.jpg"]
    page.locator("#to").fill("80")
    assert files(page) == ["cat-middle.jpg"]
    page.locator("#search").fill("SURE")
    assert files(page) == []
    expect(page.locator("#nothing")).to_be_visible()

    page.locator("#clear").click()
    count(page).to_have_text("Showing 7 of 7 files")
    assert len(files(page)) == 6


def test_unknown_and_failed_files_can_be_shown_alone(open_report):
    page = open_report(ROWS, RUN).page
    page.locator(".choice.unknown").click()
    assert files(page) == ["odd.jpg"]
    page.locator(".choice.unknown").click()
    page.locator(".choice.failed").click()

    assert files(page) == []
    expect(page.locator(".group.failed tbody tr")).to_have_count(1)
    count(page).to_have_text("Showing 1 of 7 files")


def test_search_looks_at_the_whole_path(open_report):
    page = open_report(ROWS, RUN).page
    page.locator("#search").fill("b/dog")

    assert files(page) == ["dog.jpg", "dog-again.jpg"]


def test_a_bar_of_the_histogram_sets_the_range_and_releases_it(open_report):
    page = open_report(ROWS, RUN).page
    bar = page.get_by_role("button", name="90% to 95%: 2 pictures")
    bar.click()
    assert files(page) == ["dog.jpg", "dog-again.jpg"]
    assert page.locator("#from").input_value() == "90"
    assert page.locator("#to").input_value() == "95"
    expect(bar).to_have_attribute("aria-pressed", "true")
    bar.click()

    count(page).to_have_text("Showing 7 of 7 files")


def test_the_bars_hold_every_picture_once(open_report):
    edges = [i / 20 for i in range(21)]
    page = open_report(
        [classified(f"{i}.jpg", "cat", edge) for i, edge in enumerate(edges)], RUN
    ).page
    labels = page.locator(".bin").evaluate_all("bars => bars.map(bar => bar.ariaLabel)")

    # One picture on every edge: each edge opens its bar, and 100 % belongs to the last one.
    assert [label.split(": ")[1] for label in labels] == ["1 picture"] * 19 + ["2 pictures"]


HOSTILE = {
    "<script>alert(1)</script>.jpg": "<script>alert(1)</script>.jpg",
    "<img src=x onerror=alert(1)>.jpg": "<img src=x onerror=alert(1)>.jpg",
    "\"quotes' & <b>.jpg": "\"quotes' & <b>.jpg",
    "new\nline.jpg": r"new\nline.jpg",
    "gpj.\u202excod.jpg": r"gpj.\u202excod.jpg",
    "nul\x00bell\x07.jpg": r"nul\u0000bell\u0007.jpg",
    "not-utf8-\udcff.jpg": r"not-utf8-\udcff.jpg",
    "two\u2028lines.jpg": r"two\u2028lines.jpg",
    "קובץ.jpg": "קובץ.jpg",
    "<!--<script>.jpg": "<!--<script>.jpg",
    "{{ 7*7 }}.jpg": "{{ 7*7 }}.jpg",
}


def test_hostile_file_names_are_inert_and_readable(open_report):
    rows = [classified(name) for name in HOSTILE] + [failed(name, detail=name) for name in HOSTILE]
    page = open_report(rows, RUN).page

    # A slash in a name is the end of a folder; the card shows folder and file one after the other.
    assert page.locator(".card .where").all_text_contents() == list(HOSTILE.values())
    table = page.locator(".group.failed tbody tr td:first-child").all_text_contents()
    assert table == list(HOSTILE.values())
    titles = page.locator(".card").evaluate_all("cards => cards.map(card => card.title)")
    assert titles == list(HOSTILE.values())
    expect(page.locator("#sections :is(script, b, img)")).to_have_count(0)
    isolation = page.locator(".card .file").first.evaluate("e => getComputedStyle(e).unicodeBidi")
    assert isolation == "isolate"


def test_hostile_class_names_are_inert_and_readable(open_report):
    classes = ["<script>alert(1)</script>", "a\u202eb", "dog"]
    run = RUN | {
        "classes": [{"name": name, "names": [name, name + "<b>"]} for name in classes],
        "model": {"name": "<img src=x onerror=alert(1)>"},
        "command": ["sightglass", "</pre><script>alert(1)</script>"],
    }
    rows = [
        classified(f"{i}.jpg", "dog")
        | {"label": name, "top": [{"label": name, "probability": 0.9}]}
        for i, name in enumerate(classes)
    ]
    page = open_report(rows, run).page

    shown = ["<script>alert(1)</script>", r"a\u202eb", "dog"]
    assert page.locator(".group h2").all_text_contents() == shown
    assert page.locator(".card .label").all_text_contents() == shown
    assert page.locator(".choice bdi").all_text_contents()[:3] == shown
    expect(page.locator("body :is(b, img, main script)")).to_have_count(0)
    page.locator(".card").first.click()
    expect(page.locator("dialog h2 .label")).to_have_text(shown[0])


def test_injected_markup_would_be_inert_too(open_report):
    report = open_report(ROWS, RUN)
    ran = report.page.evaluate(
        """() => {
            const script = document.createElement("script");
            try { script.textContent = "window.ran = true"; document.body.append(script); }
            catch { return "refused"; }
            return window.ran ?? "refused";
        }"""
    )

    assert ran == "refused"
    assert report.watched.complaints
    report.watched.complaints.clear()


def test_arrow_keys_move_between_cards_and_enter_opens_the_details(open_report):
    page = open_report(ROWS, RUN, lambda _: jpeg()).page
    focused = "document.activeElement.title"
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "a/cat-unsure.jpg"
    page.keyboard.press("End")
    assert page.evaluate(focused) == "c/cat-middle.jpg"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "b/dog.jpg"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "a/cat-sure.jpg"
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("h2")).to_have_text("cat95.0%")
    expect(dialog.locator("dl")).to_contain_text("640 × 480 pixels")
    expect(dialog.locator("dl")).to_contain_text(ROWS[0]["sha256"])
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("dl")).to_contain_text("a/cat-unsure.jpg")
    page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(page.locator(".card").nth(1)).to_be_focused()


def test_up_and_down_move_by_a_row_of_cards(open_report):
    rows = [classified(f"{i:02d}.jpg") for i in range(20)]
    page = open_report(rows, RUN).page
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowDown")
    tops = page.locator(".cards li").evaluate_all("items => items.map(item => item.offsetTop)")
    per_row = tops.count(tops[0])

    assert 1 < per_row < 20
    assert page.evaluate("document.activeElement.title") == f"{per_row:02d}.jpg"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.title") == "00.jpg"


def test_slash_goes_to_the_search(open_report):
    page = open_report(ROWS, RUN).page
    page.keyboard.press("/")

    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("a/b")
    assert page.locator("#search").input_value() == "a/b"


def test_tab_reaches_filters_bars_cards_and_the_making_of_the_run(open_report):
    page = open_report(ROWS, RUN).page
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))

    assert {
        "skip", "search", "from", "to", "choice class", "choice unknown", "choice failed", "bin",
        "sort", "grouped", "card",
    } <= reached  # fmt: skip
    assert page.locator(".card[tabindex='0']").count() == 3


def test_focus_can_be_seen(open_report):
    page = open_report(ROWS, RUN).page
    page.locator("#search").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")

    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_every_field_and_picture_has_a_name(open_report):
    page = open_report(ROWS, RUN, lambda _: jpeg()).page

    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select")].filter(
            (field) => !(field.ariaLabel || field.labels?.length || field.textContent.trim()),
        ).map((field) => field.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    for landmark in ("banner", "main", "complementary", "contentinfo", "search"):
        assert page.get_by_role(landmark).count() == 1, landmark
    assert page.locator("#count").get_attribute("aria-live") == "polite"


def test_a_phone_shows_everything_without_scrolling_sideways(open_report):
    rows = [*ROWS, failed("x" * 300 + ".jpg", detail="y" * 300), classified("z" * 300 + ".jpg")]
    page = open_report(rows, RUN, lambda _: jpeg(), viewport={"width": 390, "height": 844}).page
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 390
    expect(page.locator("#search")).to_be_hidden()
    page.locator("#filters summary").click()
    expect(page.locator("#search")).to_be_visible()
    assert page.evaluate(width) <= 390
    page.locator(".card").last.click()

    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= box["width"]


def test_dark_mode_turns_light_and_dark_around(open_report):
    def brightness(page: Page, property_name: str) -> int:
        colour = page.evaluate(f"getComputedStyle(document.body).{property_name}")
        return sum(int(part) for part in colour[4:-1].split(","))

    light = open_report(ROWS, RUN, color_scheme="light").page
    dark = open_report(ROWS, RUN, color_scheme="dark").page

    assert brightness(light, "backgroundColor") - brightness(light, "color") > 400
    assert brightness(dark, "color") - brightness(dark, "backgroundColor") > 400


def test_the_making_of_the_run_is_told(open_report):
    page = open_report(ROWS, RUN).page
    making = page.locator("#making")

    for text in (
        "mini", "Apache-2.0", "single", "a photo of a {}.", "Rule: the simple one.", "near misses",
        "Above 0.9 is unknown.", "1.50 s", "<0.01 s", "2.9.9",
    ):  # fmt: skip
        expect(making).to_contain_text(text)
    expect(making.locator("pre").first).to_have_text(
        "sightglass classify 'my photos' --classes cat,dog,teapot"
    )
    expect(page.locator("#made")).to_have_text(
        "Made 2026-11-20 10:12 UTC · model mini · version 0.1.0"
    )


def test_a_run_that_records_nothing_opens_too(open_report):
    page = open_report(ROWS, {}).page

    assert len(files(page)) == 6


def test_without_javascript_the_page_says_where_to_look(open_report):
    page = open_report(ROWS, RUN, java_script_enabled=False).page

    expect(page.locator("noscript p")).to_contain_text("predictions.csv")
    expect(page.locator("h1")).to_have_text("6 pictures, 3 classes")


def test_printing_leaves_the_controls_out_and_fills_the_thumbnails(open_report):
    page = open_report(many(60), RUN, lambda _: jpeg()).page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    expect(page.locator("aside")).to_be_hidden()
    expect(page.locator("#sort")).to_be_hidden()
    assert page.locator(".card").count() > 0
    assert page.locator("img.thumbnail:not([src])").count() == 0


def test_more_cards_come_when_asked_for(open_report):
    rows = [classified(f"{i:03d}.jpg", "cat") for i in range(130)] + [classified("dog.jpg", "dog")]
    page = open_report(rows, RUN).page
    cats = page.locator(".group.class").first
    assert cats.locator(".card").count() == 24
    more = cats.locator(".more")
    expect(more).to_have_text("Show 96 more of 106")
    more.click()
    assert cats.locator(".card").count() == 120
    assert page.evaluate("document.activeElement.title") == "024.jpg"
    more.click()

    assert cats.locator(".card").count() == 130
    expect(more).to_be_hidden()


def test_a_class_alone_fills_while_scrolling(open_report):
    page = open_report([classified(f"{i:03d}.jpg", "cat") for i in range(400)], RUN).page
    for _ in range(60):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(30)
        if page.locator(".card").count() == 400:
            break

    assert page.locator(".card").count() == 400


def test_10_000_pictures_open_and_filter(open_report):
    started = time.perf_counter()
    report = open_report(many(10_000), RUN, lambda _: jpeg(), size_limit=24_000_000)
    page = report.page
    count(page).to_have_text("Showing 10,000 of 10,000 files")
    loaded = time.perf_counter()
    cards = page.locator(".card").count()
    page.locator("#search").fill("photos/00123")
    count(page).to_have_text("Showing 10 of 10,000 files")
    filtered = time.perf_counter()
    print(f"10,000 pictures: opened {loaded - started:.2f} s, filtered {filtered - loaded:.2f} s")

    assert 24 <= cards < 300  # a screenful or so, not one per picture
    assert len(files(page)) + page.locator(".group.failed tbody tr").count() == 10
    assert filtered - started < 60


def test_sampled_thumbnails_are_announced_and_no_picture_is_missing(open_report):
    rows = many(600)
    page = open_report(rows, RUN, lambda _: jpeg() + bytes(2000), size_limit=900_000).page
    n_classified = sum(row["label"] is not None for row in rows)
    shown = page.locator("script[id^=thumbnail-]").count()

    assert 0 < shown < n_classified
    expect(page.locator("#sampled")).to_contain_text(
        f"Thumbnails of {shown} of {n_classified} pictures are shown"
    )
    count(page).to_have_text("Showing 600 of 600 files")
    assert page.locator(".thumbnail.empty").count() > 0
    assert page.locator("img.thumbnail").count() > 0


def bars(page: Page) -> list[str]:
    return page.locator(".bin").evaluate_all("bars => bars.map(bar => bar.ariaLabel)")


def numbers(page: Page) -> list[str]:
    return page.locator(".choice .number").all_text_contents()


def test_a_sample_of_too_many_rows_counts_the_whole_run_and_says_what_it_shows(
    open_report, tmp_path
):
    rows = [
        weighed(row, {"text_image": "cat", "vision_only": ("cat", "dog")[number % 7 == 0]})
        if row["label"]
        else row
        for number, row in enumerate(many(2000))
    ]
    rows.append(classified("rare.jpg", "unknown", 0.99999))
    whole = open_report(rows, RUN).page
    page = open_report(rows, RUN, most_rows=300).page

    # The page with all rows counts them in its script, the other one is told.
    assert bars(page) == bars(whole)
    shown, of_run = zip(*(number.split(" of ") for number in numbers(page)), strict=True)
    assert list(of_run) == numbers(whole)
    disputed, *groups = map(int, shown)
    assert sum(groups) == 300
    assert 0 < disputed < 300
    widths = "choices => choices.map(choice => choice.style.getPropertyValue('--share'))"
    shares = [one.locator(".choice").evaluate_all(widths) for one in (page, whole)]
    assert shares[0] == shares[1]
    expect(page.locator("#rows-shown")).to_contain_text("300 of 2,001 rows are shown")
    count(page).to_have_text("Showing 300 of the 300 rows on this page")
    expect(page.locator("#bars-count")).to_have_text(
        "The bars count all 1,961 pictures of the run."
    )

    page.locator(".choice", has_text="cat").click()
    in_section = groups[0]
    count(page).to_have_text(f"Showing {in_section} of the 300 rows on this page")
    expect(page.locator(".group .number")).to_have_text(f"{in_section} shown")
    expect(page.locator("#bars-count")).to_have_text(
        "The bars count rows on this page, those that fit the filters."
    )
    heights = [label.split(": ")[1].split() for label in bars(page)]
    assert all(words[-1] == "shown" for words in heights)
    assert sum(int(words[0]) for words in heights) == in_section
    page.locator("#clear").click()
    assert bars(page) == bars(whole)

    text = (tmp_path / "report.html").read_text()
    left_out = next(row["path"] for row in rows if row["path"] not in text)
    page.locator("#search").fill(left_out)
    expect(page.locator("#nothing")).to_have_text(
        "No row on this page fits all filters. The page shows a sample; predictions.csv has every "
        "row."
    )


def test_of_a_class_with_one_file_in_thousands_a_sample_shows_it(open_report):
    rows = [classified(f"{i}.jpg", "cat") for i in range(3000)]
    rows[1234] = classified("the dog.jpg", "dog")
    page = open_report(rows, RUN, most_rows=100).page
    choice = page.locator(".choice", has_text="dog")
    expect(choice.locator(".number")).to_have_text("1 of 1")
    choice.click()
    count(page).to_have_text("Showing 1 of the 100 rows on this page")
    expect(page.locator("#sections")).to_contain_text("the dog.jpg")


@pytest.mark.parametrize(
    "viewport", [{"width": 390, "height": 844}, {"width": 1280, "height": 900}]
)
def test_the_numbers_of_a_sample_fit_beside_the_names(open_report, viewport):
    rows = many(3000) + [classified(f"{i}.jpg", "cat") for i in range(1500)]
    page = open_report(rows, RUN, most_rows=2000, viewport=viewport).page
    if viewport["width"] < 760:
        page.locator("#filters summary").click()
    heights = page.locator(".choice .number").evaluate_all(
        "numbers => numbers.map(number => number.getClientRects()[0].height)"
    )

    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert max(heights) == min(heights) < 30


def test_the_screenshot_tool_takes_three_pictures(tmp_path):
    report = tmp_path / "report.html"
    write_report(report, lambda: iter(ROWS), RUN, lambda _: jpeg())
    tool = Path(__file__).parents[2] / "tools" / "screenshot.py"
    subprocess.run([sys.executable, tool, report, "--out", tmp_path / "pictures"], check=True)

    sizes = {}
    for path in (tmp_path / "pictures").iterdir():
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    assert sizes == {"desktop.png": (1280, 900), "phone.png": (780, 1688), "dark.png": (1280, 900)}
