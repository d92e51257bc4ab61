from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from sightglass.errors import InputError, ShapeError
from sightglass.generation.covering import cover
from sightglass.generation.everyday_words import better_named, word_embeddings
from sightglass.generation.harvest_rule import choose_references, rule_in_words
from sightglass.generation.nearest_pictures import centred, nearest_pictures
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.labels import LabelSet

Rows = list[list[float]]


def on_circle(*degrees: float) -> np.ndarray:
    """Unit rows in the plane."""
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1)


def two_heaps(sizes: tuple[int, int] = (8, 6)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures of two classes, each in its own corner; earlier ones are the surer.

    The odds of the second class's first picture are those of the first class's, and so on, and the
    two classes are equally sure on average, so that dividing by the mean changes no answer.
    """
    sure = [np.linspace(0.95, 0.85, size) for size in sizes]
    first = np.stack([sure[0], 1 - sure[0]], axis=1)
    second = np.stack([1 - sure[1], sure[1]], axis=1)
    angles = [*np.linspace(0, 8, sizes[0]), *np.linspace(180, 188, sizes[1])]
    probabilities = np.concatenate([first, second]).astype(np.float32)
    return probabilities, np.full(sum(sizes), 0.1), on_circle(*angles)


# --- the rule as a whole -------------------------------------------------------------------------


def plain_rule(
    probabilities: Rows, unknown: list[float], rows: Rows, named: list[bool], per_class: int
) -> list[list[int]]:
    """The rule again, as docs/harvest.md says it: loops over numbers, one picture at a time."""
    n, c, width = len(probabilities), len(probabilities[0]), len(rows[0])
    mean_row = [math.fsum(row[d] for row in rows) / n for d in range(width)]
    unit = []
    for row in rows:
        moved = [value - middle for value, middle in zip(row, mean_row, strict=True)]
        length = math.sqrt(math.fsum(value * value for value in moved))
        unit.append([value / length for value in moved])

    def distance(i: int, j: int) -> float:
        return 0 if i == j else 1 - math.fsum(x * y for x, y in zip(unit[i], unit[j], strict=True))

    def best(row: list[float]) -> int:
        return max(range(c), key=lambda k: row[k])

    mean = [math.fsum(row[k] for row in probabilities) / n for k in range(c)]
    answer = [-1 if unknown[i] > 0.5 else best(probabilities[i]) for i in range(n)]
    stays = [
        answer[i] >= 0 and best([probabilities[i][k] / mean[k] for k in range(c)]) == answer[i]
        for i in range(n)
    ]
    if sum(stays) <= sum(one >= 0 for one in answer) / 2:
        return [[] for _ in range(c)]
    chosen: list[list[int]] = []
    for k in range(c):
        answered = [i for i in range(n) if answer[i] == k]
        passed = {}
        for i in answered:
            others = sorted((j for j in range(n) if j != i), key=lambda j: distance(i, j))
            near = others[: min(10, len(answered) - 1)]
            if near and named[i] and stays[i] and sum(answer[j] == k for j in near) > len(near) / 2:
                mean_of_near = math.fsum(probabilities[j][k] for j in near) / len(near)
                passed[i] = probabilities[i][k] * mean_of_near
        ranked = sorted(passed, key=lambda i: -passed[i])
        half = ranked[: max(1, len(ranked) // 2)]
        took: list[int] = []
        while len(took) < min(per_class, len(half)):
            left = [i for i in half if i not in took]
            took.append(
                min(
                    left,
                    key=lambda i: math.fsum(min(distance(j, t) for t in [*took, i]) for j in half),
                )
            )
        chosen.append(took)
    return chosen


@pytest.mark.parametrize("seed", range(12))
def test_the_choice_is_that_of_the_rule_written_in_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_classes = 2 + seed % 3
    places = rng.standard_normal((n_classes, 6))
    shows = rng.integers(n_classes, size=70)
    rows = places[shows] + 0.8 * rng.standard_normal((70, 6))
    logits = 2.0 * np.eye(n_classes)[shows] + rng.standard_normal((70, n_classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    unknown = rng.uniform(0, 0.7, 70)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    named = rng.uniform(size=70) < 0.8
    expected = plain_rule(
        probabilities.tolist(), unknown.tolist(), rows.tolist(), named.tolist(), 5
    )
    harvest = choose_references(probabilities, unknown, rows, per_class=5, named=named)
    assert [list(one) for one in harvest.indices] == expected
    assert harvest.found == sum(map(len, expected)) > 0


def test_half_of_what_passes_is_taken_and_the_surer_half() -> None:
    harvest = choose_references(*two_heaps(), per_class=16)
    # All 8 and all 6 pass: 4 and 3 are taken, and the earlier ones are surer.
    assert [sorted(one) for one in harvest.indices] == [[0, 1, 2, 3], [8, 9, 10]]
    assert harvest.reasons == (
        "8 of the 8 pictures given to it passed; at most half are taken, and none that looks like "
        "another",
        "6 of the 6 pictures given to it passed; at most half are taken, and none that looks like "
        "another",
    )


def test_no_more_than_asked_for_are_taken_and_then_no_reason_is_needed() -> None:
    harvest = choose_references(*two_heaps(), per_class=2)
    assert [len(one) for one in harvest.indices] == [2, 2]
    assert harvest.reasons == ("", "")


def test_two_pictures_of_one_class_that_lie_together_give_one_reference() -> None:
    harvest = choose_references(*two_heaps((8, 2)), per_class=16)
    assert harvest.indices[1] == (8,)


def test_a_score_is_own_probability_times_the_mean_of_the_neighbours() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [0.2, 0.8]])
    harvest = choose_references(
        probabilities,
        np.array([0.1, 0.1, 0.1, 0.1, 0.6]),
        on_circle(0, 1, 2, 180, 181),
        per_class=9,
    )
    # Three pictures of the first class: two neighbours each. One answer for the second: no score;
    # the last is unknown: no answer, no score.
    expected = [0.9 * 0.75, 0.8 * 0.8, 0.7 * 0.85, 0, 0]
    np.testing.assert_allclose(harvest.scores, expected, rtol=1e-6)
    assert harvest.scores.dtype == np.float32


def test_of_very_many_candidates_only_the_surest_thousand_are_compared() -> None:
    # 2,400 and 300 that all pass: half is 1,200 and 150. The surest 1,000 of the first class lie
    # within 20 degrees; those after them lie elsewhere, and would be taken for being different.
    sure = np.concatenate([np.linspace(0.99, 0.9, 2400), np.linspace(0.1, 0.01, 300)])
    angles = [*np.linspace(0, 20, 1000), *np.linspace(60, 80, 1400), *np.linspace(180, 190, 300)]
    probabilities = np.stack([sure, 1 - sure], axis=1)
    harvest = choose_references(probabilities, np.zeros(2700), on_circle(*angles), per_class=3)
    assert len(harvest.indices[0]) == 3
    assert max(harvest.indices[0]) < 1000


# --- why a class has none ------------------------------------------------------------------------


def with_third_class(
    third: list[tuple[float, float]], unknown: float = 0.1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two heaps and pictures given to a third class: (angle, probability) each."""
    probabilities, scores, rows = two_heaps()
    wide = np.concatenate([probabilities, np.zeros((len(probabilities), 1))], axis=1)
    more = [[(1 - sure) / 2, (1 - sure) / 2, sure] for _, sure in third]
    return (
        np.concatenate([wide, np.array(more).reshape(-1, 3)]),
        np.concatenate([scores, np.full(len(third), unknown)]),
        np.concatenate([rows, on_circle(*[angle for angle, _ in third])]),
    )


def test_a_class_that_no_picture_was_given_to_says_so() -> None:
    harvest = choose_references(*with_third_class([]), per_class=4)
    assert (harvest.indices[2], harvest.reasons[2]) == ((), "no picture was given to it")


def test_a_class_whose_pictures_are_all_unknown_says_so() -> None:
    case = with_third_class([(90, 0.9), (91, 0.9)], unknown=0.6)
    harvest = choose_references(*case, per_class=4)
    assert harvest.indices[2] == ()
    assert harvest.reasons[2] == "all pictures given to it (2) were called unknown"
    assert len(choose_references(*case, per_class=4, unknown_threshold=0.7).indices[2]) == 1


def test_a_class_with_a_single_picture_says_so() -> None:
    harvest = choose_references(*with_third_class([(90, 0.9)]), per_class=4)
    assert harvest.indices[2] == ()
    assert harvest.reasons[2] == "only one picture was given to it, so no other bears it out"


def test_a_class_that_everyday_words_outdo_says_so() -> None:
    case = with_third_class([(90, 0.9), (91, 0.9)])
    named = np.array([True] * 14 + [False] * 2)
    harvest = choose_references(*case, per_class=4, named=named)
    assert harvest.indices[2] == ()
    assert harvest.reasons[2] == "everyday words fit each of its 2 pictures better than it does"
    named[15] = True
    assert choose_references(*case, per_class=4, named=named).indices[2] == (15,)


def test_a_class_whose_pictures_lie_among_others_says_so() -> None:
    # One in each of the heaps: the nearest picture of either got another answer.
    harvest = choose_references(*with_third_class([(1, 0.9), (181, 0.9)]), per_class=4)
    assert harvest.indices[2] == ()
    assert harvest.reasons[2] == "its 2 pictures lie mostly among pictures with other answers"


def test_pictures_whose_answer_is_a_habit_of_the_model_are_passed_over() -> None:
    # The mean of the first class is (10 x 0.98 + 4 x 0.05 + 3 x 0.52) / 17 = 0.68: at 0.52 the last
    # three are less of it than the average picture, and more of the second class.
    sure = [0.98] * 10 + [0.05] * 4 + [0.52] * 3
    probabilities = np.array([[one, 1 - one] for one in sure])
    rows = on_circle(*range(10), *range(180, 184), 10, 11, 12)
    assert 0.52 / 0.68 < 0.48 / 0.32
    harvest = choose_references(probabilities, np.zeros(17), rows, per_class=9)
    assert len(harvest.indices[0]) == 5
    assert not set(harvest.indices[0]) & {14, 15, 16}
    assert harvest.reasons[0].startswith("10 of the 13 pictures given to it passed;")


def test_a_model_that_gives_nearly_everything_to_one_name_gets_nothing_at_all() -> None:
    # By name alone all are the first class; which are more so than the mean is a coin's toss.
    rng = np.random.default_rng(3)
    sure = np.concatenate([rng.uniform(0.60, 0.69, 30), rng.uniform(0.71, 0.75, 20)])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    rows = on_circle(*rng.uniform(0, 360, 50))
    kept = int((sure > sure.mean()).sum())
    assert kept <= 25
    harvest = choose_references(probabilities, np.zeros(50), rows, per_class=9)
    assert harvest.found == 0
    assert harvest.reasons == (
        f"only {kept} of all 50 answers stay the same when every class's mean is divided out: they "
        "follow the names rather than the pictures",
        "no picture was given to it",
    )


def test_a_tie_between_classes_is_no_answer() -> None:
    probabilities, unknown, rows = two_heaps()
    probabilities[0] = 0.5
    harvest = choose_references(probabilities, unknown, rows, per_class=16)
    assert 0 not in harvest.indices[0]
    assert harvest.reasons[0].startswith("7 of the 7 pictures")


# --- duplicates, nothing, wrong values -----------------------------------------------------------


def test_a_copy_is_passed_over_as_if_it_were_not_there() -> None:
    probabilities, unknown, rows = two_heaps()
    once = choose_references(probabilities, unknown, rows, per_class=16)
    order = [*range(14), 0, 0, 9]
    names = [bytes([index]) for index in order]
    with_copies = choose_references(
        probabilities[order], unknown[order], rows[order], per_class=16, content=names
    )
    assert with_copies.indices == once.indices
    assert with_copies.reasons == once.reasons
    assert with_copies.scores[14:].tolist() == [0, 0, 0]


def test_no_pictures_give_no_references() -> None:
    harvest = choose_references(
        np.empty((0, 2)), np.empty(0), np.empty((0, 3)), per_class=4, content=[]
    )
    assert harvest.indices == ((), ())
    assert harvest.reasons == ("no picture was given to it",) * 2
    assert harvest.scores.shape == (0,)


@pytest.mark.parametrize("name", ["unknown_scores", "vision_rows", "named", "content"])
@pytest.mark.parametrize("length", [3, 5])
def test_values_that_do_not_fit_together_are_refused(name: str, length: int) -> None:
    values = {
        "unknown_scores": np.zeros(length if name == "unknown_scores" else 4),
        "vision_rows": np.ones((length if name == "vision_rows" else 4, 3)),
    }
    options = {"named": np.ones(length, bool), "content": [b""] * length}
    given = {name: options[name]} if name in options else {}
    with pytest.raises(ShapeError) as caught:
        choose_references(np.full((4, 2), 0.5), **values, per_class=1, **given)
    assert str(caught.value) == (
        f"choose_references: one entry per picture is needed, 4 in all, got {{'{name}': {length}}}."
    )


def test_one_class_or_no_pictures_per_class_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"at least two classes are needed, got \(2, 1\)"):
        choose_references(np.ones((2, 1)), np.zeros(2), np.ones((2, 3)), per_class=1)
    with pytest.raises(InputError, match="per_class must be 1 or more, got 0"):
        choose_references(np.full((2, 2), 0.5), np.zeros(2), np.ones((2, 3)), per_class=0)


