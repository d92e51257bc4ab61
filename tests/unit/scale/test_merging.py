from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import ResultsError
from sightglass.reports.first_seen import FirstSeen
from sightglass.scale.answers import Answer
from sightglass.scale.merging import in_order, with_duplicates

# What each file holds: a letter for its bytes, or nothing for one that cannot be used.
CONTENTS = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=24)


def sequential(contents: Sequence[str], first: int = 0) -> list[dict[str, Any]]:
    """What one machine says of files that follow each other, in plain loops: the oracle."""
    rows: list[dict[str, Any]] = []
    for place, content in enumerate(contents):
        path = f"{first + place}.jpg"
        if not content:
            rows.append({"path": path, "outcome": "corrupt", "detail": "no data", "sha256": None})
            continue
        detail = ""
        for before in rows:
            if before["sha256"] == content.encode().hex() and not detail:
                detail = f"same bytes as {before['path']}"
        outcome = "duplicate" if detail else "ok"
        sha256 = content.encode().hex()
        rows.append({"path": path, "outcome": outcome, "detail": detail, "sha256": sha256})
    return rows


@given(CONTENTS, st.data())
def test_any_cut_in_any_order_of_arrival_gives_what_one_machine_says(
    contents: list[str], data: st.DataObject
) -> None:
    inner = st.sets(st.integers(1, len(contents) - 1)) if len(contents) > 1 else st.just(set())
    cuts = [0, *sorted(data.draw(inner)), len(contents)]
    spans = list(pairwise(cuts))
    answers = {
        number: Answer(rows=sequential(contents[start:end], start))
        for number, (start, end) in enumerate(spans)
    }
    reused = data.draw(st.sets(st.sampled_from(range(len(spans)))))
    kept = {number: answers[number] for number in reused}
    order = data.draw(st.permutations([number for number in answers if number not in reused]))
    again = data.draw(st.lists(st.sampled_from(range(len(spans))), max_size=3))

    arriving = iter([(number, answers[number]) for number in (*again, *order)])
    numbers = in_order(len(spans), set(reused), arriving, kept.__setitem__)
    rows = (row for number in numbers for row in kept[number].rows)
    assert list(with_duplicates(rows, FirstSeen())) == sequential(contents)


def test_a_shard_is_given_on_before_later_ones_have_come() -> None:
    kept: dict[int, Answer] = {}

    def arriving() -> Any:
        yield 0, Answer(rows=[])
        yield 2, Answer(rows=[])
        assert given_on == [0]
        yield 1, Answer(rows=[])

    given_on: list[int] = []
    for number in in_order(3, set(), arriving(), kept.__setitem__):
        given_on.append(number)
    assert given_on == [0, 1, 2]


def test_a_shard_that_comes_twice_is_kept_once() -> None:
    kept = []
    one = Answer(rows=[])
    arriving = iter([(1, one), (1, one), (0, one)])
    assert list(in_order(2, set(), arriving, lambda number, _: kept.append(number))) == [0, 1]
    assert kept == [1, 0]


def test_a_cluster_that_ends_too_soon_is_said() -> None:
    arriving = iter([(1, Answer(rows=[]))])
    with pytest.raises(ResultsError, match="3 shards are needed, the cluster gave 1 and ended"):
        list(in_order(3, set(), arriving, lambda *_: None))
