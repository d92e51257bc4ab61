"""The five open-set splits on which the literature compares, as lists of class indices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sightglass.errors import unknown_name

_FILE = "splits_arpl.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSetSplit:
    """Which classes the classifier gets the names of, and which it must not take for these.

    Attributes:
        known: Class indices, in the source's order.
        unknown: Class indices of ``unknown_dataset``; where that is None, of the same data set.
        unknown_dataset: Where the unknown pictures come from, if not from the known ones' set.
    """

    known: tuple[int, ...]
    unknown: tuple[int, ...]
    unknown_dataset: str | None = None


def open_set_splits(dataset: str) -> tuple[OpenSetSplit, ...]:
    """The five splits of ``dataset``, always all of them: one alone is a choice.

    The indices count classes as the data sets do: digits; CIFAR's classes and fine classes in
    alphabetical order; TinyImageNet's 200 WordNet ids in ascending order. Of CIFAR-10, splits 0
    and 1 are the same set of classes in another order, so its spread is over four sets.

    Args:
        dataset: ``mnist``, ``svhn``, ``cifar10``, ``tinyimagenet``: some classes are known, all
            others of the set unknown. ``cifar+10``, ``cifar+50``: four known classes of CIFAR-10
            and 10 or 50 unknown ones of CIFAR-100.

    Raises:
        UnknownNameError: If there are no splits of this name.

    Source:
        Chen et al. 2021 (ARPL), arXiv:2103.00953: lists of the authors' code, MIT licence.
    """
    every = _splits()
    if dataset not in every:
        raise unknown_name("data set with open-set splits", dataset, every)
    entry = every[dataset]
    if "unknown" in entry:
        return tuple(
            OpenSetSplit(
                known=tuple(known),
                unknown=tuple(unknown),
                unknown_dataset=entry["unknown_dataset"],
            )
            for known, unknown in zip(entry["known"], entry["unknown"], strict=True)
        )
    classes = range(entry["n_classes"])
    return tuple(
        OpenSetSplit(known=tuple(known), unknown=tuple(sorted(set(classes) - set(known))))
        for known in entry["known"]
    )


@cache
def _splits() -> dict[str, Any]:
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    splits: dict[str, Any] = json.loads(text)["splits"]
    return splits
