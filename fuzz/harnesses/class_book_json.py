"""Class books as JSON: what is read can be written, and read again as the same book."""

from __future__ import annotations

import json
from pathlib import Path

from harness import Harness, check_sentence, scratch, written
from sightglass.errors import InputError
from sightglass.inputs.class_book import ClassBook, read_class_book, write_class_book
from sightglass.inputs.labels import name_key, parse_classes

_BOOK = {
    "format": "sightglass-class-book-1",
    "source": "language_model",
    "classes": [
        {
            "name": "sofa",
            "synonyms": ["couch"],
            "description": "A seat.",
            "prompts": ["a sofa in a room"],
            "image_prompts": ["a red sofa"],
            "origin": {"by": "model", "prompt": "What?", "date": "2026-01-02"},
        },
        {"name": "armchair"},
        {"name": "no"},
    ],
    "confusable": [{"classes": ["sofa", "armchair"], "shared_features": ["armrests"]}],
    "notes": ["by hand"],
}
SEEDS = [json.dumps(_BOOK).encode(), b'{"classes":[{"name":"a"},{"name":"b"}]}']
WORDS = (
    *("format", "source", "classes", "confusable", "notes", "name", "synonyms", "description"),
    *("prompts", "image_prompts", "origin", "by", "prompt", "date", "shared_features", "person"),
    *("offline", "sightglass-class-book-1", "unknown", "sofa", "SOFA ", "so_fa"),
)


def one_input(data: bytes) -> None:
    """As a ``.json`` file."""
    check_book(written("book.json", data))


def check_book(path: Path) -> None:
    """Read the book; hold it to what its docstrings say."""
    try:
        book = read_class_book(path)
    except InputError as error:
        check_sentence(error)
        return
    keys = [name_key(one) for entry in book.labels(reserved=()).synonyms for one in entry]
    assert len(keys) == len(set(keys)), "two classes share a name"
    names = {entry.name for entry in book.classes}
    assert all(name in names for group in book.confusable for name in group.classes)
    _check_writing(book)
    try:
        parse_classes(str(path))
    except InputError as error:
        check_sentence(error)


def _check_writing(book: ClassBook) -> None:
    for name in ("again.json", "again.yaml"):
        again = scratch() / name
        write_class_book(again, book)
        assert read_class_book(again) == book, f"{name} holds another book"


HARNESS = Harness(one_input=one_input, seeds=lambda: SEEDS, words=WORDS, tree=True)
