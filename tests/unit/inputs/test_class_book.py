from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass.errors import InputError
from sightglass.inputs.book_path import prepare_book_path, set_aside
from sightglass.inputs.class_book import (
    ClassBook,
    ClassEntry,
    Confusable,
    Origin,
    read_class_book,
    write_class_book,
)
from sightglass.inputs.labels import LabelSet, parse_classes

BOOK = ClassBook(
    source="language_model",
    classes=(
        ClassEntry(
            name="sofa",
            synonyms=("couch",),
            description="A long padded seat with a back.",
            prompts=("a sofa in a living room",),
            image_prompts=("a red sofa",),
            origin=Origin(by="some-model", prompt="What does it look like?", date="2026-01-02"),
        ),
        ClassEntry(name="armchair"),
        ClassEntry(name="no"),
    ),
    confusable=(Confusable(classes=("sofa", "armchair"), shared_features=("armrests", "padding")),),
    notes=("Written by hand.",),
)

WORDS_THAT_YAML_READS_OTHERWISE = (
    *("no", "yes", "on", "off", "null", "~", "true", "False", "1", "0x1f", "1e3", "1_000", ".5"),
    *("2026-01-02", "12:30:45", "=", "<<", "- cat", "a: b", "#1", "[x]", "{y}", "*z", "&a", "!b"),
    *(
        "'quoted'",
        '"double"',
        "@home",
        "%x",
        "|",
        ">",
        "猫",
        "👩‍🚀",
        "a\u2028b",
        "caf\u00e9",
        ".inf",
    ),
)


def written(folder: Path, text: str, name: str = "book.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_class_book(path)
    assert str(caught.value).startswith(f"Class book '{path}': ")
    return str(caught.value).removeprefix(f"Class book '{path}': ")


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json", "JSON"])
def test_a_book_is_read_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"book.{suffix}"
    write_class_book(path, BOOK)
    assert read_class_book(path) == BOOK
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_words_that_yaml_reads_otherwise_survive(tmp_path: Path, suffix: str) -> None:
    names = WORDS_THAT_YAML_READS_OTHERWISE
    book = ClassBook(classes=tuple(ClassEntry(name=name, description=name) for name in names))
    path = tmp_path / f"book.{suffix}"
    write_class_book(path, book)
    assert tuple(entry.name for entry in read_class_book(path).classes) == names
    assert read_class_book(path) == book


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4), st.data())
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("book") / data.draw(st.sampled_from(["b.yaml", "b.json"]))
    entries = (ClassEntry(name="cat", prompts=tuple(texts)), ClassEntry(name="dog"))
    write_class_book(path, ClassBook(classes=entries))
    assert read_class_book(path).classes == entries


def test_unquoted_words_are_read_as_text_from_a_hand_edited_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "format: sightglass-class-book-1\n"
        "source: person\n"
        "classes:\n"
        "- name: no\n"
        "  description: on\n"
        "- name: 1\n"
        "  synonyms: [01, 1.0, yes]\n"
        "- name: null\n"
        "- {name: 2026-01-02, description: }\n"
        "confusable:\n"
        "- classes: [no, 1.0]\n"
        "  shared_features:\n",
    )
    book = read_class_book(path)
    assert [entry.name for entry in book.classes] == ["no", "1", "null", "2026-01-02"]
    assert book.classes[0].description == "on"
    assert book.classes[1].synonyms == ("01", "1.0", "yes")
    assert book.confusable == (Confusable(classes=("no", "1")),)


def test_a_number_in_json_is_answered_with_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, '{"classes": [{"name": 1}, {"name": "dog"}]}', "book.json")
    assert refusal(path) == (
        "classes.0.name: Input should be a valid string. Put quotes around it to make it text. "
        "Correct it, or make a new book with 'sightglass describe'."
    )


def test_a_group_may_use_any_name_of_a_class_and_bears_the_entries_own(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "classes: [{name: Sofa, synonyms: [couch]}, {name: arm_chair}]\n"
        "confusable: [{classes: [COUCH, Arm  chair]}]\n",
    )
    assert read_class_book(path).confusable[0].classes == ("Sofa", "arm_chair")


def test_a_group_with_a_stranger_is_answered_with_the_closest_class(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "classes: [{name: cat}, {name: dog}, {name: horse}]\n"
        "confusable: [{classes: [cat, dog]}, {classes: [cat, hrose]}]\n",
    )
    assert refusal(path) == (
        "confusable group 2 must hold names of classes, 'hrose' is none. Did you mean 'horse'? "
        "Correct it, or add the class."
    )


def test_a_part_of_a_name_names_no_class(tmp_path: Path) -> None:
    path = written(
        tmp_path, "classes: [{name: cattle}, {name: dog}]\nconfusable: [{classes: [cat, dog]}]\n"
    )
    assert "'cat' is none. Did you mean 'cattle'?" in refusal(path)


@pytest.mark.parametrize("group", ["[sofa, sofa]", "[sofa, couch]", "[chair, Sofa, COUCH]"])
def test_a_class_beside_itself_is_refused(tmp_path: Path, group: str) -> None:
    path = written(
        tmp_path,
        "classes: [{name: sofa, synonyms: [couch]}, {name: chair}]\n"
        f"confusable: [{{classes: {group}}}]\n",
    )
    assert refusal(path) == (
        "confusable group 1 needs different classes, got 'sofa' more than once. Remove one."
    )


