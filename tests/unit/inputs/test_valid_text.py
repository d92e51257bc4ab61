from __future__ import annotations

import pytest

from sightglass.inputs.valid_text import as_utf8


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", ""),
        ("dürer 猫.jpg", "dürer 猫.jpg"),
        ("n\udcff.jpg", "n\\udcff.jpg"),
        ("\ud800\udc00", "\\ud800\\udc00"),
        ("already \\udcff", "already \\udcff"),
    ],
)
def test_only_what_utf_8_cannot_hold_becomes_an_escape(text: str, valid: str) -> None:
    assert as_utf8(text) == valid
    assert valid.encode("utf-8").decode("utf-8") == valid
