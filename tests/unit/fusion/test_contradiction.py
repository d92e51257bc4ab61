from __future__ import annotations

import numpy as np

from sightglass.fusion.contradiction import contradiction

N_CLASSES, EACH = 6, 8
LABELS = np.repeat(np.arange(N_CLASSES), EACH)


def similarity(shown: np.ndarray, *, misses: int = 0) -> np.ndarray:
    """Names that see ``shown`` in the references, but for the first few of every class."""
    seen = shown.copy()
    for index in range(N_CLASSES):
        seen[index * EACH : index * EACH + misses] = (index + 3) % N_CLASSES
    return np.eye(N_CLASSES)[seen]


def test_swapped_folders_are_noticed() -> None:
    (sentence,) = contradiction(similarity((LABELS + 1) % N_CLASSES, misses=2), LABELS)
    assert "75% of the references show one other class per folder" in sentence  # 6 of 8
    assert "only 0% the class" in sentence


def test_right_folders_are_not_called_swapped() -> None:
    assert contradiction(similarity(LABELS, misses=3), LABELS) == ()


def test_two_swapped_folders_of_six_are_left_to_the_likelihood() -> None:
    swapped = LABELS.copy()
    swapped[LABELS == 0], swapped[LABELS == 1] = 1, 0
    assert contradiction(similarity(swapped), LABELS) == ()


def test_names_that_call_everything_the_same_know_nothing_and_contradict_nothing() -> None:
    assert contradiction(similarity(np.full_like(LABELS, 4)), LABELS) == ()


def test_names_that_guess_contradict_nothing() -> None:
    guesses = np.random.default_rng(2).integers(0, N_CLASSES, len(LABELS))
    guesses[guesses == LABELS] = (LABELS[guesses == LABELS] + 1) % N_CLASSES
    usual = [np.bincount(guesses[index == LABELS]).max() for index in range(N_CLASSES)]
    assert sum(usual) <= len(LABELS) / 2  # the case is what it says
    assert contradiction(np.eye(N_CLASSES)[guesses], LABELS) == ()


def test_folders_named_after_a_neighbour_are_noticed_though_a_few_are_right() -> None:
    # 8 of 48 right is above the chance of 1 in 6 by no margin, and below a quarter of what the
    # names would get right with one folder renamed for each answer: 1 x 5 / 6.
    shown = (LABELS + 1) % N_CLASSES
    shown[LABELS == 5] = 5
    assert len(contradiction(similarity(shown), LABELS)) == 1


def test_single_references_that_the_names_mostly_miss_are_believed_if_enough_are_right() -> None:
    # 10 classes, one picture each: 3 right, the others called one of 8 classes. Renamed, at
    # most 0.8 could be right, a quarter of which is 0.2.
    answers = np.array([0, 1, 2, 3, 4, 5, 6, 7, 3, 4])
    labels = np.array([0, 1, 2, 6, 8, 7, 9, 5, 4, 3])
    assert contradiction(np.eye(10)[answers], labels) == ()


def test_no_reference_contradicts_nothing() -> None:
    assert contradiction(np.empty((0, 3)), np.empty(0, np.int64)) == ()
