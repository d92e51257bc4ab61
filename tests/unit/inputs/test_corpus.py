"""Every one of three hundred hostile files gets one of the known answers, soon."""

from __future__ import annotations

import os
import time
from pathlib import Path

from corpus import N_FILES, write_corpus
from sightglass.errors import PictureError
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.images import open_picture

SECONDS = 60


def outcome_of(path: str) -> tuple[str, str]:
    """(status, detail); anything but a PictureError that is raised fails the test."""
    try:
        opened = open_picture(read_bytes(path)[0], short_side=224)
    except PictureError as error:
        return error.status, error.detail
    assert opened.image.mode == "RGB"
    assert not opened.image.info
    return "ok", "no detail"


def test_each_of_the_three_hundred_files_gets_the_status_it_must_have(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    expected = write_corpus(folder)
    assert len(expected) == N_FILES
    started = time.monotonic()
    found = find_pictures([folder])
    assert found == sorted(os.path.join(folder, name) for name in expected)  # noqa: PTH118
    outcomes = {os.path.relpath(path, folder): outcome_of(path) for path in found}
    assert time.monotonic() - started < SECONDS
    certain = {name: status for name, status in expected.items() if status != "any"}
    assert {name: outcomes[name][0] for name in certain} == certain
    details = [detail for _, detail in outcomes.values()]
    assert all(detail.isprintable() and 0 < len(detail) <= 200 for detail in details)


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert write_corpus(first, seed=7) == write_corpus(second, seed=7)
    flipped = sorted(path.name for path in (first / "flipped").iterdir())
    assert flipped
    for name in flipped:
        same = (first / "flipped" / name).read_bytes() == (second / "flipped" / name).read_bytes()
        assert same, name
