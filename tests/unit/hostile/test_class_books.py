"""A class book from anybody is data and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.errors import InputError
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
