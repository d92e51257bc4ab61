"""Manifests in each of their forms, and the tables of results that are manifests again."""

from __future__ import annotations

import gzip
import json
from typing import Any

from harness import Harness, check_sentence, scratch, written
from sightglass.errors import InputError
from sightglass.inputs.manifests import read_manifest
from sightglass.reports.tables import write_csv, write_jsonl

_FORMS = ("list.txt", "list.csv", "list.tsv", "list.jsonl")
_ROW: dict[str, Any] = {
    "outcome": "ok",
    "detail": "",
    "label": "cat",
    "confidence": 0.5,
    "unknown_score": 0.25,
    "margin": 0.5,
    "top": [{"label": "cat", "probability": 0.5}],
}


def one_input(data: bytes) -> None:
    """As a manifest of each form; then, as a picture's name, through our own tables."""
    for name in _FORMS:
        try:
            listed = list(read_manifest(str(written(name, data))))
        except InputError as error:
            check_sentence(error)
        else:
            assert listed, "nothing is listed, and nobody said so"
            assert all(listed), "a path without a character"
    path = data.decode("utf-8", "surrogateescape")
    if not path or "\0" in path:  # no file has such a name
        return
    for write, name in ((write_csv, "predictions.csv"), (write_jsonl, "predictions.jsonl")):
        if name.endswith(".csv") and "\\ud" in path:
            continue  # there this also stands for what is not UTF-8; only .jsonl tells them apart
        table = scratch() / name
        write(table, [{"path": path, **_ROW}])
        assert list(read_manifest(str(table))) == [path], f"{name} gives back another path"


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [
        b"a.jpg\nb c.jpg\r\n\n\xff.png\n",
        b"a.jpg\0b\nc.jpg\0",
        b'path,label\n"a ""b"".jpg",cat\n,\n',
        b"file\tlabel\na.jpg\tcat\n",
        b'path;"a, b",c\na.jpg;x;y\n',
        b"path\na,b;c.jpg\n",
        json.dumps({"path": "a.jpg", "label": None}).encode() + b'\n{"path": "\\udcff"}\n',
        gzip.compress(b"a.jpg\n", mtime=0),
        b"=1+1.jpg",
    ],
    words=(
        *("path", "url", "file", "filename", "image", "outcome", "path,outcome,label,confidence"),
        *(
            "'",
            '"',
            '""',
            "\\udcff",
            "\\",
            "\r",
            "\x85",
            "\u2028",
            "\ufeff",
            "\x1f\x8b",
            "s3://",
            "=",
        ),
    ),
    longest=512,
)