def test_the_rule_in_words_says_its_numbers() -> None:
    words = rule_in_words(7, unknown_threshold=0.25)
    assert "At most 7 per class" in words
    assert "not above 0.25" in words


# --- its parts  -------------------------------------------------------------------------------


def test_the_first_to_stand_for_many_is_the_middle_and_an_outlier_comes_last() -> None:
    assert cover(on_circle(0, 10, 20, 30, 40), count=1) == (2,)
    # Heaps of three and of four, and a stray one. Once the larger heap is stood for, the smaller
    # brings 3 x (1 - cos 40) = 0.70, the stray one only 1 - cos 50 = 0.36.
    first, second, third = cover(on_circle(0, 1, 2, 40, 41, 42, 43, 90), count=3)
    assert first in (3, 4, 5, 6)
    assert second in (0, 1, 2)
    assert third == 7


@pytest.mark.parametrize("seed", range(5))
def test_covering_reaches_what_greed_is_known_to_reach(seed: int) -> None:
    rows = centred(np.random.default_rng(seed).standard_normal((9, 4)))
    distance = 1 - rows.astype(np.float64) @ rows.astype(np.float64).T

    def gain(chosen: tuple[int, ...]) -> float:
        return float(2 * 9 - distance[list(chosen)].min(axis=0).sum())

    best = max(gain(three) for three in combinations(range(9), 3))
    assert gain(cover(rows, count=3)) >= (1 - 1 / math.e) * best


