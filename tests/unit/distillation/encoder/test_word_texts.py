from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pair_layouts import MemorySource
from sightglass.distillation.encoder import word_texts
from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.distillation.encoder.word_texts import KEPT, WordTexts, gather_words
from sightglass.distillation.words.word_piece_training import train_word_pieces
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import InputError, PictureError

TEACHING: Any = SimpleNamespace(names=("a zebra",), names_of_logits=("okapi",))


def asked(
    sources: Sequence[MemorySource], *, captions: str | None = None, text: Any = None, **words: Any
) -> Recipe:
    content = {
        "data": [{"path": one.name, "captions": captions} for one in sources],
        "student": {"text": text or {"kind": "word_table"}},
        "words": {"teachers": [{"model": "mini"}], "vocabulary": None, "pieces": 300, **words},
        "phases": [{"name": "p", "pictures": 4, "losses": {"contrastive": {}}}],
        "batch_size": 2,
    }
    return recipe_of(content, where="a test")


class Counting(MemorySource):
    """Counts whose captions are asked for; some cannot be read."""

    def __init__(self, *args: Any, torn: Sequence[int] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: list[int] = []
        self.torn = torn

    def captions(self, index: int) -> tuple[str, ...]:
        self.asked.append(index)
        if index in self.torn:
            raise PictureError("corrupt", "no UTF-8")
        return super().captions(index)


def test_captions_and_all_names_are_gathered_a_caption_that_cannot_be_read_is_not() -> None:
    sources = [Counting("a", 3, captions=2, labels=2, torn=[1]), Counting("b", 2, captions=1)]
    texts = gather_words(asked(sources), sources, TEACHING)
    assert texts.corpus.sentences == (
        *("a 0 caption 0", "a 0 caption 1", "a 2 caption 0", "a 2 caption 1"),
        *("b 0 caption 0", "b 1 caption 0"),
    )
    assert texts.corpus.names == ("a zebra", "class 0", "class 1", "okapi")
    assert texts.digest == texts.corpus.digest


def test_captions_that_are_class_names_in_sentences_are_not_learned_again() -> None:
    source = Counting("a", 3, captions=1, labels=2)
    texts = gather_words(asked([source], captions="class"), [source], TEACHING)
    assert texts.corpus.sentences == ()
    assert source.asked == []


def limited(sources: Sequence[MemorySource], most: int) -> Recipe:
    content = asked(sources).model_dump(mode="json")
    content["words"]["captions"] = most
    return recipe_of(content, where="a test")


def test_no_more_captions_are_read_than_the_recipe_says_evenly_spread_over_all_rows() -> None:
    sources = [Counting("a", 10, captions=1, labels=2), Counting("b", 30, captions=1)]
    texts = gather_words(limited(sources, 8), sources, TEACHING)
    # By hand: every fifth of 40 rows.
    assert (sources[0].asked, sources[1].asked) == ([0, 5], [0, 5, 10, 15, 20, 25])
    assert len(texts.corpus.sentences) == 8
    assert {"class 0", "class 1"} <= set(texts.corpus.names)


def test_rows_with_several_captions_give_no_more_together() -> None:
    source = Counting("a", 3, captions=4)
    texts = gather_words(limited([source], 6), [source], TEACHING)
    # By hand: every second of the twelve.
    assert texts.corpus.sentences == tuple(
        f"a {row} caption {one}" for row in range(3) for one in (0, 2)
    )
    assert not gather_words(limited([source], 0), [source], TEACHING).corpus.sentences


def gathered(folder: Path, recipe: Recipe, source: Counting, **more: Any) -> WordTexts:
    source.asked = []
    return gather_words(recipe, [source], TEACHING, folder=folder, **more)


def test_a_run_that_goes_on_reads_no_caption_until_the_texts_are_asked_for(tmp_path: Path) -> None:
    source = Counting("a", 6, captions=1)
    recipe = asked([source])
    first = gathered(tmp_path, recipe, source)
    assert len(source.asked) == 6
    assert first.vocabulary == train_word_pieces(first.corpus.texts, size=300)
    again = gathered(tmp_path, recipe, source)
    assert source.asked == []
    assert (again.digest, again.vocabulary) == (first.digest, first.vocabulary)
    assert again.corpus.texts == first.corpus.texts
    assert len(source.asked) == 6
    assert again.corpus is again.corpus
    assert len(source.asked) == 6


def test_what_is_kept_is_a_vocabulary_that_the_reader_takes(tmp_path: Path) -> None:
    source = Counting("a", 6, captions=1)
    gathered(tmp_path, asked([source]), source)
    kept = json.loads((tmp_path / KEPT).read_text())
    path = tmp_path / "vocab.txt"
    path.write_text(kept["vocabulary"])
    assert load_tokenizer(path).encode("a 3 caption 0").ids


def test_a_tower_with_its_own_pieces_needs_none(tmp_path: Path, monkeypatch: Any) -> None:
    source = Counting("a", 6, captions=1)
    recipe = asked([source], text={"kind": "transformers", "checkpoint": "hf:someone/tiny"})
    monkeypatch.setattr(word_texts, "train_word_pieces", lambda *_, **__: 1 / 0)
    assert gathered(tmp_path, recipe, source).vocabulary is None
    assert gathered(tmp_path, recipe, source).vocabulary is None
    assert source.asked == []


@pytest.mark.parametrize("change", ["file", "source", "pieces", "captions", "names"])
def test_other_texts_are_gathered_anew(tmp_path: Path, change: str) -> None:
    source = Counting("a", 6, captions=1)
    listed = tmp_path / "more.txt"
    listed.write_text("gnu\n")
    recipe = asked([source], files=[str(listed)])
    gathered(tmp_path, recipe, source)
    content, teaching = recipe.model_dump(mode="json"), TEACHING
    if change == "file":
        listed.write_text("emu\n")
    elif change == "source":
        source = Counting("a", 7, captions=1)
    elif change == "names":
        teaching = SimpleNamespace(names=("a horse",), names_of_logits=())
    else:
        content["words"][change] = 280
    source.asked = []
    gather_words(recipe_of(content, where="a test"), [source], teaching, folder=tmp_path)
    assert len(source.asked) == len(source)


@pytest.mark.parametrize("damage", ["cut", "other letter", "no JSON"])
def test_what_is_kept_is_made_anew_where_it_is_damaged(tmp_path: Path, damage: str) -> None:
    source = Counting("a", 6, captions=1)
    gathered(tmp_path, asked([source]), source)
    path = tmp_path / KEPT
    whole = path.read_bytes()
    damaged = {
        "cut": whole[:100],
        "other letter": whole.replace(b"##z", b"##y"),
        "no JSON": b"\xff",
    }
    path.write_bytes(damaged[damage])
    gathered(tmp_path, asked([source]), source)
    assert len(source.asked) == 6
    assert path.read_bytes() == whole


def test_what_a_trained_run_has_kept_is_not_replaced_by_another_ones(tmp_path: Path) -> None:
    source, other = Counting("a", 6, captions=1), Counting("a", 7, captions=1)
    gathered(tmp_path, asked([source]), source)
    whole = (tmp_path / KEPT).read_bytes()
    (tmp_path / "words.safetensors").touch()
    gathered(tmp_path, asked([other]), other)
    assert (tmp_path / KEPT).read_bytes() == whole
    (tmp_path / "words.safetensors").unlink()
    gathered(tmp_path, asked([other]), other, writes=False)
    assert (tmp_path / KEPT).read_bytes() == whole
    gathered(tmp_path, asked([other]), other)
    assert (tmp_path / KEPT).read_bytes() != whole


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    source = Counting("a", 6, captions=1)
    with pytest.raises(InputError, match=r"absent\.txt"):
        gathered(tmp_path, asked([source], files=["absent.txt"]), source)
