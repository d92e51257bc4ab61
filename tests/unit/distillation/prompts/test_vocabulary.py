from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nouns
from sightglass.distillation.prompts.vocabulary import Vocabulary, read_vocabulary
from sightglass.errors import InputError
from sightglass.inputs.labels import name_key
from wordnet import read_database

ROOT = Path(__file__).parents[4]
NOUNS = ROOT / "src" / "sightglass" / "distillation" / "prompts" / "nouns.txt"

# --- the bundled list ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled() -> Vocabulary:
    return read_vocabulary()


def test_the_bundled_names_are_sorted_lower_case_of_at_most_three_words_and_each_there_once(
    bundled: Vocabulary,
) -> None:
    names = bundled.names
    assert list(names) == sorted(set(names))
    assert len({name_key(name) for name in names}) == len(names)
    assert bundled.repeated == 0
    # Letters, hyphens and apostrophes: neither digits nor underscores nor capitals.
    assert [n for n in names if not re.fullmatch(r"[a-z'-]+( [a-z'-]+){0,2}", n)] == []


def test_the_bundled_list_is_as_long_as_its_head_and_its_page_say(bundled: Vocabulary) -> None:
    head = NOUNS.read_text(encoding="utf-8").splitlines()[0]
    assert head.startswith(f"# {len(bundled)} English nouns")
    page = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    assert f"{len(bundled):,} names" in page
    assert bundled.sha256 in page


def test_the_digest_is_that_of_the_files_name_lines(bundled: Vocabulary) -> None:
    lines = NOUNS.read_bytes().splitlines(keepends=True)
    names = b"".join(line for line in lines if not line.startswith(b"#"))
    assert bundled.sha256 == hashlib.sha256(names).hexdigest()


@pytest.mark.parametrize(
    "name", ["dog", "golden retriever", "american bison", "bicycle", "pizza", "oak", "rainbow"]
)
def test_the_bundled_list_holds_everyday_things(bundled: Vocabulary, name: str) -> None:
    assert bundled.holds(name)


@pytest.mark.parametrize(
    "name", ["justice", "monday", "london", "boletus edulis", "bacterium", "kidney", "idiot"]
)
def test_what_has_no_look_or_is_a_proper_name_is_not_in_the_bundled_list(
    bundled: Vocabulary, name: str
) -> None:
    assert not bundled.holds(name)


@pytest.mark.parametrize("file", ["NOTICE", "src/sightglass/distillation/prompts/nouns.txt"])
def test_wordnets_notice_goes_with_every_copy_as_its_licence_asks(file: str) -> None:
    words = " ".join((ROOT / file).read_text(encoding="utf-8").replace("#", " ").split())
    assert "WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved." in words
    assert "Permission to use, copy, modify and distribute this software and database" in words
    assert 'THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS"' in words
    assert "LICENSEE agrees to preserve same." in words


def test_the_bundled_list_says_where_it_is_from(bundled: Vocabulary) -> None:
    assert bundled.source == "nouns"
    assert "WordNet" in bundled.licence


