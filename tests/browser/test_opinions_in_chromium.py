from __future__ import annotations

import pytest
from playwright.sync_api import expect

from report_rows import FUSION, RUN, classified, failed, hash_of, jpeg, weighed

pytestmark = pytest.mark.browser

AGREED = {"text_image": "cat", "image_image": "cat", "vision_only": "cat"}
SPLIT = {"text_image": "cat", "image_image": "cat", "vision_only": "dog"}
ALONE = {"text_image": "dog", "image_image": "dog", "vision_only": "dog"}
ROWS = [
    weighed(classified("a/agreed.jpg"), AGREED, "cat/1.png"),
    weighed(classified("b/split.jpg"), SPLIT, "cat/1.png", "dog/2.png"),
    weighed(classified("c/alone.jpg"), ALONE, "dog/2.png"),
    weighed(classified("d/odd.jpg", "unknown", 0.4), SPLIT, "dog/2.png"),
    classified("e/plain.jpg"),
    failed("f/broken.jpg"),
]
MIXED = RUN | {"fusion": FUSION}


def card(page, file: str):
    return page.locator(".card", has_text=file)


def test_a_card_is_marked_only_where_opinions_disagree(open_report):
    page = open_report(ROWS, MIXED).page

    assert page.locator(".agreement").all_text_contents() == [
        "2 of 3 opinions agree", "none of 3 opinions agrees", "2 of 3 opinions agree",
    ]  # fmt: skip
    expect(card(page, "agreed.jpg").locator(".agreement")).to_have_count(0)
    label = card(page, "split.jpg").get_attribute("aria-label")
    assert label == "b/split.jpg: cat, 90%. 2 of 3 opinions agree. Open details."


def test_pictures_whose_opinions_disagree_can_be_shown_alone(open_report):
    page = open_report(ROWS, MIXED).page
    disagree = page.get_by_role("button", name="opinions disagree")
    expect(disagree.locator(".number")).to_have_text("3")
    disagree.click()
    expect(disagree).to_have_attribute("aria-pressed", "true")
    assert page.locator(".card .file").all_text_contents() == ["split.jpg", "alone.jpg", "odd.jpg"]
    page.locator(".choice.unknown").click()
    assert page.locator(".card .file").all_text_contents() == ["odd.jpg"]
    page.locator("#clear").click()

    expect(disagree).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#count")).to_have_text("Showing 6 of 6 files")


def test_the_details_tell_each_opinion_its_weight_and_who_disagrees(open_report):
    page = open_report(ROWS, MIXED).page
    card(page, "split.jpg").click()
    opinions = page.locator(".opinion")

    expect(page.locator(".panel-head").first).to_have_text("Opinions2 of 3 opinions agree")
    assert opinions.locator(".who").all_text_contents() == [
        "Class names",
        "Reference picturesname-aligned encoder",
        "Reference picturesvision-only encoderdisagrees",
    ]
    assert opinions.locator(".weight").all_text_contents() == ["weight 33%"] * 3
    assert opinions.locator(".bars").all_text_contents() == ["cat80%dog10%"] * 2 + ["dog80%dog10%"]
    meter, whole = (
        opinions.first.locator(".meter").evaluate(f"e => {measure}")
        for measure in ("getComputedStyle(e).backgroundImage", "e.clientWidth")
    )
    assert "33.3" in meter
    assert whole > 60


def test_an_unknown_picture_is_compared_with_its_best_class(open_report):
    page = open_report(ROWS, MIXED).page
    card(page, "odd.jpg").click()

    expect(page.locator("dialog h2")).to_have_text("unknown")
    expect(page.locator("dialog .dissent")).to_have_count(1)
    expect(page.locator(".opinion.dissenting .against")).to_have_text("Reference pictures")


def test_the_nearest_references_show_class_similarity_and_alignment(open_report):
    page = open_report(ROWS, MIXED, lambda _: jpeg()).page
    card(page, "split.jpg").click()
    nearest = page.locator(".nearest")

    assert nearest.locator("h4").all_text_contents() == [
        "by the name-aligned encoder", "by the vision-only encoder",
    ]  # fmt: skip
    assert nearest.locator(".reference").all_text_contents() == ["cat0.750", "dog0.625"] * 2
    page.wait_for_function(
        "[...document.querySelectorAll('.reference img')].every(one => one.naturalWidth === 160)"
    )
    assert nearest.locator("img").first.get_attribute("alt") == "Thumbnail of cat/1.png"


