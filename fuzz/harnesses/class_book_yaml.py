"""Class books as YAML, which has more ways to say a thing than JSON."""

from __future__ import annotations

from harness import Harness, written
from harnesses import class_book_json
from harnesses.class_book_json import check_book

_BOOK = b"""\
format: sightglass-class-book-1
source: person
classes:
- name: sofa   # a comment
  synonyms: [couch, "set\\ttee"]
  description: |
    A seat.
- &second
  name: no
  origin: {by: person}
- ? name
  : 'it''s'
confusable:
- classes: [couch, no]
  shared_features: []
"""
_WORDS = (
    *(": ", "- ", "? ", "&a ", "*a", "<<: *a", "!!str ", "!!python/object:os.system ", "! ", "|\n"),
    *(">-\n", "---\n", "...\n", "%YAML 1.1\n", "[", "]", "{", "}", ", ", "'", '"', "# ", "~"),
    *(
        "\\x00",
        "\\ud800",
        "\\U00110000",
        "\ufeff",
        "\x85",
        "\u2028",
        "\t",
        "\n  ",
        "=",
        "2026-01-02",
    ),
)


def one_input(data: bytes) -> None:
    """As a ``.yaml`` file."""
    check_book(written("book.yaml", data))


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_BOOK, *class_book_json.SEEDS],
    words=_WORDS + class_book_json.WORDS,
    longest=2048,
    tree=True,
)
