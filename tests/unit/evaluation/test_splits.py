from __future__ import annotations

import pytest

from sightglass.errors import UnknownNameError
from sightglass.evaluation.splits import open_set_splits

SIZES = {
    "mnist": (6, 4),
    "svhn": (6, 4),
    "cifar10": (6, 4),
    "cifar+10": (4, 10),
    "cifar+50": (4, 50),
    "tinyimagenet": (20, 180),
}


@pytest.mark.parametrize("dataset", SIZES)
def test_there_are_five_splits_of_the_published_sizes_without_repetition(dataset: str) -> None:
    splits = open_set_splits(dataset)
    assert [(len(set(s.known)), len(set(s.unknown))) for s in splits] == [SIZES[dataset]] * 5
    assert [(len(s.known), len(s.unknown)) for s in splits] == [SIZES[dataset]] * 5


@pytest.mark.parametrize(
    ("dataset", "n_classes"), [("mnist", 10), ("svhn", 10), ("cifar10", 10), ("tinyimagenet", 200)]
)
def test_known_and_unknown_together_are_all_classes_of_one_set(
    dataset: str, n_classes: int
) -> None:
    for split in open_set_splits(dataset):
        assert sorted(split.known + split.unknown) == list(range(n_classes))
        assert split.unknown_dataset is None


@pytest.mark.parametrize("dataset", ["cifar+10", "cifar+50"])
def test_the_unknown_classes_of_cifar_plus_n_are_of_cifar_100(dataset: str) -> None:
    for split in open_set_splits(dataset):
        assert split.unknown_dataset == "cifar100"
        assert set(split.known) <= set(range(10))
        assert set(split.unknown) <= set(range(100))


def test_cifar_plus_50_has_the_unknown_classes_of_cifar_plus_10_and_more() -> None:
    for ten, fifty in zip(open_set_splits("cifar+10"), open_set_splits("cifar+50"), strict=True):
        assert ten.known == fifty.known
        assert set(ten.unknown) < set(fifty.unknown)


def test_the_lists_are_those_that_were_published() -> None:
    assert [split.known for split in open_set_splits("mnist")] == [
        (2, 4, 5, 9, 8, 3),
        (3, 2, 6, 9, 4, 0),
        (5, 8, 3, 2, 4, 6),
        (3, 7, 8, 4, 0, 5),
        (6, 3, 4, 9, 8, 2),
    ]
    assert [split.known for split in open_set_splits("svhn")] == [
        (5, 3, 7, 2, 8, 6),
        (3, 8, 7, 6, 2, 5),
        (8, 9, 4, 7, 2, 1),
        (3, 8, 2, 5, 0, 6),
        (4, 9, 2, 7, 1, 0),
    ]
    assert [split.known for split in open_set_splits("cifar10")] == [
        (0, 6, 4, 9, 1, 7),
        (7, 6, 4, 9, 0, 1),
        (1, 5, 7, 3, 9, 4),
        (8, 6, 1, 9, 0, 7),
        (2, 4, 1, 7, 9, 6),
    ]
    assert [split.known for split in open_set_splits("cifar+10")] == [
        (4, 7, 9, 1),
        (6, 7, 1, 9),
        (9, 6, 1, 7),
        (6, 4, 9, 1),
        (1, 0, 9, 8),
    ]
    assert open_set_splits("cifar+10")[0].unknown == (30, 25, 1, 9, 8, 0, 46, 52, 49, 71)


def test_two_splits_of_cifar_10_are_the_same_set() -> None:
    sets = [frozenset(split.known) for split in open_set_splits("cifar10")]
    assert sets[0] == sets[1]
    assert len(set(sets)) == 4


def test_a_name_without_splits_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match=r"'cifar-10'\. Did you mean 'cifar(\+)?10'\?"):
        open_set_splits("cifar-10")
