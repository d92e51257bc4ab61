from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle import greedy_word_pieces
from sightglass.encoders.card import TextInput
from sightglass.encoders.registry import MINI_FOLDER
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import ModelError

VOCABULARY = MINI_FOLDER / "vocab.txt"
PIECES = VOCABULARY.read_text(encoding="utf-8").split("\n")
SPEC = TextInput(length=24, padding="max_length")


def ids_of(text: str) -> list[int]:
    (row,) = make_tokens(load_tokenizer(VOCABULARY), SPEC)([text])
    return [int(number) for number in row]


def test_every_piece_of_the_vocabulary_has_its_line_number() -> None:
    assert len(PIECES) == 12_000
    assert ids_of("cat")[0] == PIECES.index("cat")


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a cat",
        "Golden_Retriever",
        "crème brûlée",
        "it's 7:30 p.m.",
        "ﬁancée ＡＢＣ",
        "猫 and dog",
        "x" * 500,
        "   ",
        "",
        "tab\tnew\nline",
        "İstanbul ẞ",
    ],
)
def test_tokens_are_those_of_a_plain_greedy_matcher(text: str) -> None:
    expected = greedy_word_pieces(text, PIECES)[:24]
    assert ids_of(text) == expected + [0] * (24 - len(expected))


# Latin, Greek accents and combining marks; beyond, Unicode tables of different age disagree about
# what is a mark, and every such character is unknown to the vocabulary anyway.
# Control characters never get here: names are cleaned of them.
@given(
    st.text(
        alphabet=st.characters(codec="utf-8", max_codepoint=0x36F, exclude_categories=["Cc"]),
        max_size=40,
    )
)
def test_tokens_of_any_latin_text_are_those_of_a_plain_greedy_matcher(text: str) -> None:
    expected = greedy_word_pieces(text, PIECES)[:24]
    assert ids_of(text) == expected + [0] * (24 - len(expected))


def test_a_texts_tokens_do_not_depend_on_its_neighbours() -> None:
    tokens = make_tokens(load_tokenizer(VOCABULARY), SPEC)
    together = tokens(["cat", "a very long text about many things"])
    assert np.array_equal(together[:1], tokens(["cat"]))


def test_a_file_that_is_no_tokenizer_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json: a tokenizer\.json or a list"):
        load_tokenizer(tmp_path / "tokenizer.json")
