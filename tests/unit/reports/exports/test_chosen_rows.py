from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exported_runs import write_run
from report_rows import classified, failed
from sightglass.errors import InputError, UnknownNameError
from sightglass.reports.exports.chosen_rows import Choice, ChosenRows, confidence_of
from sightglass.reports.exports.finished_run import read_run

ROWS = [
    classified("0.jpg", "cat", 0.9),
    failed("1.jpg", "corrupt"),
    classified("2.jpg", "dog", 0.5),
    classified("3.jpg", "unknown", 0.3),
    classified("4.jpg", "cat", 0.9, outcome="duplicate", detail="same bytes as 0.jpg"),
    failed("5.jpg", "too_large"),
    classified("6.jpg", "unknown", 0.3, outcome="duplicate", detail="same bytes as 3.jpg"),
]


@pytest.mark.parametrize(
    ("choice", "taken", "left_out"),
    [
        (Choice(), [1, 3, 4, 5, 7], {"corrupt": 1, "too_large": 1}),
        (
            Choice(unknown="drop"),
            [1, 3, 5],
            {"corrupt": 1, "too_large": 1, "unknown": 2},
        ),
        (
            Choice(duplicates="drop", min_confidence=0.500001),
            [1, 4],
            {"corrupt": 1, "too_large": 1, "duplicate": 2, "below --min-confidence 0.500001": 1},
        ),
        (Choice(min_confidence=0.5), [1, 3, 4, 5, 7], {"corrupt": 1, "too_large": 1}),
    ],
)
def test_rows_are_taken_as_chosen_and_the_others_counted_by_reason(
    tmp_path: Path, choice: Choice, taken: list[int], left_out: dict[str, int]
) -> None:
    chosen = ChosenRows(read_run(write_run(tmp_path, ROWS)), choice)
    for _ in range(2):  # a second pass counts anew
        assert [number for number, _ in chosen] == taken
        assert (chosen.taken, chosen.left_out) == (len(taken), Counter(left_out))


def test_unknown_is_a_class_only_where_it_is_kept(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, ROWS))
    assert ChosenRows(run, Choice()).classes == ("cat", "dog", "teapot", "unknown")
    assert ChosenRows(run, Choice(unknown="drop")).classes == ("cat", "dog", "teapot")


def test_unknown_has_no_confidence_of_its_own() -> None:
    assert confidence_of(ROWS[0]) == 0.9
    assert confidence_of(ROWS[3]) is None


@given(
    st.floats(0, 1),
    st.sampled_from(["keep", "drop"]),
    st.sampled_from(["keep", "drop"]),
)
def test_every_row_is_taken_or_counted(
    tmp_path_factory: pytest.TempPathFactory, least: float, unknown: str, duplicates: str
) -> None:
    run = read_run(write_run(tmp_path_factory.mktemp("run"), ROWS))
    choice = Choice(min_confidence=least, unknown=unknown, duplicates=duplicates)
    chosen = ChosenRows(run, choice)
    assert len(list(chosen)) + chosen.left_out.total() == len(ROWS)


def test_words_and_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"word for --unknown 'kep'\. Did you mean 'keep'"):
        Choice(unknown="kep")
    with pytest.raises(InputError, match=r"between 0 and 1, got 1\.5\. Give a probability"):
        Choice(min_confidence=1.5)
    with pytest.raises(InputError, match="got nan"):
        Choice(min_confidence=float("nan"))