def test_what_looks_the_same_is_taken_once() -> None:
    assert cover(on_circle(0, 0, 60, 60, 60), count=5) == (2, 0)
    assert cover(on_circle(0, 0), count=0) == ()


def test_neighbours_are_those_of_plain_loops_beyond_one_block_too() -> None:
    rows = centred(np.random.default_rng(0).standard_normal((700, 5)))
    found = nearest_pictures(rows, count=4)
    assert found.shape == (700, 4)
    for index in (0, 1, 255, 256, 257, 511, 512, 699):
        similarity = {
            other: math.fsum(x * y for x, y in zip(rows[index].tolist(), row, strict=True))
            for other, row in enumerate(rows.tolist())
            if other != index
        }
        expected = sorted(similarity, key=lambda other: -similarity[other])[:4]
        assert found[index].tolist() == expected


def test_a_few_pictures_have_only_each_other_as_neighbours() -> None:
    assert nearest_pictures(on_circle(0, 10, 90), count=10).tolist() == [[1, 2], [0, 2], [1, 0]]
    assert nearest_pictures(on_circle(0), count=10).shape == (1, 0)
    assert nearest_pictures(np.empty((0, 2)), count=10).shape == (0, 0)


def test_centred_rows_lose_what_all_of_them_share() -> None:
    # (3, 1), (3, -1) and (3, 0) have the mean (3, 0): what is left is up, down and nothing.
    rows = centred(np.array([[3.0, 1.0], [3.0, -1.0], [3.0, 0.0]]))
    assert rows.tolist() == [[0.0, 1.0], [0.0, -1.0], [0.0, 0.0]]


def test_a_picture_is_better_named_where_no_word_is_nearer_than_the_best_class() -> None:
    # Classes at 0 and 90 degrees, words at 30 and 180; 15 degrees is as near to 0 as to 30.
    pictures = on_circle(10, 20, 80, 150, -30)
    named = better_named(pictures, classes=on_circle(0, 90), words=on_circle(30, 180))
    assert named.tolist() == [True, False, True, False, True]
    same = better_named(pictures, classes=on_circle(0, 90), words=on_circle(0, 90))
    assert same.all()


def test_a_class_is_not_compared_with_its_own_name() -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        seen.extend(texts)
        return np.eye(len(texts))

    labels = LabelSet.of([("seat", "Chair"), "cat"])
    rows = word_embeddings(labels, ["a photo of a {}"], encode)
    assert len(rows) == len(BACKGROUND_WORDS) - 1
    assert "a photo of a table" in seen
    assert "a photo of a chair" not in seen
