"""Labels as a column of a table gives them: class numbers, or names of classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Int64

_NUMBER = re.compile(r"-1|\d{1,9}")


def class_labels(
    values: Sequence[str | None], names: Sequence[str], *, where: str
) -> tuple[Int64[np.ndarray, " n"], tuple[str, ...]]:
    """The labels as numbers, -1 for none, and what the numbers mean.

    Args:
        values: Numbers or names, as text; None or blank for a row without a label. All numbers
            are class numbers (-1: none); anything else is a name.
        names: What class numbers mean, or the names that may occur; empty where nobody said.
            Names then are numbered in the order of their code points.
        where: How a message begins.

    Raises:
        InputError: If a number is beyond the names, or a name is none of them.
    """
    given = [None if value is None else value.strip() or None for value in values]
    if all(value is None or _NUMBER.fullmatch(value) for value in given):
        labels = np.array([-1 if value is None else int(value) for value in given], np.int64)
        return labels, check_range(labels, names, where=where)
    classes = tuple(names) or tuple(sorted({value for value in given if value is not None}))
    number_of = {name: number for number, name in enumerate(classes)}
    unknown = next((one for one in given if one is not None and one not in number_of), None)
    if unknown is not None:
        raise InputError(
            f"{where}: every label must be one of the {len(classes):,} class names, got "
            f"'{unknown}'. Correct the label or the names."
        )
    return np.array([-1 if one is None else number_of[one] for one in given], np.int64), classes


def check_range(
    labels: Int64[np.ndarray, " n"], names: Sequence[str], *, where: str
) -> tuple[str, ...]:
    """The names, if every label is one of them or -1; no names allow every label from -1.

    Raises:
        InputError: If a label is out of range.
    """
    wrong = labels < -1
    if names:
        wrong |= labels >= len(names)
    if wrong.any():
        row = int(wrong.argmax())
        allowed = f"0 to {len(names) - 1}" if names else "0 or more"
        raise InputError(
            f"{where}: a label must be {allowed}, or -1 for none, got {labels[row]} in row "
            f"{row + 1:,}. Correct the label or the class names."
        )
    return tuple(names)
