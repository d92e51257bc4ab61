from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.decisions import UnknownRule, decide
from sightglass.errors import InputError, ShapeError

NAMES = ("cat", "dog", "teapot", "fern")
ROW = np.array([[0.125, 0.5, 0.0625, 0.3125]], np.float32)  # exact in binary
LOW = np.zeros(1, np.float32)


def test_the_best_class_its_probability_and_its_lead_are_reported() -> None:
    (decision,) = decide(ROW, np.array([0.25]), NAMES, rule=UnknownRule())
    assert decision.label == "dog"
    assert decision.confidence == 0.5
    assert decision.margin == 0.5 - 0.3125
    assert decision.unknown_score == 0.25
    assert decision.top == (("dog", 0.5), ("fern", 0.3125), ("cat", 0.125))
    assert decision.probabilities.tolist() == ROW[0].tolist()


def test_numbers_are_plain_floats_that_any_writer_takes() -> None:
    (decision,) = decide(ROW, np.array([0.25], np.float32), NAMES, rule=UnknownRule())
    numbers = [decision.confidence, decision.margin, decision.unknown_score, decision.top[0][1]]
    assert {type(number) for number in numbers} == {float}


def test_equal_classes_are_ranked_in_the_order_of_the_names() -> None:
    tied = np.array([[0.25, 0.25, 0.25, 0.25], [0.1, 0.4, 0.1, 0.4]], np.float32)
    first, second = decide(tied, np.zeros(2), NAMES, rule=UnknownRule(), top_k=4)
    assert [name for name, _ in first.top] == ["cat", "dog", "teapot", "fern"]
    assert [name for name, _ in second.top] == ["dog", "fern", "cat", "teapot"]
    assert first.label == "cat"
    assert second.margin == 0.0


def test_many_equal_classes_keep_their_order_too() -> None:
    # Sorting algorithms treat short rows in another way than long ones.
    names = [str(c) for c in range(300)]
    row = np.array([[0.003 + 0.001 * (c % 2) for c in range(300)]], np.float32)
    (decision,) = decide(row, LOW, names, rule=UnknownRule(), top_k=300)
    assert [name for name, _ in decision.top] == names[1::2] + names[::2]


@pytest.mark.parametrize(("top_k", "listed"), [(1, 1), (3, 3), (4, 4), (50, 4)])
def test_as_many_classes_are_listed_as_asked_for_and_as_there_are(top_k: int, listed: int) -> None:
    (decision,) = decide(ROW, LOW, NAMES, rule=UnknownRule(), top_k=top_k)
    assert len(decision.top) == listed
    assert decision.margin == 0.1875


def test_a_score_above_the_threshold_means_unknown_and_one_at_it_does_not() -> None:
    rows = np.repeat(ROW, 3, axis=0)
    scores = np.array([0.5, 0.75, 0.25])
    decisions = decide(rows, scores, NAMES, rule=UnknownRule(threshold=0.5))
    assert [decision.label for decision in decisions] == ["dog", "unknown", "dog"]


def test_an_unknown_picture_still_says_what_it_is_nearest_to() -> None:
    (decision,) = decide(ROW, np.ones(1), NAMES, rule=UnknownRule())
    assert decision.label == "unknown"
    assert decision.confidence == 0.5
    assert decision.top[0] == ("dog", 0.5)


def test_with_the_rule_off_every_picture_gets_its_best_class() -> None:
    (decision,) = decide(ROW, np.ones(1), NAMES, rule=UnknownRule(enabled=False))
    assert decision.label == "dog"
    assert decision.unknown_score == 1.0


def test_no_pictures_need_no_decisions() -> None:
    assert decide(np.empty((0, 4)), np.empty(0), NAMES, rule=UnknownRule()) == []


@pytest.mark.parametrize(
    ("rows", "scores", "names"),
    [
        (ROW, LOW, NAMES[:3]),
        (ROW, np.zeros(2), NAMES),
        (ROW, np.zeros((1, 1)), NAMES),
        (np.ones((1, 1)), LOW, ("cat",)),
    ],
)
def test_values_that_do_not_fit_are_refused_with_their_sizes(
    rows: np.ndarray, scores: np.ndarray, names: tuple[str, ...]
) -> None:
    with pytest.raises(ShapeError) as caught:
        decide(rows, scores, names, rule=UnknownRule())
    assert str(caught.value) == (
        f"decide: probabilities {rows.shape} need as many names as columns (two at least) and as "
        f"many unknown scores as rows, got {len(names)} names and scores {scores.shape}."
    )


def test_one_row_without_its_axis_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"decide: probabilities needs two axes .* \(4,\)"):
        decide(ROW[0], LOW, NAMES, rule=UnknownRule())


def test_listing_no_class_at_all_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        decide(ROW, LOW, NAMES, rule=UnknownRule(), top_k=0)
    assert str(caught.value) == "decide: top_k must be 1 or more, got 0."


@given(
    rows=st.lists(
        st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5]), min_size=7, max_size=7),
        min_size=1,
        max_size=6,
    ),
    top_k=st.integers(1, 9),
)
def test_the_best_few_are_those_of_sorting_all_whatever_the_ties(
    rows: list[list[float]], top_k: int
) -> None:
    names = tuple("abcdefg")
    decisions = decide(
        np.array(rows, np.float32), np.zeros(len(rows)), names, rule=UnknownRule(), top_k=top_k
    )
    for row, decision in zip(rows, decisions, strict=True):
        ranked = sorted(zip(names, row, strict=True), key=lambda entry: -entry[1])  # stable
        assert list(decision.top) == ranked[:top_k]
        assert decision.margin == ranked[0][1] - ranked[1][1]
