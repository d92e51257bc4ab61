"""FiftyOne: ``labels.json`` of a FiftyOneImageClassificationDataset, pictures where they are.

The format is that of FiftyOne's own exporter with ``abs_paths=True, include_confidence=True,
include_attributes=True``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sightglass.inputs.remote import is_url
from sightglass.reports.exports.chosen_rows import (
    NOT_TEXT,
    ChosenRows,
    confidence_of,
    is_plain_text,
)
from sightglass.reports.exports.streamed_json import write_mapping
from sightglass.reports.first_seen import FirstSeen
from sightglass.reports.prediction import Row
from sightglass.whole_files import replacing

LABELS = "labels.json"


def write_fiftyone(
    folder: Path, chosen: ChosenRows, numbered: Iterable[tuple[int, Row]]
) -> dict[str, Any]:
    """Write ``labels.json``.

    Args:
        folder: From ``export_folder``.
        chosen: Is told of what FiftyOne cannot open.
        numbered: Its rows.

    Returns:
        Nothing that has to be recorded.

    Raises:
        ResultsError: If it cannot be written.
    """
    with replacing(folder / LABELS) as stream:
        stream.write(f'{{"classes": {json.dumps(chosen.classes)},\n"labels": ')
        write_mapping(stream, _labels(chosen, numbered))
        stream.write("}\n")
    return {}


def _labels(
    chosen: ChosenRows, numbered: Iterable[tuple[int, Row]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    first_seen = FirstSeen()
    for number, row in numbered:
        place = chosen.run.place_of(row)
        if is_url(place):
            chosen.leave_out("URL, which FiftyOne does not open")
            continue
        if not is_plain_text(place):
            chosen.leave_out(NOT_TEXT)
            continue
        # Labels are by path: of two alike a reader keeps one.
        if (
            first_seen.setdefault(hashlib.sha256(place.encode()).digest(), f"{number}")
            != f"{number}"
        ):
            chosen.leave_out("listed twice")
            continue
        numbers = {name: row[name] for name in ("unknown_score", "margin")}
        label: dict[str, Any] = {
            "label": row["label"],
            "attributes": {name: value for name, value in numbers.items() if value is not None},
        }
        confidence = confidence_of(row)
        if confidence is not None:
            label["confidence"] = confidence
        yield place, label