def test_the_same_group_twice_is_refused_in_whatever_order(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "classes: [{name: cat}, {name: dog}, {name: cow}]\n"
        "confusable: [{classes: [cat, dog]}, {classes: [cat, cow]}, {classes: [dog, cat]}]\n",
    )
    assert refusal(path) == (
        "confusable groups must differ, 1 and 3 both hold dog, cat. Put their features into one "
        "and remove the other."
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("classes: [{name: cat}, {name: Cat}]", "got 'cat' (class 1) and 'Cat' (class 2)"),
        (
            "classes: [{name: sofa, synonyms: [couch]}, {name: couch}]",
            "got 'couch' (class 1) and 'couch' (class 2)",
        ),
        ("classes: [{name: cat}]", "at least two are needed, got only 'cat'"),
        ("classes: []", "at least two are needed, got none"),
        ("classes: [{name: cat}, {name: }]", "classes.1.name: Field required"),
        ("classes: [{name: cat}, {nmae: dog}]", "classes.1.name: Field required"),
        ("classes: [{name: cat, legs: 4}, {name: dog}]", "classes.0.legs: Extra inputs"),
        ("classes: [cat, dog]", "classes.0: Fields with names are needed"),
        ("classes: [{name: cat}, {name: dog}]\nsource: me", "source: Input should be"),
        ("classes: [{name: cat}, {name: dog}]\nformat: book-2", "format: Input should be"),
        ("confusable: []", "classes: Field required"),
        ("cat\ndog\n", "the whole file: Fields with names are needed"),
        ("", "the whole file: Fields with names are needed"),
        ("classes: [{name: cat}, {name: dog}\n", "cannot be read (while parsing a flow sequence"),
        ("classes: [{name: cat}]\nclasses: [{name: dog}]", "the field 'classes' comes twice"),
        ("classes:\n- name: cat\n  name: dog\n", "'name' comes twice in the entry at line 2"),
        ("[" * 5000, "cannot be read (nested too deeply)"),
        ("classes: &a [*a, *a]", "cannot be read (found unconstructable recursive"),
        ("!!python/object/apply:os.getcwd []", "the whole file: Fields with names are needed"),
    ],
)  # fmt: skip
def test_what_is_no_book_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refusal(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"classes": [], "classes": []}', "the field 'classes' comes twice"),
        ('{"classes": ', "cannot be read (Expecting value"),
        ("[1]", "the whole file: Fields with names are needed"),
        ("[" * 100_000, "cannot be read (nested too deeply)"),
    ],
)
def test_what_is_no_json_book_is_refused_with_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    assert reason in refusal(written(tmp_path, text, "book.json"))


def test_an_absent_book_a_folder_and_another_encoding_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == "the file does not exist. Check the path."
    (tmp_path / "folder.yaml").mkdir()
    assert "this is a folder" in refusal(tmp_path / "folder.yaml")
    (tmp_path / "latin.yaml").write_bytes("classes: [{name: kätzchen}]".encode("latin-1"))
    assert "cannot be read ('utf-8' codec" in refusal(tmp_path / "latin.yaml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_bytes(b"\xef\xbb\xbfclasses: [{name: cat}, {name: dog}]\n")
    assert [entry.name for entry in read_class_book(path).classes] == ["cat", "dog"]


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json", "YAML"])
def test_classes_may_be_given_as_a_book(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"book.{suffix}"
    write_class_book(path, BOOK)
    assert parse_classes(str(path)) == LabelSet.of([["sofa", "couch"], "armchair", "no"])


def test_a_reserved_name_in_a_book_is_refused_with_the_books_name(tmp_path: Path) -> None:
    path = written(tmp_path, "classes: [{name: cat}, {name: unknown}]")
    with pytest.raises(InputError) as caught:
        parse_classes(str(path))
    assert str(caught.value).startswith(f"Class book '{path}': Class names: 'unknown' (class 2)")
    assert parse_classes(str(path), reserved=()).names == ("cat", "unknown")


def test_a_book_says_only_what_is_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    write_class_book(path, ClassBook(classes=(ClassEntry(name="cat"), ClassEntry(name="dog"))))
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "format": "sightglass-class-book-1",
        "source": "person",
        "classes": [{"name": "cat"}, {"name": "dog"}],
    }


def test_a_path_for_a_book_is_tried_before_anything_is_made(tmp_path: Path) -> None:
    prepare_book_path(tmp_path / "new" / "book.yaml")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "new" / "book.yaml.part").write_text("of another run")
    prepare_book_path(tmp_path / "new" / "book.yaml")
    assert (tmp_path / "new" / "book.yaml.part").read_text() == "of another run"
    with pytest.raises(InputError, match=r"ends in \.yaml, \.yml, \.json is needed"):
        prepare_book_path(tmp_path / "book.txt")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match=r"can be written is needed \(it is a folder\)"):
        prepare_book_path(tmp_path / "folder.yaml")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can be written is needed"):
        prepare_book_path(tmp_path / "file" / "book.yaml")


def test_a_book_that_says_something_else_is_set_aside_and_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    assert set_aside(path, BOOK) is None
    write_class_book(path, BOOK)
    assert set_aside(path, BOOK) is None
    edited = "classes: [{name: cat}, {name: dog}]"
    written(tmp_path, edited)
    assert set_aside(path, BOOK) == tmp_path / "book.old-1.yaml"
    written(tmp_path, "not a book")
    assert set_aside(path, BOOK) == tmp_path / "book.old-2.yaml"
    assert not path.exists()
    assert (tmp_path / "book.old-1.yaml").read_text() == edited
    assert (tmp_path / "book.old-2.yaml").read_text() == "not a book"
