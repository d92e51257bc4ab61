"""Ledgers, files of JSON lines that only grow: what is read stays when a line is added."""

from __future__ import annotations

import json

from harness import Harness, check_sentence, written
from sightglass.distillation.pairs.ledger import BadPicture, Ledger
from sightglass.errors import InputError
from sightglass.generation.image_ledger import Entry, ImageLedger

_BAD = {"where": "shard.tar: a", "status": "corrupt", "detail": "begins as PNG"}
_ENTRY = {
    "event": "accepted",
    "time": "2026-01-02T03:04:05",
    "class_name": "cat",
    "slot": 0,
    "attempt": 1,
    "file": "cat/imagined-0-1.png",
    "prompt": "a cat",
    "generator": "model",
    "seed": 7,
    "score": 0.25,
    "reason": None,
}
_NEW = Entry.model_validate({**_ENTRY, "slot": 9})
_NEW_BAD = BadPicture(where="the new one", status="truncated", detail="ends early")


def one_input(data: bytes) -> None:
    """As a ledger of bad pictures, then as one of an image run."""
    path = written("bad.jsonl", data)
    try:
        ledger = Ledger(path)
    except InputError as error:
        check_sentence(error)
    else:
        known = any(entry.where == _NEW_BAD.where for entry in ledger.entries)
        ledger.add([_NEW_BAD])
        ledger.told()
        expected = ledger.entries
        assert known or expected[-1] == _NEW_BAD
        assert Ledger(path).entries == expected, "read again, it holds other lines"
    path = written("images.jsonl", data)
    try:
        images = ImageLedger(path)
    except InputError as error:
        check_sentence(error)
        return
    images.add(_NEW)
    assert ImageLedger(path).entries == images.entries, "read again, it holds other lines"
    assert all(".." not in entry.file.split("/") for entry in images.entries)


def _seeds() -> list[bytes]:
    lines = [json.dumps(one).encode() for one in (_BAD, _ENTRY)]
    return [
        *(line + b"\n" + line[:40] for line in lines),
        *(line + b"\r\n" + line for line in lines),
        *lines,
    ]


HARNESS = Harness(
    one_input=one_input,
    seeds=_seeds,
    words=(*_BAD, *_ENTRY, "\n", "\r\n", "\r", "\x0b", "null", "NaN", "\\ud800", '{"', '":', "../"),
    tree=True,
)
