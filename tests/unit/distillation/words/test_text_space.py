from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightglass.distillation.words import text_space
from sightglass.distillation.words.text_space import TextSpace
from sightglass.distillation.words.text_teachers import EncoderTeacher, TableTeacher
from sightglass.errors import InputError

NAMES = [f"thing {number}" for number in range(30)]
STRANGERS = [f"stranger {number}" for number in range(7)]


def numbers(text: str, width: int, salt: int) -> np.ndarray:
    """A row that depends on the text alone."""
    return np.random.default_rng([salt, *text.encode()]).normal(size=width)


def encoder(width: int, salt: int) -> EncoderTeacher:
    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.stack([numbers(text, width, salt) + 0.5 for text in texts])

    return EncoderTeacher(name=f"encoder {salt}", encode=encode)


def table(width: int, salt: int, names: Sequence[str] = NAMES) -> TableTeacher:
    rows = np.stack([numbers(name, width, salt) - 0.3 for name in names])
    return TableTeacher.of(names, rows, name=f"table {salt}")


def unit(row: np.ndarray) -> np.ndarray:
    return row / np.sqrt(sum(x * x for x in row))


def centred(teacher: TableTeacher | EncoderTeacher, texts: Sequence[str]) -> list[np.ndarray]:
    """Unit rows of ``texts`` after the mean over all of NAMES is taken off, text by text."""
    mean = sum(unit(row) for row in teacher.rows(NAMES)) / len(NAMES)
    return [unit(teacher.rows([text])[0] - mean) for text in texts]


@settings(max_examples=15)
@given(first=st.floats(0.05, 5), second=st.floats(0.05, 5), third=st.floats(0.05, 5))
def test_the_cosine_is_the_weighted_mean_of_the_teachers_cosines(
    first: float, second: float, third: float
) -> None:
    teachers, weights = [table(6, 1), encoder(5, 2), encoder(4, 3)], [first, second, third]
    space = TextSpace.fit(teachers, dim=15, weights=weights)
    rows = space.rows(NAMES).astype(np.float64)
    said = [centred(teacher, NAMES) for teacher in teachers]
    for i, j in [(0, 0), (0, 1), (3, 17), (29, 12)]:
        cosines = [one[i] @ one[j] for one in said]
        wanted = sum(w * c for w, c in zip(weights, cosines, strict=True)) / sum(weights)
        assert rows[i] @ rows[j] == pytest.approx(wanted, abs=1e-6)


def test_weights_matter_and_left_out_are_equal() -> None:
    teachers = [encoder(5, 2), encoder(4, 3)]
    equal, lopsided = (
        TextSpace.fit(teachers, dim=9, weights=weights, anchors=NAMES).rows(NAMES)
        for weights in (None, [1.0, 9.0])
    )
    same = TextSpace.fit(teachers, dim=9, weights=[2.0, 2.0], anchors=NAMES).rows(NAMES)
    assert same @ same.T == pytest.approx(equal @ equal.T, abs=1e-6)
    assert np.abs(lopsided @ lopsided.T - equal @ equal.T).max() > 0.1


def test_a_text_that_a_table_does_not_know_is_predicted_from_the_encoder_in_closed_form() -> None:
    known, knower = table(6, 1), encoder(5, 2)
    space = TextSpace.fit([known, knower], dim=11, weights=[1.0, 0.7], gamma=0.8, ridge=0.2)

    said = centred(known, NAMES)
    inputs = [unit(row) for row in knower.rows(NAMES)]

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-0.8 * sum((x - y) ** 2 for x, y in zip(a, b, strict=True))))

    gram = np.array([[kernel(a, b) for b in inputs] for a in inputs]) + 0.2 * np.eye(len(NAMES))
    coefficients = np.linalg.inv(gram) @ np.array(said)
    joint = []
    for text in STRANGERS:
        row = unit(knower.rows([text])[0])
        guess = sum(kernel(row, a) * c for a, c in zip(inputs, coefficients, strict=True))
        joint.append(unit(np.concatenate([guess, np.sqrt(0.7) * centred(knower, [text])[0]])))
    anchors = [
        unit(np.concatenate([z, np.sqrt(0.7) * y]))
        for z, y in zip(said, centred(knower, NAMES), strict=True)
    ]
    rows = space.rows(STRANGERS).astype(np.float64)
    assert rows @ rows.T == pytest.approx(np.array(joint) @ np.array(joint).T, abs=1e-6)
    across = rows @ space.rows(NAMES).astype(np.float64).T
    assert across == pytest.approx(np.array(joint) @ np.array(anchors).T, abs=1e-6)


