"""COCO-style JSON with one annotation per picture, and the ranked classes as a list of results.

COCO has no classification task: an annotation here says which category the whole picture has, and
how sure that is, and has neither box nor segmentation. ``pycocotools.coco.COCO`` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sightglass.inputs.remote import is_url
from sightglass.reports.exports.addresses import below
from sightglass.reports.exports.chosen_rows import (
    NOT_TEXT,
    ChosenRows,
    confidence_of,
    is_plain_text,
)
from sightglass.reports.exports.streamed_json import write_list
from sightglass.reports.prediction import Row
from sightglass.whole_files import replacing

ANNOTATIONS, RESULTS = "annotations.json", "results.json"


def write_coco(
    folder: Path,
    chosen: ChosenRows,
    numbered: Callable[[], Iterable[tuple[int, Row]]],
    *,
    root: Path | None,
) -> dict[str, Any]:
    """Write ``annotations.json`` and ``results.json``.

    An image's id, and its annotation's, is its line in predictions.jsonl, whatever is left out;
    a category's is its place among the run's classes, from 1 on.

    Args:
        folder: From ``export_folder``.
        chosen: Is told of names that are not text.
        numbered: Gives its rows, each time it is called.
        root: What ``file_name`` is relative to; None leaves paths as they stand in the results.

    Returns:
        Nothing that has to be recorded.

    Raises:
        InputError: If a file lies outside of ``root``.
        ResultsError: If something cannot be written.
    """
    run = chosen.run
    ids = {name: number for number, name in enumerate(chosen.classes, start=1)}

    def named() -> Iterator[tuple[int, Row]]:
        for number, row in numbered():
            if is_plain_text(row["path"]):
                yield number, row
            else:
                chosen.leave_out(NOT_TEXT)

    info = {
        "description": f"Classified by name alone: {run.model} {run.fingerprint[:8]}",
        "version": run.version,
        "date_created": run.created,
    }
    categories = [{"id": number, "name": name, "supercategory": ""} for name, number in ids.items()]
    with replacing(folder / ANNOTATIONS) as stream:
        stream.write(f'{{"info": {json.dumps(info)},\n"licenses": [],\n"categories": ')
        write_list(stream, categories)
        stream.write(',\n"images": ')
        write_list(stream, (_image(number, row, chosen, root) for number, row in named()))
        stream.write(',\n"annotations": ')
        write_list(stream, (_annotation(number, row, ids) for number, row in named()))
        stream.write("}\n")
    with replacing(folder / RESULTS) as stream:
        every = (one for number, row in named() for one in _ranked(number, row, ids))
        # Without an id of its own, pycocotools' loadRes refuses an entry that has no box.
        write_list(stream, ({"id": place} | one for place, one in enumerate(every, start=1)))
    return {}


def _image(number: int, row: Row, chosen: ChosenRows, root: Path | None) -> dict[str, Any]:
    place = chosen.run.place_of(row)
    name = row["path"] if root is None or is_url(place) else below(place, root)
    image = {"id": number, "file_name": name, "width": row["width"], "height": row["height"]}
    return image | ({"coco_url": place} if is_url(place) else {})


def _annotation(number: int, row: Row, ids: dict[str, int]) -> dict[str, Any]:
    annotation: dict[str, Any] = {
        "id": number,
        "image_id": number,
        "category_id": ids[row["label"]],
        "unknown_score": row["unknown_score"],
    }
    confidence = confidence_of(row)
    return annotation if confidence is None else annotation | {"score": confidence}


def _ranked(number: int, row: Row, ids: dict[str, int]) -> list[dict[str, Any]]:
    """One entry per class of ``top``, "unknown" never among them."""
    return [
        {"image_id": number, "category_id": ids[one["label"]], "score": one["probability"]}
        for one in row["top"]
    ]