def test_choosing_a_reference_tells_its_file_by_mouse_and_by_keyboard(open_report):
    page = open_report(ROWS, MIXED, lambda _: jpeg()).page
    card(page, "split.jpg").click()
    told = page.get_by_role("status").filter(has_text="file name")
    expect(told).to_be_in_viewport()
    told = page.locator(".told")
    page.locator(".reference").nth(1).click()
    expect(told).to_have_text("File: dog/2.png")
    expect(told).to_be_in_viewport()
    page.locator(".reference").first.focus()
    page.keyboard.press("Enter")

    expect(told).to_have_text("File: cat/1.png")
    pressed = page.locator(".reference").evaluate_all("all => all.map(one => one.ariaPressed)")
    assert pressed == ["true", "false", "false", "false"]


def test_arrow_keys_go_on_after_a_reference_was_chosen(open_report):
    page = open_report(ROWS, MIXED).page
    card(page, "agreed.jpg").click()
    page.locator(".reference").first.click()
    for file in ("b/split.jpg", "c/alone.jpg", "e/plain.jpg"):
        page.keyboard.press("ArrowRight")
        expect(page.locator("dialog dl")).to_contain_text(file)

    # The last has no evidence, and no trace of the evidence before.
    expect(page.locator("dialog :is(.panel, .opinion, .reference)")).to_have_count(0)


def test_a_reference_without_thumbnail_has_a_placeholder(open_report):
    thumbnails = {hash_of("cat/1.png"): jpeg()}
    page = open_report(ROWS, MIXED, thumbnails.get).page
    card(page, "split.jpg").click()

    expect(page.locator(".reference img")).to_have_count(2)
    assert page.locator(".reference .thumbnail.empty").all_text_contents() == ["no thumbnail"] * 2
    expect(page.locator("#making")).to_contain_text("1 of 2 that are near to some picture")


def test_a_run_without_references_looks_as_if_there_were_none(open_report):
    page = open_report([classified("a.jpg"), failed("b.jpg")], RUN | {"fusion": None}).page
    expect(page.locator("#opinions")).to_be_hidden()
    page.locator(".card").click()

    expect(page.locator(":is(.agreement, .panel, .alignment, .told)")).to_have_count(0)
    expect(page.locator("dialog h3")).to_have_count(0)
    assert "pinion" not in page.locator("body").inner_text()


def test_an_opinion_alone_is_shown_without_talk_of_agreement(open_report):
    page = open_report([weighed(classified("a.jpg"), {"text_image": "cat"})], MIXED).page
    expect(page.locator("#opinions")).to_be_hidden()
    page.locator(".card").click()

    expect(page.locator(".panel-head")).to_have_text("Opinions")
    expect(page.locator(".opinion .weight")).to_have_text("weight 100%")
    expect(page.locator(".nearest")).to_have_count(0)


def test_an_alignment_that_says_nothing_of_a_picture_is_not_counted(open_report):
    row = weighed(classified("a.jpg"), SPLIT)
    row["opinions"][2]["top"] = []
    page = open_report([row], MIXED).page
    page.locator(".card").click()

    expect(page.locator(".opinion")).to_have_count(2)
    expect(page.locator(".panel-head")).to_have_text("Opinionsall 2 opinions agree")


def test_how_opinions_were_mixed_is_told_in_words(open_report):
    page = open_report(ROWS, MIXED).page
    making = page.locator("#making")

    for text in (
        "One class has no reference.", "inverse entropy: the less an opinion wavers",
        "the published formula", "on 2,000 pictures, without labels", "Scales follow the text.",
        "my references", "199, for 2 classes", "1 class: teapot",
        "150 made by an image generator, 49 chosen from your own pictures",
    ):  # fmt: skip
        expect(making).to_contain_text(text)
    parts = making.locator(".alignment")
    for part, texts in zip(
        parts.all(),
        (
            ("Class names", "Names are always asked.", "20, from the model's card"),
            ("name-aligned encoder", "18.5, by leaving out one reference picture at a time",
             "41.0% of 398 reference pictures right; 0.5% would be by chance"),
            ("vision-only encoder", "not used", "No better than chance.", "mini:vision",
             "9, the documented default"),
        ),
        strict=True,
    ):  # fmt: skip
        for text in texts:
            expect(part).to_contain_text(text)
    expect(parts.locator(".dissent")).to_have_count(1)
    expect(page.locator("#made")).to_contain_text("2 of 3 opinions used")


