from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sightglass.errors import InputError
from sightglass.evaluation.yin_jiang.brought import find_references

PETS = ("cat", "dog", "guinea_pig")
CRANES = ("crane, the bird", "crane, the machine", "goldfish, Carassius auratus")


def folder_of(root: Path, *classes: str) -> Path:
    for name in classes:
        (root / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(root / name / "1.png")
    return root


def test_class_names_tell_which_data_set_a_folder_is_for(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "mine", "Guinea pig", "dog")
    found = find_references(place, {"pets": PETS, "fish": CRANES})
    assert list(found) == ["pets"]
    # Folders come sorted by name: "Guinea pig" is class 2 and "dog" class 1.
    assert found["pets"].labels.tolist() == [2, 1]
    assert found["pets"].class_names == PETS


def test_a_first_synonym_is_enough_and_a_whole_name_goes_before_it(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "mine", "crane, the machine", "goldfish")
    found = find_references(place, {"pets": PETS, "fish": CRANES})
    assert {name: data.labels.tolist() for name, data in found.items()} == {"fish": [1, 2]}


def test_one_folder_may_hold_those_of_several_data_sets(tmp_path: Path) -> None:
    folder_of(tmp_path / "refs" / "CIFAR-10", "dog")
    folder_of(tmp_path / "refs" / "tinyimagenet", "goldfish")
    found = find_references(
        tmp_path / "refs", {"cifar10": PETS, "tinyimagenet": CRANES, "mnist": ("0", "1")}
    )
    assert {name: data.labels.tolist() for name, data in found.items()} == {
        "cifar10": [1],
        "tinyimagenet": [2],
    }


def test_a_strange_class_is_one_sentence_with_the_nearest_name(tmp_path: Path) -> None:
    place = folder_of(tmp_path / "mine", "cat", "dogg")
    with pytest.raises(InputError) as error:
        find_references(place, {"pets": PETS})
    assert str(error.value) == (
        f"References '{place}': the class names of one of the data sets (pets) are needed, 'dogg' "
        f"is not among them. Did you mean 'dog'? Rename it, or put the folder of each data set's "
        f"references into one folder, named after the data set."
    )


def test_a_place_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"References: .* 'nowhere' does not exist\. Check the"):
        find_references(Path("nowhere"), {"pets": PETS})
