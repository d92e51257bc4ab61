from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightglass.errors import InputError
from sightglass.evaluation.datasets import load_dataset
from sightglass.inputs.absent_path import advice_on_absent


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder ``lists`` and a file ``list.txt``."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "list.txt").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("list.tx", "list.txt"),
        ("./LIST.TXT", "./list.txt"),
        ("lists/../listss/", "lists/../lists"),
        (Path("list.tx"), "list.txt"),
    ],
)
def test_the_name_most_like_it_is_told_in_the_persons_spelling(
    path: str | Path, meant: str
) -> None:
    assert advice_on_absent(path) == f"Did you mean '{meant}'?"


def test_what_does_not_fit_is_not_meant() -> None:
    assert advice_on_absent("listss") == "Did you mean 'lists'?"
    assert advice_on_absent("listss", fits=os.path.isfile) == "Did you mean 'list.txt'?"


@pytest.mark.parametrize("path", ["photograph", "nowhere/lists", "list.txt/lists", "nul\0/lists"])
def test_where_nothing_beside_comes_near_the_path_is_to_be_checked(path: str) -> None:
    assert advice_on_absent(path) == "Check the path."


def test_a_folder_that_may_not_be_listed_leaves_the_sentence_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    # In place of a folder without the right to read: that right stops nobody who is root.
    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(InputError, match=r"'lists\.zip' does not exist\. Check the path\.$"):
        load_dataset("lists.zip")