def test_many_classes_without_references_are_folded_away(open_report):
    without = [f"class {number}" for number in range(13)]
    fusion = FUSION | {"references": FUSION["references"] | {"without": without}}
    page = open_report(ROWS, RUN | {"fusion": fusion}).page
    fold = page.locator(".fold")

    expect(fold.locator("summary")).to_have_text("13 classes")
    expect(fold.get_by_text("class 12")).to_be_hidden()
    fold.locator("summary").click()
    expect(fold.get_by_text("class 12")).to_be_visible()


def test_a_record_of_mixing_that_says_little_opens_too(open_report):
    page = open_report(ROWS, RUN | {"fusion": {"alignments": [{"name": "own_one", "used": True}]}})

    expect(page.page.locator(".alignment h3")).to_have_text("own one")


HOSTILE = "<img src=x onerror=alert(1)>/\u202egnp.\nעברית.png"


def test_hostile_names_in_evidence_are_inert_and_readable(open_report):
    row = weighed(classified("a.jpg"), {"constructor": HOSTILE}, HOSTILE)
    fusion = FUSION | {"warnings": [HOSTILE], "weighting": HOSTILE}
    page = open_report([row], RUN | {"fusion": fusion}).page
    page.locator(".card").click()
    shown = r"<img src=x onerror=alert(1)>/\u202egnp.\nעברית.png"

    expect(page.locator("body :is(b, img, main script)")).to_have_count(0)
    expect(page.locator(".opinion .against")).to_have_text("constructor")
    expect(page.locator(".opinion .bar bdi").first).to_have_text(shown)
    page.locator(".reference").first.click()
    expect(page.locator(".told bdi")).to_have_text(shown)
    assert page.locator(".reference").first.get_attribute("title") == shown
    expect(page.locator("#making .notice")).to_have_text(shown)


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_in_evidence_never_scroll_sideways(open_report, width):
    long = "x" * 300 + "/" + "y" * 300
    row = weighed(classified("a.jpg"), {"text_image": long, "z" * 300: "cat"}, long)
    fusion = FUSION | {"warnings": [long], "references": {"folder": long, "without": [long]}}
    page = open_report(
        [row], RUN | {"fusion": fusion}, lambda _: jpeg(), viewport={"width": width, "height": 844}
    ).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".card").click()
    page.locator(".reference").first.click()

    overflowing = page.evaluate(
        """() => [...document.querySelectorAll("dialog, dialog *")].filter(
            (part) => part.scrollWidth > part.clientWidth && part.clientWidth > 0
                && getComputedStyle(part).display !== "inline",
        ).map((part) => part.outerHTML.slice(0, 120))"""
    )
    assert overflowing == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_button_of_the_details_has_a_name(open_report):
    page = open_report(ROWS, MIXED, lambda _: jpeg()).page
    card(page, "split.jpg").click()

    for text in ("Thumbnail of cat/1.png cat 0.750", "Thumbnail of dog/2.png dog 0.625"):
        assert page.get_by_role("button", name=text).count() == 2


def test_previous_and_next_stay_in_reach_however_far_the_details_are_scrolled(open_report):
    page = open_report(ROWS, MIXED, lambda _: jpeg(), viewport={"width": 390, "height": 700}).page
    card(page, "split.jpg").click()
    page.locator("dialog").evaluate("dialog => { dialog.scrollTop = dialog.scrollHeight; }")

    assert page.locator("dialog").evaluate("dialog => dialog.scrollTop") > 200
    expect(page.get_by_role("button", name="Next")).to_be_in_viewport(ratio=1)
