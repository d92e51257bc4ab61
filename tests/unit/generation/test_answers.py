from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.generation.answers import (
    DESCRIPTIONS,
    LOOK_ALIKES,
    PARTS,
    SHARED_FEATURES,
    Description,
    one_line,
    phrases,
)

CAT = {"name": "cat", "description": "Small, furred."}
DOG = {"name": "dog", "description": "Larger {mostly}, furred."}
WHOLE = json.dumps({"classes": [CAT, DOG]})
BOTH = [Description(**CAT), Description(**DOG)]


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        json.dumps({"classes": [CAT, DOG]}, indent=4),
        f"```json\n{WHOLE}\n```",
        f"Sure! Here you are:\n\n```\n{WHOLE}\n```\nAnything else? {{}}",
        f'<think>Perhaps {{"classes": [{json.dumps(CAT)}]}}? No.</think>{WHOLE}',
        json.dumps([CAT, DOG]),
        f"{json.dumps(CAT)}\n{json.dumps(DOG)}",
        "{ not json " + WHOLE,
        json.dumps({"classes": [CAT, DOG], "remarks": ["none"]}),
        json.dumps({"classes": [{**CAT, "legs": 4}, DOG]}),
    ],
)
def test_the_rows_are_found_whatever_is_around_them(text: str) -> None:
    assert DESCRIPTIONS.rows_in(text) == BOTH


def test_of_an_answer_that_was_cut_off_the_whole_rows_are_found() -> None:
    ends = len(json.dumps({"classes": [CAT]})) - len("]}")
    for cut in range(ends, len(WHOLE) - len("}]}")):
        assert DESCRIPTIONS.rows_in(WHOLE[:cut]) == BOTH[:1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "dog"},
        {"name": "dog", "description": None},
        {"name": 3, "description": "A dog."},
        {"class": "dog", "description": "A dog."},
        ["dog", "A dog."],
        "dog",
        None,
    ],
)
def test_an_entry_of_another_form_is_dropped_and_the_rest_kept(wrong: object) -> None:
    assert DESCRIPTIONS.rows_in(json.dumps({"classes": [wrong, CAT]})) == BOTH[:1]


@pytest.mark.parametrize(
    "text",
    ["", "I cannot help with that.", "null", "[]", "{}", '{"classes": {}}', "{" * 100, "{]}"],
)
def test_where_there_are_no_rows_none_are_found(text: str) -> None:
    assert DESCRIPTIONS.rows_in(text) == []


def test_braces_without_end_are_no_danger() -> None:
    assert DESCRIPTIONS.rows_in('{"a":' * 3000) == []
    assert DESCRIPTIONS.rows_in('{"a":' + "[" * 100_000) == []


@given(st.text())
def test_no_text_at_all_makes_it_fail(text: str) -> None:
    assert DESCRIPTIONS.rows_in(text) == []


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_what_is_written_is_read(rows: list[tuple[str, str]]) -> None:
    wanted = [Description(name=name, description=text) for name, text in rows]
    answer = json.dumps({"classes": [row.model_dump() for row in wanted]})
    assert DESCRIPTIONS.rows_in(answer) == wanted


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (DESCRIPTIONS, ["name"]),
        (LOOK_ALIKES, ["name", "looks_like"]),
        (SHARED_FEATURES, ["first", "second"]),
        (PARTS, ["classes"]),
    ],
)
def test_a_schema_is_strict_and_allows_only_the_names_of_the_list(
    form: object, named: list[str]
) -> None:
    schema = form.schema(["cat", "dog"])  # type: ignore[attr-defined]
    (items,) = [part["items"] for part in schema["properties"].values()]
    for level in (schema, items):
        assert level["additionalProperties"] is False
        assert level["required"] == list(level["properties"])
    limited = {
        field
        for field, part in items["properties"].items()
        if part.get("items", part).get("enum") == ["cat", "dog"]
    }
    assert limited == set(named)


def test_phrases_come_once_each_without_bullets_and_stops() -> None:
    said = ["- four legs.", "Four Legs", "  a long\n tail;", "", " • ", "fur"]
    assert phrases(said) == ("four legs", "a long tail", "fur")


def test_one_line_holds_nothing_that_no_file_can_hold() -> None:
    assert one_line("a\n\tcat\x00\ud800 is\u00a0furred ") == "a cat is furred"
