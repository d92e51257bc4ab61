"""Shots and halves: the same everywhere, hashed, and nothing of them hangs on a list's order."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.halves import base_and_novel
from sightglass.evaluation.kdpl.shots import draw_shots


def dataset_of(n_classes: int, *, train: int = 5, folder: str = "data") -> KdplDataset:
    return KdplDataset(
        name="dtd",
        class_names=tuple(f"class {label}" for label in range(n_classes)),
        template="{} texture.",
        folder=folder,
        train=tuple(
            (f"{label}/{n}.jpg", label) for label in range(n_classes) for n in range(train)
        ),
        test=tuple((f"{label}/t.jpg", label) for label in range(n_classes)),
    )


def test_as_many_pictures_of_every_class_are_drawn() -> None:
    shots = draw_shots(dataset_of(3), per_class=2, seed=1)
    assert Counter(shots.labels) == {0: 2, 1: 2, 2: 2}
    assert len(set(shots.pictures)) == 6
    assert shots.fewest == 2
    for path, label in zip(shots.pictures, shots.labels, strict=True):
        assert Path(path).parent == Path("data") / str(label)


def test_of_a_class_with_fewer_pictures_all_are_taken() -> None:
    dataset = dataset_of(2, train=5)
    dataset = replace(dataset, train=dataset.train[3:])
    shots = draw_shots(dataset, per_class=4, seed=1)
    assert Counter(shots.labels) == {0: 2, 1: 4}
    assert shots.fewest == 2


def test_another_seed_draws_other_pictures_and_the_same_seed_the_same() -> None:
    dataset = dataset_of(4, train=20)
    first, again, other = (draw_shots(dataset, per_class=3, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.pictures != other.pictures
    assert first.digest != other.digest


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_order_of_the_list_changes_nothing(random: object, seed: int) -> None:
    dataset = dataset_of(4)
    train = list(dataset.train)
    random.shuffle(train)  # type: ignore[attr-defined]
    shuffled = replace(dataset, train=tuple(train))
    assert draw_shots(shuffled, per_class=2, seed=seed) == draw_shots(
        dataset, per_class=2, seed=seed
    )


def test_the_hash_does_not_depend_on_where_the_data_lie() -> None:
    here, there = dataset_of(3, folder="/a"), dataset_of(3, folder="/b/c")
    assert here.test_digest == there.test_digest
    drawn = [draw_shots(one, per_class=2, seed=1) for one in (here, there)]
    assert drawn[0].digest == drawn[1].digest
    assert drawn[0].pictures != drawn[1].pictures


def test_fewer_shots_are_a_part_of_more() -> None:
    dataset = dataset_of(3, train=20)
    few, many = (draw_shots(dataset, per_class=n, seed=3).pictures for n in (4, 16))
    assert set(few) < set(many)


def test_the_base_half_draws_what_the_whole_draws_of_its_classes() -> None:
    dataset = dataset_of(5, train=20)
    base, _ = base_and_novel(dataset)
    whole = draw_shots(dataset, per_class=2, seed=1)
    of_base = [path for path, label in zip(whole.pictures, whole.labels, strict=True) if label < 3]
    assert list(draw_shots(base, per_class=2, seed=1).pictures) == of_base


# METHODS.md §F, B6.
@pytest.mark.parametrize(
    ("n_classes", "n_base", "n_novel"),
    [
        *((10, 5, 5), (37, 19, 18), (47, 24, 23), (100, 50, 50), (101, 51, 50)),
        *((102, 51, 51), (196, 98, 98), (397, 199, 198), (1000, 500, 500)),
    ],
)
def test_base_is_the_first_half_of_the_labels_rounded_up(
    n_classes: int, n_base: int, n_novel: int
) -> None:
    dataset = dataset_of(n_classes, train=1)
    base, novel = base_and_novel(dataset)
    assert base.class_names == dataset.class_names[:n_base]
    assert novel.class_names == dataset.class_names[n_base:]
    assert len(novel.class_names) == n_novel
    # Careless: rounding down.
    assert (n_classes // 2 != n_base) == (n_classes % 2 == 1)


def test_each_half_counts_its_own_classes_from_nought() -> None:
    base, novel = base_and_novel(dataset_of(5))
    assert base.test == (("0/t.jpg", 0), ("1/t.jpg", 1), ("2/t.jpg", 2))
    assert novel.test == (("3/t.jpg", 0), ("4/t.jpg", 1))
    assert {label for _, label in base.train} == {0, 1, 2}


def test_a_single_class_has_no_novel_half() -> None:
    with pytest.raises(InputError, match="dtd: test pictures are needed, got none"):
        base_and_novel(dataset_of(1))


def test_a_class_index_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"class index of 'x\.jpg' must be below 3, got 3"):
        replace(dataset_of(3), test=(("x.jpg", 3),))
