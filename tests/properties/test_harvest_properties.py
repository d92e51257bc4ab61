from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightglass.generation.harvest_rule import Harvest, choose_references

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def collections(draw: st.DrawFn) -> Case:
    """Pictures of classes that the model knows more or less well; no two exactly alike."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_images, n_classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    knows, looks = draw(st.sampled_from([0.0, 1.0, 4.0])), draw(st.sampled_from([0.2, 1.0]))
    shows = rng.integers(n_classes, size=n_images)
    logits = knows * np.eye(n_classes)[shows] + rng.standard_normal((n_images, n_classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    places = rng.standard_normal((n_classes, 8))
    rows = places[shows] + looks * rng.standard_normal((n_images, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return probabilities, rng.uniform(0, 0.8, n_images), rows


def sets(harvest: Harvest) -> list[set[int]]:
    return [set(one) for one in harvest.indices]


@given(collections(), st.integers(1, 6))
def test_a_choice_keeps_within_what_can_be_justified(case: Case, per_class: int) -> None:
    probabilities, unknown, rows = case
    harvest = choose_references(probabilities, unknown, rows, per_class=per_class)
    answers = np.where(unknown > 0.5, -1, probabilities.argmax(axis=1))
    for label, (chosen, reason) in enumerate(zip(harvest.indices, harvest.reasons, strict=True)):
        assert len(chosen) == len(set(chosen)) <= min(per_class, (answers == label).sum() // 2)
        assert all(answers[row] == label for row in chosen)
        assert (reason == "") == (len(chosen) == per_class)
    everything = [row for chosen in harvest.indices for row in chosen]
    assert len(everything) == len(set(everything)) == harvest.found
    assert ((harvest.scores >= 0) & (harvest.scores <= 1)).all()


@given(collections(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_pictures_in_another_order_are_chosen_all_the_same(
    case: Case, per_class: int, random: Any
) -> None:
    probabilities, unknown, rows = case
    order = list(range(len(rows)))
    random.shuffle(order)
    straight = choose_references(probabilities, unknown, rows, per_class=per_class)
    shuffled = choose_references(
        probabilities[order], unknown[order], rows[order], per_class=per_class
    )
    assert [tuple(order[row] for row in one) for one in shuffled.indices] == list(straight.indices)
    assert shuffled.reasons == straight.reasons
    np.testing.assert_allclose(shuffled.scores, straight.scores[order], rtol=1e-5)


@given(collections(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_classes_in_another_order_get_the_same_pictures(
    case: Case, per_class: int, random: Any
) -> None:
    probabilities, unknown, rows = case
    order = list(range(probabilities.shape[1]))
    random.shuffle(order)
    straight = choose_references(probabilities, unknown, rows, per_class=per_class)
    shuffled = choose_references(probabilities[:, order], unknown, rows, per_class=per_class)
    assert list(shuffled.indices) == [straight.indices[label] for label in order]
    assert list(shuffled.reasons) == [straight.reasons[label] for label in order]


@given(collections(), st.integers(1, 6), st.data())
def test_copies_are_never_both_chosen_and_change_nothing(
    case: Case, per_class: int, data: st.DataObject
) -> None:
    once = choose_references(*case, per_class=per_class)
    n_images = len(case[1])
    copies = data.draw(st.lists(st.integers(0, n_images - 1), max_size=8))
    order = [*range(n_images), *copies]
    probabilities, unknown, rows = (part[order] for part in case)
    content = [index.to_bytes(2, "big") for index in order]
    again = choose_references(probabilities, unknown, rows, per_class=per_class, content=content)
    assert again.indices == once.indices


@given(collections(), st.integers(1, 5))
def test_asking_for_more_only_adds_to_what_was_chosen(case: Case, per_class: int) -> None:
    fewer = choose_references(*case, per_class=per_class)
    more = choose_references(*case, per_class=per_class + 1)
    for few, many in zip(fewer.indices, more.indices, strict=True):
        assert many[: len(few)] == few


@given(collections())
def test_a_lower_threshold_of_unknown_never_lets_a_doubtful_picture_in(case: Case) -> None:
    harvest = choose_references(*case, per_class=9, unknown_threshold=0.2)
    assert all(case[1][row] <= 0.2 for chosen in sets(harvest) for row in chosen)
