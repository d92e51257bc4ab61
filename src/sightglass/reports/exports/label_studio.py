"""Label Studio: tasks with predictions to import, and the labelling interface they belong to.

The format is that of Label Studio's "import pre-annotated data"; its SDK's ``LabelInterface``
checks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from sightglass.errors import InputError
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

TASKS, INTERFACE = "tasks.json", "labeling_config.xml"
LOCAL_FILES = "/data/local-files/?d="

_CONTROL, _OBJECT = "label", "image"
_NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def write_label_studio(
    folder: Path,
    chosen: ChosenRows,
    numbered: Iterable[tuple[int, Row]],
    *,
    root: Path | None,
    prefix: str | None,
) -> dict[str, Any]:
    """Write ``tasks.json`` and ``labeling_config.xml``.

    Args:
        folder: From ``export_folder``.
        chosen: Is told of names that Label Studio cannot hold.
        numbered: Its rows.
        root: The folder that Label Studio serves, its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, or
            that ``prefix`` stands for.
        prefix: What is put in front of a path below ``root``; None for Label Studio's local files.

    Returns:
        Nothing that has to be recorded.

    Raises:
        InputError: If a file lies outside of ``root``, or a class's name has no place in XML.
        ResultsError: If something cannot be written.
    """
    with replacing(folder / INTERFACE) as stream:
        stream.write(_interface(chosen.classes))
    with replacing(folder / TASKS) as stream:
        write_list(stream, _tasks(chosen, numbered, root=root, prefix=prefix))
    return {}


def _tasks(
    chosen: ChosenRows,
    numbered: Iterable[tuple[int, Row]],
    *,
    root: Path | None,
    prefix: str | None,
) -> Iterator[dict[str, Any]]:
    model_version = f"{chosen.run.model} {chosen.run.fingerprint[:8]}"
    for _, row in numbered:
        if not is_plain_text(row["path"]):
            chosen.leave_out(NOT_TEXT)
            continue
        prediction: dict[str, Any] = {
            "model_version": model_version,
            "result": [
                {
                    "from_name": _CONTROL,
                    "to_name": _OBJECT,
                    "type": "choices",
                    "value": {"choices": [row["label"]]},
                }
            ],
        }
        score = confidence_of(row)
        if score is not None:
            prediction["score"] = score
        yield {
            "data": {
                _OBJECT: _address(chosen.run.place_of(row), root=root, prefix=prefix),
                "path": row["path"],
                "unknown_score": row["unknown_score"],
            },
            "predictions": [prediction],
        }


def _address(place: str, *, root: Path | None, prefix: str | None) -> str:
    """What Label Studio shows the picture by; it opens URLs of web servers and of its storages."""
    if is_url(place):
        return place
    if root is None:
        raise InputError(
            f"{place}: Label Studio shows files only below one folder, and --root says which. Give "
            f"--root FOLDER, the folder of its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT; with "
            f"--prefix URL, the folder that this URL serves."
        )
    within = quote(below(place, root), safe="/")
    return LOCAL_FILES + within if prefix is None else f"{prefix.rstrip('/')}/{within}"


def _interface(classes: Iterable[str]) -> str:
    choices = []
    for name in classes:
        if _NOT_IN_XML.search(name):
            raise InputError(
                f"Class name {name!r}: Label Studio's interface is XML, which cannot hold this "
                f"name. Classify again with another spelling."
            )
        choices.append(f"    <Choice value={quoteattr(name)}/>\n")
    return (
        "<View>\n"
        f'  <Image name="{_OBJECT}" value="${_OBJECT}" zoom="true"/>\n'
        f'  <Choices name="{_CONTROL}" toName="{_OBJECT}" choice="single" showInLine="true">\n'
        f"{''.join(choices)}"
        "  </Choices>\n"
        "</View>\n"
    )
