"""What the paper's authors publish of their own results: facts with their sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sightglass.evaluation.kdpl.methods import Method

_FILE = "published.json"
NOT_AVAILABLE = "not available to us"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of theirs, mean over three seeds.

    Attributes:
        table: The protocol.
        backbone: Of the student; of the teacher in the teacher's row.
        method: Host and loss.
        values: Percent by data set, and ``average`` as printed. Of base-to-novel the mean novel
            accuracy is all that is known.
        source: Where it stands.
    """

    table: str
    backbone: str
    method: Method
    values: Mapping[str, float]
    source: str


@cache
def published_rows() -> tuple[Published, ...]:
    """All that are known.

    Source:
        Mistretta et al. 2024, arXiv:2407.03056: slides and poster in github.com/miccunifi/KDPL.
        Base accuracies, harmonic means, novel accuracies by data set, and the cross-dataset rows
        of hosts other than CoOp are not available.
    """
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    return tuple(
        Published(
            table=entry["table"],
            backbone=entry["backbone"],
            method=Method(entry["host"], entry["loss"]),
            values=entry["values"],
            source=entry["source"],
        )
        for entry in json.loads(text)
    )


def published_of(table: str, method: Method) -> tuple[Published, ...]:
    """Their rows for the same protocol and method, one for each backbone."""
    return tuple(one for one in published_rows() if (one.table, one.method) == (table, method))


def published_sources(table: str) -> str:
    """Where the numbers of a table stand."""
    return "; ".join(dict.fromkeys(one.source for one in published_rows() if one.table == table))
