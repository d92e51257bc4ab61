from __future__ import annotations

import pytest

from sightglass.distillation.pairs.captions import (
    captions_in_json,
    captions_in_text,
    clean_captions,
)
from sightglass.errors import PictureError


def test_captions_are_single_lines_each_once_none_blank() -> None:
    found = [" a  dog\n runs ", "", None, 7, "a dog runs", "\t", "Ein Hund läuft"]
    assert clean_captions(found) == ("a dog runs", "Ein Hund läuft")


def test_a_text_file_is_one_caption_however_many_lines_it_has() -> None:
    assert captions_in_text("\ufeffa dog\r\nin the snow\n".encode()) == ("a dog in the snow",)
    assert captions_in_text(b" \n") == ()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"caption": "a dog", "text": "no"}', ("a dog",)),
        (b'{"caption": "", "text": "a cat"}', ("a cat",)),
        (b'{"captions": ["a dog", "a hound"], "url": "x"}', ("a dog", "a hound")),
        (b'{"url": "x"}', ()),
        (b'{"caption": null, "text": {"a": 1}}', ()),
        (rb'{"text": "half a \ud83d pair"}', ("half a ? pair",)),
        (rb'{"text": "a whole \ud83d\ude00"}', ("a whole \U0001f600",)),
    ],
)
def test_json_gives_caption_or_text_one_or_several(data: bytes, expected: tuple[str, ...]) -> None:
    found = captions_in_json(data)
    assert found == expected
    assert all(one.encode() for one in found)


@pytest.mark.parametrize("data", [b"{", b"[1]", b'"a dog"', b"\xff\xfe", b"[" * 100_000])
def test_json_that_is_none_is_a_fault_of_its_row(data: bytes) -> None:
    with pytest.raises(PictureError, match="its caption's JSON"):
        captions_in_json(data)


def test_text_that_is_not_utf8_is_a_fault_of_its_row() -> None:
    with pytest.raises(PictureError, match=r"its caption is not UTF-8 text \(byte 4\)"):
        captions_in_text(b"caf\xe9")
