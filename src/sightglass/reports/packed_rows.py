"""A row of predictions.jsonl as the page's script reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sightglass.reports.four_decimals import rounded
from sightglass.reports.survey import Survey
from sightglass.reports.tally import reference_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What stands in packed rows instead of names that come again and again.

    Attributes:
        labels: Number of each label.
        alignments: Number of each alignment.
        references: Number of each reference, by ``reference_key``.
    """

    labels: Mapping[str, int]
    alignments: Mapping[str, int]
    references: Mapping[tuple[str, str, str], int]


def numbers_of(survey: Survey) -> Numbers:
    """The numbers by which the page finds names in ``survey``."""
    keys = ((one.name, survey.names[one.label], one.sha256) for one in survey.references)
    return Numbers(
        labels=_places(survey.names),
        alignments=_places(survey.alignments),
        references={key: place for place, key in enumerate(keys)},
    )


def packed_row(row: Mapping[str, Any], numbers: Numbers, thumbnail: int | None) -> list[Any]:
    """The row as a list, names as numbers, four decimals; two fields more if it has evidence.

    The script holds the same order of fields. Lists instead of objects halve what 10,000 rows
    take, which leaves room for thumbnails.
    """
    packed = [
        row["path"],
        row["outcome"],
        row["detail"],
        None if row["label"] is None else numbers.labels[row["label"]],
        rounded(row["confidence"]),
        rounded(row["margin"]),
        rounded(row["unknown_score"]),
        _ranked(row["top"], numbers),
        row["width"],
        row["height"],
        row["sha256"],
        thumbnail,
    ]
    if row["opinions"] or row["nearest_references"]:
        packed.append([_opinion(opinion, numbers) for opinion in row["opinions"]])
        packed.append([_nearest(reference, numbers) for reference in row["nearest_references"]])
    return packed


def _ranked(top: Iterable[Mapping[str, Any]], numbers: Numbers) -> list[Any]:
    return [[numbers.labels[entry["label"]], rounded(entry["probability"])] for entry in top]


def _opinion(opinion: Mapping[str, Any], numbers: Numbers) -> list[Any]:
    return [
        numbers.alignments[opinion["alignment"]],
        rounded(opinion["weight"]),
        _ranked(opinion["top"], numbers),
    ]


def _nearest(reference: Mapping[str, Any], numbers: Numbers) -> list[Any]:
    return [
        numbers.references[reference_key(reference)],
        numbers.alignments[reference["alignment"]],
        round(reference["similarity"], 4),
    ]


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
