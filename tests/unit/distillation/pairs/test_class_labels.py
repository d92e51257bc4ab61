from __future__ import annotations

import pytest

from sightglass.distillation.pairs.class_labels import class_labels
from sightglass.errors import InputError


@pytest.mark.parametrize(
    ("values", "names", "labels", "classes"),
    [
        (["2", " 0", None, "", "-1"], (), [2, 0, -1, -1, -1], ()),
        (["1", "0"], ("cat", "dog"), [1, 0], ("cat", "dog")),
        (["dog", None, "cat", "dog"], (), [1, -1, 0, 1], ("cat", "dog")),
        (["dog", "dog"], ("dog", "cat"), [0, 0], ("dog", "cat")),
        (["7", "seven"], (), [0, 1], ("7", "seven")),
        ([None], (), [-1], ()),
    ],
)
def test_labels_are_numbers_or_names(
    values: list[str | None], names: tuple[str, ...], labels: list[int], classes: tuple[str, ...]
) -> None:
    found, meaning = class_labels(values, names, where="t.csv")
    assert found.tolist() == labels
    assert meaning == classes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["0", "2"], "t.csv: a label must be 0 to 1, or -1 for none, got 2 in row 2."),
        (["dog", "hound"], "t.csv: every label must be one of the 2 class names, got 'hound'."),
    ],
)
def test_labels_that_the_names_do_not_know_are_refused(values: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        class_labels(values, ("cat", "dog"), where="t.csv")
    assert str(caught.value).startswith(message)
