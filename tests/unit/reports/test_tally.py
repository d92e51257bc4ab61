from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from report_rows import classified, failed, weighed
from sightglass.reports.tally import Tally

CONFIDENCES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30)


def tally_of(rows: list[dict], classes: tuple[str, ...] = ("cat", "dog")) -> Tally:
    tally = Tally(
        names={name: number for number, name in enumerate(classes)}, n_classes=len(classes)
    )
    for row in rows:
        tally.add(row)
    return tally


def test_the_edge_of_a_bar_belongs_to_the_one_above_and_100_percent_to_the_last():
    tally = tally_of([classified(f"{edge}", confidence=edge / 20) for edge in range(21)])

    assert tally.bins == [1] * 19 + [2]


@given(CONFIDENCES)
def test_every_bar_holds_what_lies_between_its_edges_but_for_the_rounding_of_the_page(said):
    rows = [
        classified(f"{number}", "unknown" if unknown else "cat", confidence)
        for number, (confidence, unknown) in enumerate(said)
    ]
    tally = tally_of(rows)

    # Up to each edge: what is surely below, and what the page's four decimals may put there.
    for edge in range(1, 20):
        below, at_most = (
            [unknown for confidence, unknown in said if confidence < edge / 20 + slack]
            for slack in (-1e-4, 1e-4)
        )
        assert len(below) <= sum(tally.bins[:edge]) <= len(at_most)
        assert sum(below) <= sum(tally.unknown_bins[:edge]) <= sum(at_most)
    assert sum(tally.bins) == len(said)
    assert sum(tally.unknown_bins) == tally.unknown == sum(unknown for _, unknown in said)


def test_what_could_not_be_used_is_in_no_bar_and_has_no_label():
    tally = tally_of([failed("a"), failed("b", "truncated"), classified("c", "dog")])

    assert tally.outcomes == {"corrupt": 1, "truncated": 1, "ok": 1}
    assert tally.labels == {"dog": 1}
    assert math.fsum(tally.bins) == 1


def test_a_class_may_be_called_unknown():
    tally = tally_of([classified("a", "unknown", 0.5)], classes=("cat", "unknown"))

    assert tally.unknown == 0
    assert sum(tally.unknown_bins) == 0
    assert tally.labels == {"unknown": 1}


def test_opinions_disagree_where_one_has_another_best_class_than_the_answer():
    agreed = weighed(classified("a"), {"text_image": "cat", "vision_only": "cat"})
    split = weighed(classified("b"), {"text_image": "cat", "vision_only": "teapot"})
    alone = weighed(classified("c"), {"text_image": "teapot"})
    silent = weighed(classified("d"), {"text_image": "cat", "vision_only": "teapot"})
    silent["opinions"][1]["top"] = []
    tally = tally_of([agreed, split, alone, silent, classified("e"), failed("f")])

    assert (tally.heard, tally.disputed) == (2, 1)
