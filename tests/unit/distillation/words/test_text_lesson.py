from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sightglass.distillation.words.corpus import Corpus
from sightglass.distillation.words.text_lesson import TEMPLATES, TextBatch, text_batches, text_loss
from sightglass.encoders.card import TextInput
from sightglass.encoders.towers.contract import TextTower
from sightglass.errors import InputError, ShapeError
from sightglass.inputs.templates import check_templates

CORPUS = Corpus(
    names=tuple(f"thing {number:02}" for number in range(11)),
    sentences=("a man plays {} chess", "two dogs run"),
)
# A target that says which text it belongs to.
TARGETS = np.stack([[math.cos(n), math.sin(n)] for n in range(13)]).astype(np.float32)


def taken(count: int, **options: object) -> list[TextBatch]:
    arguments = {"batch_size": 5, "seed": 3} | options
    return list(itertools.islice(text_batches(CORPUS, TARGETS, **arguments), count))


def index_of(target: Tensor) -> int:
    return int(np.abs(TARGETS - target.numpy()).sum(axis=1).argmin())


def bare(text: str) -> str:
    """The name in a worded text, or the sentence itself."""
    found = re.search(r"thing \d\d", text)
    return found[0] if found else text


def test_every_target_is_that_of_the_bare_text_whatever_the_template() -> None:
    texts = set()
    for batch in taken(40):
        assert batch.targets.shape == (5, 2)
        for text, target in zip(batch.texts, batch.targets, strict=True):
            assert bare(text) == CORPUS.texts[index_of(target)]
            texts.add(text)
    # More wordings than names: templates are drawn; and every text was a template's, or bare.
    assert len(texts) > 40
    worded = {template.format(name) for template in TEMPLATES for name in CORPUS.names}
    assert texts - set(CORPUS.sentences) <= worded


def test_sentences_are_never_put_into_a_template_and_names_with_braces_stay_whole() -> None:
    seen = Counter(text for batch in taken(13) for text in batch.texts)
    assert seen["a man plays {} chess"] == seen["two dogs run"] == 5
    odd = Corpus(names=("{} bracket", "{0}"))
    (batch,) = itertools.islice(
        text_batches(odd, TARGETS[:2], batch_size=2, seed=0, templates=["a {}"]), 1
    )
    assert set(batch.texts) == {"a {} bracket", "a {0}"}


def test_every_text_comes_once_in_an_epoch_and_epochs_differ() -> None:
    # 13 batches of 5 are 5 epochs of 13.
    drawn = [index_of(target) for batch in taken(13) for target in batch.targets]
    epochs = [drawn[start : start + 13] for start in range(0, 65, 13)]
    assert all(sorted(epoch) == list(range(13)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5


@settings(max_examples=20)
@given(first=st.integers(0, 40), size=st.integers(2, 13), seed=st.integers(0, 2**40))
def test_a_resumed_run_sees_what_it_would_have_seen(first: int, size: int, seed: int) -> None:
    whole = taken(first + 2, batch_size=size, seed=seed)[first:]
    resumed = taken(2, batch_size=size, seed=seed, first_step=first)
    assert [batch.step for batch in resumed] == [first, first + 1]
    for one, other in zip(whole, resumed, strict=True):
        assert (one.step, one.texts) == (other.step, other.texts)
        assert torch.equal(one.targets, other.targets)


def test_another_seed_gives_other_batches() -> None:
    assert [b.texts for b in taken(3)] != [b.texts for b in taken(3, seed=4)]


def test_the_templates_hold_a_name_each_and_the_bare_one_is_among_them() -> None:
    assert len(check_templates(TEMPLATES)) >= 14
    assert TEMPLATES.count("{}") > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 14}, "got 13 texts, 13 targets and batches of 14"),
        ({"batch_size": 1}, "batch_size must be a whole number of at least 2"),
        ({"first_step": -1}, "first_step must be"),
        ({"seed": -1}, "seed must be"),
        ({"templates": ["a photo"]}, "each needs exactly one {}"),
    ],
)
def test_what_makes_no_batches_is_refused_before_the_first(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        text_batches(CORPUS, TARGETS, **({"batch_size": 5, "seed": 3} | options))
    with pytest.raises(InputError, match="got 13 texts, 12 targets"):
        text_batches(CORPUS, TARGETS[:12], batch_size=2, seed=0)
    with pytest.raises(ShapeError, match="targets needs two axes"):
        text_batches(CORPUS, TARGETS[0], batch_size=2, seed=0)


class Angles(TextTower):
    """Reads a number as an angle; the one weight turns all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.text_input = 2, TextInput(length=1)
        self.turn = torch.nn.Parameter(torch.tensor(0.25, dtype=torch.float64))

    def tokenise(self, texts: tuple[str, ...]) -> Tensor:
        return torch.tensor([[int(text)] for text in texts])

    def forward(self, ids: Tensor) -> Tensor:
        angles = ids[:, 0].double() * 0.1 + self.turn
        return torch.stack([angles.cos(), angles.sin()], dim=1)

    def settings(self) -> dict[str, object]:
        return {}

    def vocabulary_file(self) -> tuple[str, bytes]:
        return "", b""


def loss_in_loops(turn: float, angles: list[int], targets: Tensor, contrast: float) -> float:
    rows = [(math.cos(a * 0.1 + turn), math.sin(a * 0.1 + turn)) for a in angles]
    n = len(rows)
    cosines = [
        [sum(map(math.prod, zip(r, t, strict=True))) for t in targets.tolist()] for r in rows
    ]
    away = sum(1 - cosines[i][i] for i in range(n)) / n
    nce = 0.0
    for i in range(n):
        forth = math.log(sum(math.exp(20 * cosines[i][j]) for j in range(n)))
        back = math.log(sum(math.exp(20 * cosines[j][i]) for j in range(n)))
        nce += (forth + back - 2 * 20 * cosines[i][i]) / n
    return away + contrast * nce


@pytest.mark.parametrize("contrast", [0.0, 0.1, 2.0])
def test_the_loss_and_its_gradient_equal_the_formula_in_loops(contrast: float) -> None:
    targets = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.1], [0.5, 0.5], [0.0, 2.0]], dtype=torch.float64), dim=1
    ).requires_grad_()
    tower, angles = Angles(), [1, 5, 14]
    loss = text_loss(tower, [str(angle) for angle in angles], targets, contrast=contrast)
    assert loss.item() == pytest.approx(loss_in_loops(0.25, angles, targets, contrast), abs=1e-6)
    loss.backward()
    step = 1e-5
    ends = [loss_in_loops(0.25 + s, angles, targets, contrast) for s in (-step, step)]
    assert tower.turn.grad.item() == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=1e-5)
    assert targets.grad is None


def test_rows_that_meet_their_targets_lose_nothing_but_the_contrast() -> None:
    tower = Angles()
    targets = tower(tower.tokenise(("1", "5")))
    assert text_loss(tower, ("1", "5"), targets, contrast=0).item() == pytest.approx(0, abs=1e-9)
    assert text_loss(tower, ("5", "1"), targets).item() > text_loss(tower, ("1", "5"), targets)
