from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.inputs.labels import LabelSet, clean_name, parse_classes


def written(folder: Path, content: str | bytes, name: str = "classes.txt") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_names_separated_by_commas_become_classes_in_their_order() -> None:
    labels = parse_classes("dog, cat ,European bee")
    assert labels.names == ("dog", "cat", "European bee")
    assert labels.synonyms == (("dog",), ("cat",), ("European bee",))
    assert labels.known == (True, True, True)


def test_bars_separate_the_names_of_one_class_and_the_first_is_shown() -> None:
    labels = parse_classes("sofa | couch|settee,chair")
    assert labels.names == ("sofa", "chair")
    assert labels.synonyms == (("sofa", "couch", "settee"), ("chair",))


def test_a_file_has_one_class_per_line(tmp_path: Path) -> None:
    path = written(tmp_path, "# furniture\n\nsofa|couch\n   \n  goldfish, Carassius auratus\n")
    labels = parse_classes(path)
    assert labels.names == ("sofa", "goldfish, Carassius auratus")
    assert labels.synonyms[0] == ("sofa", "couch")


@pytest.mark.parametrize(
    "content",
    [
        b"cat\r\ndog\r\n",
        b"cat\rdog",
        b"\xef\xbb\xbfcat\ndog\n",
        b"\xef\xbb\xbf# pets\r\ncat\r\n\r\ndog",
    ],
)
def test_line_endings_and_a_byte_order_mark_do_not_matter(tmp_path: Path, content: bytes) -> None:
    assert parse_classes(written(tmp_path, content)).names == ("cat", "dog")


def test_a_file_without_suffix_is_read_when_it_is_given_as_a_path(tmp_path: Path) -> None:
    assert parse_classes(written(tmp_path, "cat\ndog", name="pets")).names == ("cat", "dog")


def test_names_with_a_slash_are_names_when_there_are_several() -> None:
    assert parse_classes("AC/DC,TCP/IP").names == ("AC/DC", "TCP/IP")


def test_a_path_may_contain_a_comma(tmp_path: Path) -> None:
    assert parse_classes(written(tmp_path, "cat\ndog", name="my, own.txt")).names == ("cat", "dog")


def test_an_absent_file_is_reported_with_its_closest_sibling(tmp_path: Path) -> None:
    written(tmp_path, "cat\ndog", name="classes.txt")
    with pytest.raises(InputError) as caught:
        parse_classes(str(tmp_path / "clases.txt"))
    assert str(caught.value) == (
        f"Class names: the file '{tmp_path}/clases.txt' does not exist. "
        f"Did you mean '{tmp_path}/classes.txt'?"
    )


def test_an_absent_file_without_a_similar_sibling_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not exist\. Check the path\.$"):
        parse_classes(str(tmp_path / "classes.txt"))


def test_an_absent_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Nor does the folder '.*nowhere'\. Check the path\."):
        parse_classes(str(tmp_path / "nowhere" / "classes.txt"))


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json", "YAML"])
def test_an_absent_class_book_is_reported_as_one(suffix: str) -> None:
    with pytest.raises(InputError, match=rf"Class book 'book.{suffix}': the file does not exist"):
        parse_classes(f"book.{suffix}")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a \.txt file with one class per line is needed"):
        parse_classes(written(tmp_path, "cat,dog", name="classes.csv"))


def test_a_folder_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a text file is needed, got the folder"):
        parse_classes(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "position"),
    [("kätze\ndog".encode("latin-1"), 2), ("cat\ndog".encode("utf-16"), 1)],
)
def test_a_file_that_is_not_utf8_is_refused_with_the_byte(
    tmp_path: Path, content: bytes, position: int
) -> None:
    with pytest.raises(InputError, match=rf"must be UTF-8 text.*\(byte {position} .*Save it as"):
        parse_classes(written(tmp_path, content))


def test_a_file_name_that_the_system_refuses_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_classes(str(tmp_path / ("a" * 5000 + ".txt")))


def test_a_file_with_only_comments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no entries\. Write one per line\."):
        parse_classes(written(tmp_path, "# nothing yet\n\n"))


def test_a_file_with_all_names_on_one_line_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a single line with commas"):
        parse_classes(written(tmp_path, "cat,dog,horse\n"))


def test_equal_names_are_refused_with_both_positions() -> None:
    with pytest.raises(InputError) as caught:
        parse_classes("cat,dog,Cat")
    assert str(caught.value) == (
        "Class names: a name can belong to one class only, got 'cat' (class 1) and 'Cat' "
        "(class 3). Remove or reword one."
    )


