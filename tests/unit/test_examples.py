from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import sightglass

MODULES = [
    "sightglass",
    *(found.name for found in pkgutil.walk_packages(sightglass.__path__, "sightglass.")),
]


def examples(name: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    return [test for test in found if test.examples]


def test_there_are_examples_to_run() -> None:
    assert len(MODULES) > 30
    assert sum(len(test.examples) for name in MODULES for test in examples(name)) >= 5


@pytest.mark.parametrize("name", MODULES)
def test_every_example_prints_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    for test in examples(name):
        runner.run(test)
    assert runner.failures == 0, capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
