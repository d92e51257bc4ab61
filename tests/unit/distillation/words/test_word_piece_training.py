from __future__ import annotations

import hashlib
import random
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from sightglass.distillation.prompts.vocabulary import read_vocabulary
from sightglass.distillation.words.word_piece_training import train_word_pieces
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import InputError


@pytest.fixture(scope="module")
def nouns() -> bytes:
    return train_word_pieces(read_vocabulary().names, size=2_000)


@pytest.fixture(scope="module")
def reader(nouns: bytes, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("pieces") / "vocab.txt"
    path.write_bytes(nouns)
    return load_tokenizer(path)


def test_a_vocabulary_is_two_special_pieces_and_different_others_one_a_line(nouns: bytes) -> None:
    pieces = nouns.decode().split("\n")
    assert pieces[:2] == ["[PAD]", "[UNK]"]
    assert len(pieces) == len(set(pieces)) == 2_000
    # Not even at the end: an empty last line would be one more piece.
    assert all(pieces)
    assert not any(character.isspace() for piece in pieces for character in piece)


def test_every_name_that_it_was_trained_on_is_read_back_without_an_unknown_piece(
    reader: Tokenizer,
) -> None:
    for name in read_vocabulary().names:
        tokens = reader.encode(name).tokens
        assert "[UNK]" not in tokens
        spelled = "".join(token.removeprefix("##") for token in tokens)
        assert spelled == name.replace(" ", "")


def test_frequent_words_are_one_piece(
    reader: Tokenizer,
) -> None:
    assert reader.encode("Tree_FISH").tokens == ["tree", "fish"]


@given(st.text(st.sampled_from(string.printable), max_size=30))
def test_no_text_in_ascii_has_an_unknown_piece(reader: Tokenizer, text: str) -> None:
    assert "[UNK]" not in reader.encode(text).tokens


def test_capitals_accents_and_underscores_are_taken_as_they_are_in_use() -> None:
    plain = train_word_pieces(["creme brulee", "red fox"], size=256)
    assert train_word_pieces(["CRÈME_brûlée", "Red_Fox"], size=256) == plain


def test_other_alphabets_are_pieces_too() -> None:
    pieces = train_word_pieces(["кот", "猫", "naïve"], size=256).decode().split("\n")
    assert {"к", "о", "т", "猫"} <= set(pieces)
    assert "##о" not in pieces  # a letter outside a-z is a word by itself


def test_an_alphabet_larger_than_half_the_size_loses_its_rarest_characters() -> None:
    ideographs = [chr(0x4E00 + number) for number in range(1_000)]
    pieces = train_word_pieces([*ideographs, *ideographs[:20] * 2], size=300).decode().split("\n")
    assert len(pieces) <= 300
    assert set(ideographs[:20]) <= set(pieces)
    assert len(set(ideographs) & set(pieces)) <= 150


def test_the_order_of_the_texts_does_not_matter(nouns: bytes) -> None:
    names = list(read_vocabulary().names)
    random.Random(5).shuffle(names)
    assert train_word_pieces(names, size=2_000) == nouns


def test_another_process_makes_the_same_bytes(nouns: bytes) -> None:
    code = (
        "import hashlib\n"
        "from sightglass.distillation.prompts.vocabulary import read_vocabulary\n"
        "from sightglass.distillation.words.word_piece_training import train_word_pieces\n"
        "made = train_word_pieces(read_vocabulary().names, size=2_000)\n"
        "print(hashlib.sha256(made).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == hashlib.sha256(nouns).hexdigest()


def test_no_texts_one_text_and_too_small_a_size_are_refused() -> None:
    with pytest.raises(InputError, match="a list of texts is needed"):
        train_word_pieces([])
    with pytest.raises(InputError, match="got 'cat'"):
        train_word_pieces("cat")
    with pytest.raises(InputError, match="size must be a whole number of at least 256, got 255"):
        train_word_pieces(["cat"], size=255)
