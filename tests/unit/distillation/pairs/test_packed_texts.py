from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from sightglass.distillation.pairs.packed_texts import PackedTexts

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])))


@given(texts)
def test_every_text_is_found_under_its_number(some: list[str]) -> None:
    packed = PackedTexts(iter(some))
    assert [packed[index] for index in range(len(packed))] == some


@given(texts, texts)
def test_the_digest_is_that_of_the_texts_and_of_where_one_ends(
    some: list[str], others: list[str]
) -> None:
    assert (PackedTexts(some).digest == PackedTexts(others).digest) == (some == others)
    assert PackedTexts(["ab", "c"]).digest != PackedTexts(["a", "bc"]).digest


def test_file_names_that_are_not_text_come_back() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert PackedTexts(["a", name])[1] == name
