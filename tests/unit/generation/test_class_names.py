from __future__ import annotations

import pytest

from sightglass.generation.class_names import ClassNames
from sightglass.inputs.labels import LabelSet

NAMES = ClassNames(LabelSet.of(["cat", "Cattle", ["sofa", "couch"], "fire_engine"]))


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("cat", 0),
        (" CAT ", 0),
        ("cattle", 1),
        ("couch", 2),
        ("Sofa", 2),
        ("fire engine", 3),
        ("Fire_Engine", 3),
    ],
)
def test_a_class_is_found_by_any_of_its_names_however_spelled(name: str, index: int) -> None:
    assert NAMES.index(name) == index


@pytest.mark.parametrize(
    "name", ["cats", "ca", "caterpillar", "cat dog", "fireengine", "", "a cat"]
)
def test_a_part_of_a_name_or_more_than_a_name_is_no_name(name: str) -> None:
    assert NAMES.index(name) is None


def test_names_outside_the_list_are_dropped_and_repeats_too() -> None:
    said = ["couch", "cattle", "wolf", "sofa", "cat"]
    assert NAMES.indices(said, among=[0, 2, 3]) == [2, 0]


def test_a_question_says_underscores_as_spaces_and_other_names_in_brackets() -> None:
    assert [NAMES.listed(index) for index in range(len(NAMES))] == [
        "cat",
        "Cattle",
        "sofa (also called couch)",
        "fire engine",
    ]
