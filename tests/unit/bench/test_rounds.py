from __future__ import annotations

from collections.abc import Mapping

import pytest

from rounds import (
    CountError,
    Row,
    Timing,
    agreement,
    common_pictures,
    differing,
    fastest,
    least,
    measure,
    rate,
    together,
)


def timing(pictures: int, wall: float = 1.0, **labels: str) -> Timing:
    answers = {path: (label, 0.25) for path, label in labels.items()}
    return Timing(pictures=pictures, wall=wall, processor=wall, answers=answers)


def rates(**values: int) -> Mapping[str, Timing]:
    return {name: timing(value) for name, value in values.items()}


def test_the_limit_is_the_slower_of_decoding_and_the_faster_network() -> None:
    limit = least(rate("decode"), fastest(rate("torch"), rate("own")))
    assert limit(rates(decode=2000, torch=90, own=100)) == 100
    assert limit(rates(decode=2000, torch=120, own=100)) == 120
    assert limit(rates(decode=80, torch=90, own=100)) == 80


def test_stages_in_turn_cost_the_sum_of_their_times() -> None:
    # 1/30 s and 1/60 s make 1/20 s
    both = together(rate("decode"), fastest(rate("torch"), rate("own")))
    assert both(rates(decode=30, torch=60, own=40)) == pytest.approx(20)


def test_a_row_that_answers_for_other_pictures_than_it_claims_is_refused() -> None:
    counted = Row(run=lambda: 3, pictures=4)
    with pytest.raises(CountError, match=r"counted: 4 pictures .* 3 were"):
        measure({"counted": counted}, rounds=1, title="t")
    answered = Row(run=lambda: {"a": ("cat", 0.5)}, pictures=2)
    with pytest.raises(CountError, match=r"answered: 2 pictures .* 1 were"):
        measure({"answered": answered}, rounds=1, title="t")


def test_every_round_begins_with_another_row() -> None:
    order: list[str] = []

    def row(name: str) -> Row:
        return Row(run=lambda: len(order.append(name) or "x"), pictures=1)

    measure({"a": row("a"), "b": row("b")}, rounds=2, title="t")
    assert order == ["a", "b", "b", "a"]


def test_answers_are_compared_by_path_whatever_their_order_and_number() -> None:
    rounds = [
        {
            "peer": timing(2, x="cat", y="dog"),
            "same": timing(3, y="dog", x="cat", z="cow"),
            "swapped": timing(2, x="dog", y="cat"),
        }
    ]
    assert common_pictures(rounds) == ["x", "y"]
    assert differing(rounds, "peer", "same") == {}
    assert differing(rounds, "peer", "swapped") == {"x": 0.25, "y": 0.25}


def test_a_difference_in_any_round_counts_and_the_first_round_does_not_hide_it() -> None:
    same = {"peer": timing(2, x="cat", y="dog"), "ours": timing(2, x="cat", y="dog")}
    other = {"peer": timing(2, x="cat", y="dog"), "ours": timing(2, x="cat", y="cow")}
    assert list(differing([other, same], "peer", "ours")) == ["y"]
    assert list(differing([same, other], "peer", "ours")) == ["y"]
    assert "| ours | 1 of 2 | 0.25000 |" in agreement([other, same], "peer", ["ours"])


def test_all_rows_are_compared_over_the_pictures_that_all_of_them_answered() -> None:
    rounds = [
        {
            "peer": timing(3, x="cat", y="dog", z="cow"),
            "one": timing(2, x="cat", y="dog"),
            "other": timing(2, y="dog", z="cow"),
            "decoder": timing(9),
        }
    ]
    table = agreement(rounds, "peer", ["one", "other"])
    assert "| one | 1 of 1 | – |" in table
    assert "| other | 1 of 1 | – |" in table
