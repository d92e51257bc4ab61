from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightglass.distillation.prompts.vocabulary import read_vocabulary
from sightglass.distillation.words.corpus import gather_corpus, read_wordnet_nouns
from sightglass.errors import InputError
from sightglass.inputs.labels import name_key

# Three meanings in the form of wndb(5WN): two words, a proper name, and eleven (0b) words.
DATA_NOUN = (
    "  1 This is a notice.  \n"
    "00001740 03 n 02 entity 0 red_fox 0 001 ~ 00001930 n 0000 | that which is  \n"
    "00001930 15 n 01 Paris 0 000 | a city  \n"
    "00002137 05 n 0b a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 one_two_three_four 0 "
    "one_two_three 0 000 | letters  \n"
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_wordnets_nouns_are_those_without_capitals_of_at_most_three_words(tmp_path: Path) -> None:
    nouns = read_wordnet_nouns(write(tmp_path, "data.noun", DATA_NOUN))
    assert nouns == tuple(sorted([*"abcdefghi", "entity", "one two three", "red fox"]))


def test_another_file_than_wordnets_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "data.noun", "cat\ndog\n")
    with pytest.raises(InputError, match=r"must be WordNet's data\.noun"):
        read_wordnet_nouns(path)


def test_all_texts_are_merged_sorted_and_there_once_with_the_first_spelling(
    tmp_path: Path,
) -> None:
    corpus = gather_corpus(
        names=["Red_Fox", "a very long class name indeed"],
        captions=["two dogs run in the snow", "Entity", "Two dogs run  in the snow", " "],
        wordnet=write(tmp_path, "data.noun", DATA_NOUN),
        files=[write(tmp_path, "more.txt", "# mine\nzebra\nA zebra stands and looks.\nRED FOX\n")],
    )
    names = ["Red Fox", "a very long class name indeed", "entity", "one two three", "zebra"]
    assert corpus.names == tuple(sorted([*names, *"abcdefghi"]))
    assert corpus.sentences == ("A zebra stands and looks.", "two dogs run in the snow")
    assert corpus.texts == corpus.names + corpus.sentences
    assert len(corpus) == len(corpus.texts)


def test_the_bundled_nouns_are_all_there() -> None:
    corpus = gather_corpus(vocabulary="nouns", captions=["a dog that sleeps"])
    assert corpus.names == tuple(sorted(read_vocabulary().names))


def test_the_digest_is_of_the_texts_and_of_which_are_names() -> None:
    corpus = gather_corpus(names=["cat"], captions=["a dog runs"])
    assert corpus.digest == hashlib.sha256(b"1 names\ncat\na dog runs").hexdigest()
    assert gather_corpus(names=["cat", "a dog runs"]).digest != corpus.digest


def test_no_text_at_all_is_refused_with_what_to_give() -> None:
    with pytest.raises(InputError, match=re.escape("at least one text is needed, got none")):
        gather_corpus(names=["", " \t"], captions=[""])


WORDS = st.lists(st.text(st.characters(codec="utf-8", categories=["L", "Nd", "Zs"])), min_size=1)


@settings(max_examples=25)
@given(names=WORDS, captions=WORDS)
def test_the_order_in_which_texts_are_given_does_not_change_which_are_there(
    names: list[str], captions: list[str]
) -> None:
    names = [*names, "cat"]
    first = gather_corpus(names=names, captions=captions)
    keys = [name_key(text) for text in first.texts]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {name_key(text) for text in names + captions} - {""}
    second = gather_corpus(names=reversed(names), captions=reversed(captions))
    assert sorted(map(name_key, second.names)) == sorted(map(name_key, first.names))
    assert gather_corpus(names=names, captions=captions).digest == first.digest
