from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from sightglass.errors import InputError, ModelError, ShapeError, UnknownNameError
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.prompts import class_embeddings, class_texts
from sightglass.inputs.templates import TEMPLATE_SETS, template_set

PETS = LabelSet.of([["cat", "house_cat"], "dog"])


def hashed_rows(texts: Sequence[str]) -> np.ndarray:
    """A unit row per text that depends on the text alone."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=16) for text in texts]
    return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def fixed_rows(rows: dict[str, list[float]]) -> Callable[[Sequence[str]], np.ndarray]:
    return lambda texts: np.array([rows[text] for text in texts], dtype=np.float32)


def test_every_name_goes_into_every_template() -> None:
    assert class_texts(PETS, ["a {}", "the {} here"]) == [
        ["a cat", "the cat here", "a house cat", "the house cat here"],
        ["a dog", "the dog here"],
    ]


def test_braces_in_a_name_stay_as_they_are() -> None:
    labels = LabelSet.of(["{}", "{0.real}"])
    assert class_texts(labels, ["a {}"]) == [["a {}"], ["a {0.real}"]]


def test_a_repeated_template_is_listed_once() -> None:
    assert class_texts(PETS, ["a {}", "a {}"])[1] == ["a dog"]


def test_the_single_set_is_the_plain_sentence() -> None:
    assert template_set("single") == ("a photo of a {}",)


@pytest.mark.parametrize("name", sorted(TEMPLATE_SETS))
def test_every_set_has_different_sentences_with_one_place_each(name: str) -> None:
    templates = template_set(name)
    assert len(set(templates)) == len(templates)
    assert [template.count("{}") for template in templates] == [1] * len(templates)
    assert name == "single" or 6 <= len(templates) <= 16


def test_an_unknown_set_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match=r"template set 'animals'\. Did you mean 'animal'\?"):
        template_set("animals")


def test_templates_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# two\na {} of mine\n\n{} again\na {} of mine\n", encoding="utf-8")
    assert template_set(str(path)) == ("a {} of mine", "{} again")


def test_a_template_stands_for_itself() -> None:
    assert template_set("a stamp with a {}") == ("a stamp with a {}",)


@pytest.mark.parametrize("wrong", ["a photo", "a {} and a {}", "a { }"])
def test_a_template_file_with_a_wrong_line_names_it(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(f"a {{}}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"exactly one \{\}.* got '.*' \(template 2\)"):
        template_set(str(path))


def test_an_absent_template_file_is_reported() -> None:
    with pytest.raises(InputError, match=r"Templates: the file 'nowhere\.txt' does not exist"):
        template_set("nowhere.txt")


def test_no_templates_are_refused() -> None:
    with pytest.raises(InputError, match=r"at least one is needed.* Use 'a photo of a \{\}'\.$"):
        class_texts(PETS, [])


def test_a_text_instead_of_a_list_of_templates_is_refused() -> None:
    with pytest.raises(InputError, match="a list of templates is needed"):
        class_texts(PETS, "a photo of a {}")


def test_a_class_row_is_the_normalised_mean_of_its_texts() -> None:
    # cat: mean of (1, 0) and (0, 1) is (1/2, 1/2), of length 1/sqrt(2): (1/sqrt(2), 1/sqrt(2)).
    encode = fixed_rows({"a cat": [1, 0], "a house cat": [0, 1], "a dog": [0.6, -0.8]})
    rows = class_embeddings(PETS, ["a {}"], encode)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0.5**0.5, 0.5**0.5], [0.6, -0.8]], atol=1e-7)


def test_class_rows_agree_with_the_formula_written_as_loops() -> None:
    templates = template_set("ensemble")
    rows = class_embeddings(PETS, templates, hashed_rows)
    for row, texts in zip(rows, class_texts(PETS, templates), strict=True):
        np.testing.assert_allclose(row, oracle.unit_mean(hashed_rows(texts).tolist()), atol=1e-6)


@given(st.permutations(template_set("food")), st.integers(0, 8))
def test_order_and_repetition_of_templates_change_no_row(
    templates: list[str], repeated: int
) -> None:
    rows = class_embeddings(PETS, template_set("food"), hashed_rows)
    again = class_embeddings(PETS, [*templates, templates[repeated]], hashed_rows)
    np.testing.assert_array_equal(again, rows)


def test_the_order_of_synonyms_changes_no_row() -> None:
    turned = LabelSet.of([["house cat", "cat"], "dog"])
    rows = class_embeddings(turned, ["a {}", "the {}"], hashed_rows)
    expected = class_embeddings(PETS, ["a {}", "the {}"], hashed_rows)
    np.testing.assert_array_equal(rows, expected)


def test_the_order_of_classes_only_moves_rows() -> None:
    turned = LabelSet.of(["dog", ["cat", "house cat"]])
    rows = class_embeddings(turned, template_set("photo"), hashed_rows)
    expected = class_embeddings(PETS, template_set("photo"), hashed_rows)
    np.testing.assert_array_equal(rows, expected[::-1])


def test_each_text_is_encoded_once_and_in_one_call() -> None:
    seen: list[list[str]] = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        seen.append(list(texts))
        return hashed_rows(texts)

    class_embeddings(PETS, ["a {}", "a {}"], encode)
    assert seen == [["a cat", "a dog", "a house cat"]]


def test_texts_that_cancel_each_other_are_refused() -> None:
    encode = fixed_rows({"a cat": [1, 0], "a house cat": [-1, 0], "a dog": [0, 1]})
    with pytest.raises(InputError, match="the texts of 'cat' need a common direction"):
        class_embeddings(PETS, ["a {}"], encode)


@pytest.mark.parametrize("shape", [(2, 4), (3,), (3, 4, 1)])
def test_an_encoder_that_returns_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"one row per text, got shape .* for 3 texts"):
        class_embeddings(PETS, ["a {}"], lambda _: np.ones(shape))


def test_an_encoder_that_returns_nan_is_refused_with_the_text() -> None:
    encode = fixed_rows({"a cat": [1, 0], "a house cat": [float("nan"), 0], "a dog": [0, 1]})
    with pytest.raises(ModelError, match="got others for 'a house cat'"):
        class_embeddings(PETS, ["a {}"], encode)


def test_sentences_about_a_class_join_its_templates_texts() -> None:
    extra = [["a cat asleep ", "the cat"], []]
    assert class_texts(PETS, ["the {}"], extra=extra) == [
        ["the cat", "the house cat", "a cat asleep"],
        ["the dog"],
    ]


def test_a_sentence_weighs_as_much_as_one_templates_text() -> None:
    # cat: mean of (1, 0), (1, 0) and (0, 1) is (2/3, 1/3), of length sqrt(5)/3.
    encode = fixed_rows(
        {"a cat": [1, 0], "a house cat": [1, 0], "it purrs": [0, 1], "a dog": [0.6, -0.8]}
    )
    rows = class_embeddings(PETS, ["a {}"], encode, extra=[["it purrs"], []])
    np.testing.assert_allclose(rows, [[2 / 5**0.5, 1 / 5**0.5], [0.6, -0.8]], atol=1e-7)


def test_sentences_that_say_nothing_new_change_no_row() -> None:
    plain = class_embeddings(PETS, ["a {}"], hashed_rows)
    for extra in ([], [[], []], [["a cat"], [" a dog"]]):
        np.testing.assert_array_equal(
            class_embeddings(PETS, ["a {}"], hashed_rows, extra=extra), plain
        )


def test_braces_in_a_sentence_stay_as_they_are() -> None:
    assert class_texts(PETS, ["a {}"], extra=[[], ["a {} dog"]])[1] == ["a dog", "a {} dog"]


def test_sentences_for_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"one entry per class, got 1 for 2 classes"):
        class_texts(PETS, ["a {}"], extra=[["a cat asleep"]])


def test_an_empty_sentence_is_refused_with_its_class() -> None:
    with pytest.raises(InputError, match="every sentence about 'dog' needs words"):
        class_texts(PETS, ["a {}"], extra=[[], [" "]])
