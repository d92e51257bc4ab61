"""Prepared splits of data sets, as JSON."""

from __future__ import annotations

import json

from harness import Harness, check_sentence, scratch
from sightglass.errors import InputError
from sightglass.evaluation.kdpl.known import known_datasets
from sightglass.evaluation.kdpl.split_file import read_split_file

_KNOWN = known_datasets()["caltech101"]
_SPLIT = {
    "train": [["a.jpg", 0, "cat"], ["b.jpg", 1, "dog"]],
    "val": [],
    "test": [["a.jpg", 0, "cat"], ["b.jpg", 1, "dog"]],
}


def one_input(data: bytes) -> None:
    """As a split beside two pictures."""
    place = scratch() / "split"
    pictures = place / _KNOWN.pictures[0]
    pictures.mkdir(parents=True, exist_ok=True)
    for name in ("a.jpg", "b.jpg"):
        (pictures / name).touch()
    path = place / "split.json"
    path.write_bytes(data)
    try:
        found = read_split_file(path, _KNOWN)
    except InputError as error:
        check_sentence(error)
        return
    for name, label in found.train + found.test:
        assert 0 <= label < len(found.class_names)
        assert (pictures / name).resolve().is_relative_to(pictures.resolve())


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(_SPLIT).encode()],
    words=(
        "train",
        "test",
        "val",
        "../a.jpg",
        "/a.jpg",
        "a.jpg",
        "./a.jpg",
        "x/../a.jpg",
        "b.jpg/",
    ),
    tree=True,
)