def test_a_name_left_out_of_the_anchors_is_never_looked_up() -> None:
    known = table(6, 1)
    lying = TableTeacher.of(
        [*NAMES[:-1], NAMES[-1]],
        np.stack([*known.rows(NAMES[:-1]), -known.rows(NAMES[-1:])[0]]),
        name="lies about the last",
    )
    honest, other = (
        TextSpace.fit([teacher, encoder(5, 2)], dim=8, anchors=NAMES[:-1]).rows(NAMES)
        for teacher in (known, lying)
    )
    assert np.array_equal(honest, other)
    seen = TextSpace.fit([lying, encoder(5, 2)], dim=8).rows(NAMES)
    assert not np.allclose(seen, honest)


def test_two_tables_may_know_different_names() -> None:
    teachers = [table(6, 1, NAMES[:20]), table(4, 2, NAMES[10:]), encoder(5, 3)]
    space = TextSpace.fit(teachers, dim=7)
    rows = space.rows(NAMES + STRANGERS)
    assert rows.shape == (37, 7)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


def test_principal_directions_keep_all_cosines_at_full_width_and_less_below() -> None:
    teachers = [table(6, 1), encoder(5, 2)]
    spaces = {dim: TextSpace.fit(teachers, dim=dim) for dim in (3, 7, 11)}
    full = spaces[11].rows(NAMES)
    errors = {}
    for dim, space in spaces.items():
        assert space.dim == dim
        rows = space.rows(NAMES)
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
        errors[dim] = np.abs(rows @ rows.T - full @ full.T).mean()
    assert spaces[11].kept == pytest.approx(1)
    assert spaces[3].kept < spaces[7].kept < 1
    assert errors[3] > errors[7] > 0.01


def test_the_directions_kept_are_the_strongest_as_a_singular_value_decomposition_finds_them() -> (
    None
):
    teachers = [encoder(6, 1), encoder(5, 2)]
    space = TextSpace.fit(teachers, dim=4, anchors=NAMES)
    joint = np.concatenate([np.array(centred(teacher, NAMES)) for teacher in teachers], axis=1)
    _, values, vectors = np.linalg.svd(joint, full_matrices=False)
    assert space.kept == pytest.approx((values[:4] ** 2).sum() / (values**2).sum())
    projected = joint @ vectors[:4].T
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    assert np.abs((space.rows(NAMES) * projected).sum(axis=0)) == pytest.approx(
        (projected**2).sum(axis=0), abs=1e-5
    )


def test_a_texts_row_does_not_depend_on_its_neighbours_nor_on_the_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = TextSpace.fit([table(6, 1), encoder(5, 2)], dim=8)
    texts = [*NAMES, *STRANGERS, NAMES[0], *STRANGERS]
    whole = space.rows(texts)
    monkeypatch.setattr(text_space, "_CHUNK", 5)
    assert space.rows(texts) == pytest.approx(whole, abs=1e-6)
    assert space.rows([STRANGERS[3]])[0] == pytest.approx(whole[33], abs=1e-6)
    assert space.rows([]).shape == (0, 8)


@pytest.mark.parametrize(
    ("teachers", "options", "message"),
    [
        ([], {"dim": 2}, "at least one teacher and one weight for each are needed, got 0"),
        ([encoder(5, 2)], {"dim": 2, "weights": [1, 2]}, "got 1 teachers and 2 weights"),
        ([encoder(5, 2)], {"dim": 2, "weights": [0.0]}, "every weight must be a finite number"),
        ([encoder(5, 2)], {"dim": 2}, "at least two different anchors are needed, got 0"),
        ([encoder(5, 2)], {"dim": 2, "anchors": ["a", "A"]}, "anchors are needed, got 1"),
        ([encoder(5, 2)], {"dim": 6, "anchors": NAMES}, "dim must be at most 5"),
        ([table(6, 1)], {"dim": 2, "anchors": ["a", "b"]}, "'table 1' knows 0 of 2"),
        ([table(6, 1)], {"dim": 0}, "dim must be a whole number of at least 1"),
        ([table(6, 1), encoder(5, 2)], {"dim": 2, "ridge": 0.0}, "ridge must be"),
    ],
)
def test_what_makes_no_space_is_refused_in_a_sentence(
    teachers: list[TableTeacher | EncoderTeacher], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        TextSpace.fit(teachers, **options)


def test_a_table_alone_knows_its_names_and_says_so_of_others() -> None:
    space = TextSpace.fit([table(6, 1)], dim=6)
    said = np.array(centred(table(6, 1), NAMES))
    rows = space.rows(NAMES)
    assert rows @ rows.T == pytest.approx(said @ said.T, abs=1e-6)
    with pytest.raises(InputError, match="'stranger 0' is none of the anchors of 'table 1'"):
        space.rows([NAMES[0], STRANGERS[0]])