# --- a person's own list ------------------------------------------------------------------------


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_text_file_gives_its_names_in_order_without_comments_blanks_and_repeats(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "mine.txt", "# mine\nred fox\n\nCat\nred_FOX\n  \u200b\ncat \nzoë\n")
    vocabulary = read_vocabulary(path)
    assert vocabulary.names == ("red fox", "Cat", "zoë")
    assert vocabulary.repeated == 2
    assert vocabulary.source == path
    assert "WordNet" not in vocabulary.licence
    assert vocabulary.sha256 == hashlib.sha256("red fox\nCat\nzoë\n".encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        'ClassName\ntortoise\n"fish, dried"\n',
        'id,name\n1,tortoise\n2,"fish, dried"\n',
        'LabelName,DisplayName\n/m/011k07,tortoise\n/m/01,"fish, dried"\n',
        '\ufeffLabel;x,label\r\n0,tortoise\r\n\r\n1,"fish, dried"\r\n',
        '/m/011k07,tortoise\n/g/01,"fish, dried"\n',
        'number, LABEL \n1, tortoise\n2,""\n3, "fish, dried"\n',
    ],
)
def test_a_csv_file_gives_the_column_with_names_in_every_published_form(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "LIST.CSV"
    path.write_bytes(text.encode())
    assert read_vocabulary(str(path)).names == ("tortoise", "fish, dried")


def test_the_same_names_have_the_same_digest_in_either_form(tmp_path: Path) -> None:
    lines = read_vocabulary(write(tmp_path, "a.txt", "cat\ndog\n"))
    column = read_vocabulary(write(tmp_path, "a.csv", "name,n\ncat,1\ndog,2\n"))
    assert lines.sha256 == column.sha256
    swapped = read_vocabulary(write(tmp_path, "b.txt", "dog\ncat\n"))
    assert swapped.sha256 != lines.sha256


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("a.txt", "cat, dog, fox\n", "needs one name per line, got a single line with commas"),
        ("a.txt", "cat\nsofa|couch\n", "got 'sofa|couch'. A vocabulary knows no synonyms"),
        ("a.txt", "Cat\ncat\n", "at least two different names are needed, got 1"),
        ("a.txt", "# nothing\n", "has no entries"),
        ("a.csv", "name\n", "at least two different names are needed, got 0"),
        ("a.csv", "id,word\n1,cat\n2,dog\n", "the head ClassName, name, label or DisplayName"),
        ("a.csv", "cat\ndog\n", "got 'cat'"),
        (
            "a.csv",
            "id,name\n1,cat\n2,fish, dried\n",
            "needs 2 cells in every line, got 3 in entry 2",
        ),
        ("a.csv", "name\ncat\nfish, dried\n", "needs one cell in every line, got 2 in entry 2"),
        ("a.csv", 'name\n"cat\ndog\n', "cannot be taken apart"),
        ("a.yaml", "- cat\n- dog\n", "the path of a .txt or .csv file is needed"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_sentence_that_says_what_to_do(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_vocabulary(write(tmp_path, file, text))
    assert str(caught.value).startswith("Vocabulary: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["noun", "", "./nouns", "."])
def test_a_word_that_is_no_list_is_answered_with_what_there_is(source: str) -> None:
    with pytest.raises(InputError, match="'nouns' \\(the bundled list\\), or the path"):
        read_vocabulary(source)


def test_a_file_that_is_absent_or_no_text_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_vocabulary(str(tmp_path / "gone.csv"))
    (tmp_path / "bytes.csv").write_bytes(b"name\n\xff\xfe\n")
    with pytest.raises(InputError, match="must be UTF-8"):
        read_vocabulary(str(tmp_path / "bytes.csv"))


def test_a_name_is_held_whatever_its_case_underscores_and_spacing(tmp_path: Path) -> None:
    vocabulary = read_vocabulary(write(tmp_path, "a.txt", "Red Fox\ncat\n"))
    assert vocabulary.holds("red_fox")
    assert vocabulary.holds(" RED  fox ")
    assert not vocabulary.holds("redfox")
    assert not vocabulary.holds("fox")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1),
        min_size=2,
        unique_by=name_key,
    ),
    again=st.integers(0, 3),
)
def test_every_name_written_is_read_back_once(tmp_path: Path, names: list[str], again: int) -> None:
    path = write(tmp_path, "any.txt", "\n".join(names * (again + 1)))
    vocabulary = read_vocabulary(path)
    assert [name_key(name) for name in vocabulary.names] == [name_key(name) for name in names]
    assert vocabulary.repeated == again * len(names)
    assert all(vocabulary.holds(name.upper().lower()) for name in names if name.isascii())


# --- the rule that picked the bundled list, on a WordNet of a dozen meanings ----------------------

# (key, file, names, pointers, explanation); a pointer is (symbol, key, which word it is of).
MEANINGS = [
    ("slur", 10, ["ethnic_slur"], [], "a slur"),
    ("tool", 6, ["tool"], [], "an implement"),
    ("crane", 6, ["crane"], [("@", "tool", 0)], "lifts and moves heavy objects"),
    ("author", 18, ["Crane"], [("@i", "person", 0)], "a writer of novels"),
    ("bird", 5, ["bird"], [], "has feathers"),
    ("stork", 5, ["crane"], [("@", "bird", 0)], "a large wading bird"),
    ("third", 5, ["crane", "other_crane"], [("@", "bird", 0)], "a third meaning of it"),
    ("robin", 5, ["Turdus_migratorius", "American_bird"], [("@", "bird", 0)], "a large thrush"),
    ("latin", 5, ["Grus_grus", "New_York"], [("@", "bird", 0)], "no name for everyday use"),
    ("river", 17, ["long_river"], [("@i", "tool", 0)], "one of its kind"),
    ("marked", 6, ["bad_word", "good_word"], [("@", "tool", 0), (";u", "slur", 1)], "marked"),
    ("all", 6, ["worst_word"], [("@", "tool", 0), (";u", "slur", 0)], "marked in all its names"),
    ("said", 6, ["nick"], [("@", "tool", 0)], "British slang for a jail"),
    ("drug", 6, ["drug"], [("@", "tool", 0)], "a medicine"),
    ("pill", 6, ["round_pill"], [("@", "drug", 0)], "below what is cut"),
    ("person", 18, ["person"], [], "a human being"),
    ("nurse", 18, ["nurse"], [("@", "person", 0)], "cares for the sick"),
    ("wet", 18, ["wet_nurse"], [("@", "nurse", 0)], "below what is taken"),
    ("long", 6, ["a_b_c_d", "x2"], [("@", "tool", 0)], "too many words, or digits"),
]
SENSES = {"crane": ["crane", "author", "stork", "third"]}
RULE = nouns.Rule(
    files=frozenset({5, 6, 17}),
    below=("nurse:1",),
    cut=("drug:1",),
    usages=("ethnic_slur:1",),
    explained=re.compile(r"\bslang\b"),
    added=("person", "tool"),
    left_out=("wet",),
)


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    """The files as wndb(5WN) describes them: a meaning is named by the byte at which it begins."""
    notice = "".join(f"  {n} {line}  \n" for n, line in enumerate(["Notice", "of two lines"], 1))
    lines = [entry(meaning, dict.fromkeys(KEYS, "00000000")) for meaning in MEANINGS]
    places, at = {}, len(notice)
    for key, line in zip(KEYS, lines, strict=True):
        places[key] = f"{at:08d}"
        at += len(line)
    data = notice + "".join(entry(meaning, places) for meaning in MEANINGS)
    words = sorted({word.lower() for _, _, names, _, _ in MEANINGS for word in names})
    index = notice
    for word in words:
        keys = SENSES.get(word) or [k for k, _, n, _, _ in MEANINGS if word in map(str.lower, n)]
        index += f"{word} n {len(keys)} 1 @ {len(keys)} 0 {' '.join(places[k] for k in keys)}  \n"
    folder = tmp_path / "dict"
    folder.mkdir()
    (folder / "data.noun").write_bytes(data.encode())
    (folder / "index.noun").write_bytes(index.encode())
    return folder


KEYS = [meaning[0] for meaning in MEANINGS]


def entry(
    meaning: tuple[str, int, list[str], list[tuple[str, str, int]], str], places: dict[str, str]
) -> str:
    key, file, names, pointers, explanation = meaning
    words = " ".join(f"{word} 0" for word in names)
    links = "".join(f" {symbol} {places[to]} n {of:02x}00" for symbol, to, of in pointers)
    return (
        f"{places[key]} {file:02d} n {len(names):02x} {words} {len(pointers):03d}{links} "
        f"| {explanation}  \n"
    )


def test_a_meaning_is_found_at_the_byte_that_names_it(wordnet: Path) -> None:
    data = (wordnet / "data.noun").read_bytes()
    database = read_database(wordnet)
    for place, meaning in database.meanings.items():
        assert data[int(place) :].startswith(f"{place} {meaning.file:02d} n ".encode())
    assert database.notice == ("Notice", "of two lines")


def test_the_rule_takes_what_it_says(wordnet: Path) -> None:
    found, counts = nouns.names(read_database(wordnet), RULE)
    # crane: the machine and the first bird, not the third meaning; the author's name is capital.
    # marked: its second name, as the first is marked. tool: in by itself and by hand.
    assert found == ("american bird", "bird", "crane", "good word", "nurse", "person", "tool")
    assert counts == {
        "meanings in the files and below": 16,
        "left out: cut": 2,
        "left out: proper names, or no name of letters and few words": 4,
        "left out: by the explanation": 1,
        "left out: a rare meaning of its name": 1,
        "meanings taken": 8,
        "names of those": 7,
        "names added by hand": 1,
        "names left out by hand": 1,
        "names": 7,
    }


def test_one_more_sense_takes_the_third_meaning_of_a_name_and_one_less_only_the_first(
    wordnet: Path,
) -> None:
    database = read_database(wordnet)
    for senses, taken in ((1, 7), (2, 8), (3, 9)):
        assert nouns.names(database, replace(RULE, senses=senses))[1]["meanings taken"] == taken


def test_the_file_is_a_title_the_notice_and_one_name_per_line(wordnet: Path) -> None:
    text = nouns.text(read_database(wordnet), ("bird", "crane"))
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head[0].startswith("# 2 English nouns")
    assert head[-3:] == ["#", "# Notice", "# of two lines"]
    assert text.endswith("# of two lines\nbird\ncrane\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"below": ("nurse:2",)}, "'nurse:2' is no meaning of this WordNet"),
        ({"cut": ("nothing:1",)}, "'nothing:1' is no meaning of this WordNet"),
        ({"added": ("nothing",)}, "a noun of WordNet is needed, got 'nothing' to add"),
        ({"left_out": ("birds",)}, "a word of the list is needed, got 'birds' to leave out"),
    ],
)
def test_a_rule_that_speaks_of_what_is_not_there_is_refused(
    wordnet: Path, change: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        nouns.names(read_database(wordnet), replace(RULE, **change))


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_the_tool_asks_for_the_folder_of_wordnet(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="the folder of WordNet's files is needed"):
        nouns.main(arguments)


def test_the_tool_writes_nothing_where_there_is_no_wordnet(tmp_path: Path) -> None:
    before = NOUNS.read_bytes()
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "nouns.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs the file data.noun of WordNet, got none" in done.stderr
    assert NOUNS.read_bytes() == before


def test_the_tool_writes_the_list_and_the_counts_the_same_each_time(
    wordnet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(nouns, "RULE", RULE)
    monkeypatch.setattr(nouns, "LIST", tmp_path / "out.txt")
    nouns.main([str(wordnet)])
    first = (tmp_path / "out.txt").read_bytes()
    nouns.main([str(wordnet)])
    assert (tmp_path / "out.txt").read_bytes() == first
    assert capsys.readouterr().out.count("     7  names\n") == 2
    assert (
        read_vocabulary(str(tmp_path / "out.txt")).names
        == (nouns.names(read_database(wordnet), RULE)[0])
    )
