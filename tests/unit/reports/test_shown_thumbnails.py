from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from report_rows import classified, hash_of, weighed
from sightglass.reports.shown_thumbnails import shown_thumbnails
from sightglass.reports.survey import Survey, survey_rows

REFERENCES = [f"cat/{number}.png" for number in range(12)]
NEAREST = st.lists(st.lists(st.sampled_from(REFERENCES), max_size=4, unique=True), max_size=10)


def survey_of(nearest: list[list[str]]) -> Survey:
    rows = [
        weighed(classified(f"{number}.jpg"), {"text_image": "cat"}, *names)
        for number, names in enumerate(nearest)
    ]
    return survey_rows(lambda: iter(rows), ["cat", "dog"])


def named(survey: Survey, shown: list[int]) -> set[str]:
    hashes = {hash_of(name): name for name in REFERENCES}
    return {hashes[survey.contents[n]] for n in shown if survey.contents[n] in hashes}


def test_with_room_for_all_every_thumbnail_is_shown() -> None:
    survey = survey_of([["cat/0.png"], ["cat/1.png", "cat/0.png"]])
    assert len(survey.contents) == 4
    assert shown_thumbnails(survey, [10] * 4, budget=80) == [0, 1, 2, 3]


def test_the_references_that_most_pictures_are_near_to_come_first() -> None:
    # 0 is near to three pictures, 2 to two, 1 to one; a quarter of 80 holds two thumbnails of 10.
    survey = survey_of([["cat/0.png", "cat/1.png"], ["cat/2.png", "cat/0.png"], REFERENCES[0:3:2]])
    assert named(survey, shown_thumbnails(survey, [10] * 6, budget=80)) == {
        "cat/0.png",
        "cat/2.png",
    }


def test_a_reference_that_is_one_of_the_pictures_needs_no_second_thumbnail() -> None:
    row = weighed(classified("dog/1.png", "dog"), {"text_image": "dog"}, "dog/1.png")
    survey = survey_rows(lambda: iter([row]), ["cat"])
    assert list(survey.contents) == [hash_of("dog/1.png")]
    assert shown_thumbnails(survey, [10], budget=10) == [0]


def test_what_has_no_thumbnail_is_never_shown() -> None:
    survey = survey_of([["cat/0.png"], ["cat/1.png"]])
    assert shown_thumbnails(survey, [10, 0, 0, 10], budget=1000) == [0, 3]


@given(NEAREST, st.integers(-50, 400), st.data())
def test_thumbnails_keep_the_budget_and_references_a_quarter_of_it(
    nearest: list[list[str]], budget: int, data: st.DataObject
) -> None:
    survey = survey_of(nearest)
    n = len(survey.contents)
    sizes = data.draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    shown = shown_thumbnails(survey, sizes, budget=budget)
    assert shown == sorted(set(shown))
    assert all(sizes[number] for number in shown)
    assert sum(sizes[number] for number in shown) <= max(budget, 0)
    of_references = [sizes[number] for number in shown if number >= survey.contents.n_pictures]
    assert sum(of_references) <= max(budget, 0) / 4


@given(NEAREST, st.integers(0, 400))
def test_no_reference_left_out_is_near_to_more_pictures_than_one_that_is_shown(
    nearest: list[list[str]], budget: int
) -> None:
    survey = survey_of(nearest)
    shown = named(survey, shown_thumbnails(survey, [10] * len(survey.contents), budget=budget))
    times = Counter(name for names in nearest for name in names)
    left = set(times) - shown
    assert max((times[name] for name in left), default=0) <= min(
        (times[name] for name in shown), default=100
    )