@pytest.mark.parametrize(
    "names",
    [
        ["fire_engine", "dog", "Fire  Engine"],
        ["caf\u00e9", "dog", "cafe\u0301"],
        ["stra\u00dfe", "dog", "STRASSE"],
        ["sofa", "dog", ["settee", "Sofa"]],
        [["sofa", "couch"], "dog", "couch"],
        [["sofa", "couch"], "dog", ["settee", "Couch"]],
    ],
)
def test_names_that_a_person_would_call_equal_are_refused(names: list[str | list[str]]) -> None:
    with pytest.raises(InputError, match=r"\(class 1\) and '.*' \(class 3\)"):
        LabelSet.of(names)


def test_a_name_repeated_within_its_own_class_is_dropped() -> None:
    labels = LabelSet.of([["Sofa", "couch", "sofa "], "chair"])
    assert labels.synonyms[0] == ("Sofa", "couch")


@pytest.mark.parametrize("text", ["cat,,dog", "cat, ,dog", "cat,_|cats,dog", "cat,\u200b,dog"])
def test_an_empty_name_is_refused_with_its_position(text: str) -> None:
    with pytest.raises(InputError, match=r"every class needs a name, .* \(class 2\)"):
        parse_classes(text)


def test_a_class_without_any_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"got an empty one \(class 2\)"):
        LabelSet.of(["cat", []])


def test_an_empty_synonym_is_refused() -> None:
    with pytest.raises(InputError, match=r"got an empty one \(class 1\)"):
        parse_classes("sofa||couch,chair")


def test_a_single_class_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError) as caught:
        parse_classes("cat")
    assert str(caught.value) == (
        "Class names: at least two are needed, got only 'cat': with one name every picture would "
        "be that class. Add a contrast, such as 'something else'."
    )


def test_no_class_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least two are needed, got none"):
        LabelSet.of([])


def test_a_class_called_unknown_is_refused() -> None:
    with pytest.raises(InputError, match=r"'Unknown' \(class 2\) is the answer for pictures that"):
        parse_classes("cat, Unknown")


def test_the_reserved_words_can_be_chosen() -> None:
    assert parse_classes("cat,unknown", reserved=()).names == ("cat", "unknown")
    with pytest.raises(InputError, match="'other'"):
        LabelSet.of(["cat", "other"], reserved=("other",))


def test_a_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(InputError, match="a list of names is needed, got the text 'cat,dog'"):
        LabelSet.of("cat,dog")


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="every name must be text"):
        LabelSet.of(["cat", (3,)])  # type: ignore[list-item]


def test_a_name_from_a_terminal_with_another_encoding_is_refused() -> None:
    # What Python makes of the Latin-1 byte of an umlaut in an argument of a UTF-8 process.
    argument = b"k\xe4tze".decode("utf-8", "surrogateescape")
    with pytest.raises(InputError, match="class 1 is not valid Unicode"):
        LabelSet.of([argument, "dog"])


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\"; DROP TABLE x --'", "=cmd()", "{}", "קיפוד", "👩‍🚀", "%s"],
)
def test_hostile_and_foreign_names_are_kept_as_they_are(name: str) -> None:
    assert LabelSet.of([name, "dog"]).names[0] == name
    assert clean_name(name) == name


def test_display_names_keep_the_spelling_and_lose_control_characters() -> None:
    labels = LabelSet.of(["  New__York\ncity\x1b[31m ", "dog"])
    assert labels.names[0] == "New__York city [31m"


def test_a_cleaned_name_has_single_spaces_and_composed_letters() -> None:
    assert clean_name(" fire_engine\t\n of  cafe\u0301 ") == "fire engine of caf\u00e9"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(name: str) -> None:
    once = clean_name(name)
    assert clean_name(once) == once
    assert "_" not in once
    assert not any(unicodedata.category(character) == "Cc" for character in once)


def test_the_fingerprint_is_the_same_on_every_machine_and_sees_every_change() -> None:
    labels = LabelSet.of([["sofa", "couch"], "chair"])
    # printf '[[["sofa", "couch"], ["chair"]], [true, true]]' | sha256sum | cut -c -32
    assert labels.fingerprint == "36d7d5c08d8409fe554930682c37c6ae"
    others = [
        LabelSet.of(["sofa", "chair"]),
        LabelSet.of(["chair", ["sofa", "couch"]]),
        LabelSet.of([["sofa", "settee"], "chair"]),
        LabelSet(names=labels.names, synonyms=labels.synonyms, known=(True, False)),
    ]
    assert len({labels.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_a_mask_of_unknown_classes_is_kept() -> None:
    assert LabelSet(names=("cat", "dog"), known=(True, False)).known == (True, False)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match="one entry per class, got 2, 2 and 3"):
        LabelSet(names=("cat", "dog"), known=(True, True, False))


def test_synonyms_must_begin_with_the_display_name() -> None:
    with pytest.raises(InputError, match="must begin with its display name"):
        LabelSet(names=("cat", "dog"), synonyms=(("cat",), ("hound", "dog")))


def test_a_mask_without_any_known_class_is_refused() -> None:
    with pytest.raises(InputError, match="at least one class must be known"):
        LabelSet(names=("cat", "dog"), known=(False, False))
