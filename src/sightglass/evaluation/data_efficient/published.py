"""What the papers' authors publish of their own results: facts with their sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_FILE = "published.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of theirs.

    Attributes:
        method: What the student was trained with.
        setting: Data and towers.
        values: Percent by data set and k.
        source: Tag of ``published_sources``.
    """

    method: str
    setting: str
    values: Mapping[tuple[str, int], float]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A gain that is published without the numbers that it was made of.

    Attributes:
        dataset: One word.
        over: Over whom.
        percent: Relative, so that 100 is twice as good.
        source: Tag of ``published_sources``.
    """

    dataset: str
    over: str
    percent: float
    source: str


def published_rows() -> tuple[Published, ...]:
    """All rows that are known.

    Source:
        github.com/facebookresearch/OTTER, its README (tag Or). These are the follow-up's runs of
        the methods; absolute values of Cheng et al. 2021 itself are not available.
    """
    content = _content()
    return tuple(
        Published(
            method=entry["method"],
            setting=content["setting"],
            values={
                (dataset, int(k)): value
                for dataset, of_dataset in entry["values"].items()
                for k, value in of_dataset.items()
            },
            source=content["source"],
        )
        for entry in content["rows"]
    )


def published_gains() -> tuple[Relative, ...]:
    """The relative gains that the paper states.

    Source:
        Cheng et al. 2021, arXiv:2104.08945, abstract (tag S3).
    """
    return tuple(Relative(**entry) for entry in _content()["relative"])


def published_sources() -> Mapping[str, str]:
    """What the tags stand for."""
    sources: Mapping[str, str] = _content()["sources"]
    return sources


@cache
def _content() -> dict[str, Any]:
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
