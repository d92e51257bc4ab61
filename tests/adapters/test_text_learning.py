"""A small text tower learns a space from scratch, in seconds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from sightglass.distillation.words.corpus import gather_corpus
from sightglass.distillation.words.text_lesson import text_batches, text_loss
from sightglass.distillation.words.text_space import TextSpace
from sightglass.distillation.words.text_teachers import EncoderTeacher, TableTeacher
from sightglass.distillation.words.word_piece_training import train_word_pieces
from sightglass.encoders.towers.word_table import WordTable

pytestmark = pytest.mark.usefixtures("one_thread")

LOOKS = (
    "red green blue white black grey brown pink old new wooden metal tiny huge wet dry hot soft "
    "round broken"
)
THINGS = (
    "cat dog horse train tower bridge mug chair flower house boat tree lamp shoe clock apple bus "
    "table bird drum"
)
PAIRS = [f"{look} {thing}" for look in LOOKS.split() for thing in THINGS.split()]


def meaning(text: str) -> np.ndarray:
    """What a sentence encoder knows: a direction for each word, added up, in a space of 24."""
    rows = [np.random.default_rng([*word.encode()]).normal(size=24) for word in text.split()]
    return np.sum(rows, axis=0)


def encode(texts: Sequence[str]) -> np.ndarray:
    return np.stack([meaning(text) for text in texts])


def test_a_small_word_table_puts_names_that_it_never_saw_where_they_belong() -> None:
    order = np.random.default_rng(0).permutation(len(PAIRS))
    held_out = [PAIRS[i] for i in order[300:]]
    taught = [PAIRS[i] for i in order[:300]]
    view = np.random.default_rng(1).normal(size=(24, 10))
    teachers = [
        TableTeacher.of(taught[:150], encode(taught[:150]) @ view, name="table"),
        EncoderTeacher(name="encoder", encode=encode),
    ]
    space = TextSpace.fit(teachers, dim=20, weights=[1.0, 0.7])
    corpus = gather_corpus(names=taught)
    torch.manual_seed(0)
    tower = WordTable(train_word_pieces(taught, size=500), dim=20, width=32, hidden=32)
    before = top_one(tower, held_out, space)
    optimiser = torch.optim.AdamW(tower.parameters(), lr=1e-2)
    batches = text_batches(corpus, space.rows(corpus.texts), batch_size=60, seed=0)
    for batch in itertools.islice(batches, 60):
        loss = text_loss(tower, batch.texts, batch.targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    # Chance is 1 in 400.
    assert before < 0.05
    assert top_one(tower, held_out, space) > 0.5
    worded = rows(tower, [f"a photo of a {name}" for name in held_out])
    assert (worded * rows(tower, held_out)).sum(axis=1).min() > 0.9


def rows(tower: WordTable, texts: list[str]) -> np.ndarray:
    tower.eval()
    with torch.inference_mode():
        made = tower(tower.tokenise(texts)).numpy()
    tower.train()
    return made


def top_one(tower: WordTable, names: list[str], space: TextSpace) -> float:
    """How often a name's own target, of all, is the nearest to its row."""
    nearest = (rows(tower, names) @ space.rows(PAIRS).T).argmax(axis=1)
    return float(
        np.mean([PAIRS[index] == name for index, name in zip(nearest, names, strict=True)])
    )
