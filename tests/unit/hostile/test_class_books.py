"""A class book from anybody is data and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightglass.errors import InputError
from sightglass.inputs.book_path import prepare_book_path
from sightglass.inputs.class_book import read_class_book


def _nine_times_nine() -> str:
    """A list of 9^9 words in nine lines."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join([*lines, "classes: *i", ""])


@pytest.mark.parametrize(
    "text",
    [
        _nine_times_nine(),
        "classes: &a [*a]\n",
        "classes: !!python/object/apply:os.mkdir [made]\n",
        "classes:\n  - !!python/object/new:os.mkdir [made]\n",
        "!!python/module:os\n",
        "classes:\n  - <<: {name: cat}\n  - name: dog\n",
        "classes:\n  - name: !!binary aGVsbG8=\n    path: ../../x\n",
        "%TAG ! tag:evil,2000:\n---\nclasses: !x []\n",
        "classes: [{name: cat}, {name: dog}]\nreferences: /etc/passwd\n",
    ],
)
def test_a_book_with_more_than_data_in_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^Class book ") as caught:
        read_class_book(tmp_path / "book.yaml")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["book.yaml"]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_book_without_end_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"book.{suffix}"
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"it has more than 64,000,000 bytes") as caught:
        read_class_book(path)
    assert "\n" not in str(caught.value)


def test_a_book_of_exactly_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    text = "classes: [{name: cat}, {name: dog}]\n"  # 36 bytes
    path.write_text(text)
    assert [entry.name for entry in read_class_book(path, max_bytes=36).classes] == ["cat", "dog"]
    with pytest.raises(InputError, match="it has more than 35 bytes"):
        read_class_book(path, max_bytes=35)


def test_a_new_book_does_not_wait_for_a_pipe_in_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "book.yaml")
    with pytest.raises(InputError, match="it is a pipe or a device"):
        prepare_book_path(tmp_path / "book.yaml")
