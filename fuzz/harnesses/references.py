"""References: the record is read and written again; what it names stays in the folder."""

from __future__ import annotations

import json

from harness import Harness, check_sentence, scratch
from sightglass.errors import InputError
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import RECORD, read_record, read_references, write_record

_LABELS = LabelSet(names=("cat", "dog"))
_ENTRY = {
    "path": "cat/a.png",
    "class_name": "cat",
    "origin": "imagined",
    "sha256": "0" * 64,
    "generator": "model",
    "prompt": "a cat",
    "seed": 1,
    "partner": "dog",
    "features": ["fur"],
    "source": "/photos/a.png",
    "licence": "CC0",
    "filter_score": 0.5,
    "created": "2026-01-02T03:04:05",
}
_RECORD = {
    "format": "sightglass-references-1",
    "rule": "the first",
    "pictures": [_ENTRY, {**_ENTRY, "path": "dog/b.png", "class_name": "dog", "origin": "brought"}],
    "classes_without": {"dog": "none was found"},
}
_WORDS = (*_RECORD, *_ENTRY, "harvested", "../cat/a.png", "/cat/a.png", "cat\\a.png", "cat//a.png")


def one_input(data: bytes) -> None:
    """As ``references.json`` beside one picture of each of two classes."""
    folder = scratch() / "references"
    for name in ("cat/a.png", "dog/b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / RECORD).write_bytes(data)
    try:
        record = read_record(folder)
    except InputError as error:
        check_sentence(error)
        return
    try:
        found = read_references(folder, _LABELS)
    except InputError as error:
        check_sentence(error)
    else:
        names = sorted(picture.name for picture in found.pictures)
        assert names == [str(folder / "cat/a.png"), str(folder / "dog/b.png")]
        assert found.labels.tolist() == [0, 1]
    write_record(folder, record)
    assert read_record(folder) == record, "written and read again, it is another record"


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(_RECORD).encode(), b"{}"],
    words=_WORDS,
    tree=True,
)
