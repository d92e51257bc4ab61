"""Every layout that people have is read; what is not there is told and ends nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kdpl_layouts import (
    LEVELS,
    NAMES,
    PREPARED,
    SYNSETS,
    TRAIN,
    put_picture,
    write_aircraft,
    write_by_id,
    write_imagenet,
    write_prepared,
    write_v2,
    write_world,
)
from sightglass.errors import InputError
from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.known import known_datasets
from sightglass.evaluation.kdpl.located import locate

# In ascending order of the WordNet ids, not in that of the list of names.
BY_ID = tuple(SYNSETS[one] for one in sorted(SYNSETS))
SPOKEN = ("alpha", "beta", "gamma ray", "delta", "epsilon")


def found(root: Path, name: str) -> KdplDataset:
    wanted = (name, "imagenet") if name.startswith("imagenet") else (name,)
    located = locate(root, wanted)
    assert name in located.datasets, located.remarks
    return located.datasets[name]


def remark(root: Path, name: str) -> str:
    located = locate(root, (name,))
    assert located.datasets == {}
    (only,) = located.remarks
    return only


def exist(dataset: KdplDataset) -> bool:
    listed = dataset.paths(path for path, _ in (*dataset.train, *dataset.test))
    return all(Path(path).is_file() for path in listed)


def test_the_whole_preparation_is_found(tmp_path: Path) -> None:
    located = locate(write_world(tmp_path), tuple(known_datasets()))
    assert list(located.datasets) == list(known_datasets())
    assert all(map(exist, located.datasets.values()))


@pytest.mark.parametrize("name", PREPARED)
def test_a_prepared_split_is_read_with_its_training_and_test_lists(
    name: str, tmp_path: Path
) -> None:
    write_prepared(tmp_path, name)
    dataset = found(tmp_path, name)
    assert dataset.class_names == SPOKEN
    assert dataset.train[:2] == (("alpha/train_0.jpg", 0), ("alpha/train_1.jpg", 0))
    assert (len(dataset.train), len(dataset.test)) == (5 * TRAIN, 5 * len(LEVELS))
    # The validation list is neither learned from nor tested on.
    assert not any("val" in path for path, _ in (*dataset.train, *dataset.test))
    assert dataset.template == known_datasets()[name].template
    assert exist(dataset)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("caltech101", "Caltech101"),
        ("oxford_pets", "oxford-iiit-pet"),
        ("oxford_flowers", "flowers-102"),
        ("sun397", "SUN397"),
        ("eurosat", "EuroSAT"),
    ],
)
def test_a_data_set_folder_may_have_another_usual_name(
    name: str, folder: str, tmp_path: Path
) -> None:
    write_prepared(tmp_path, name).rename(tmp_path / folder)
    assert exist(found(tmp_path, name))


def test_a_folder_within_a_folder_as_an_archive_leaves_it_is_found(tmp_path: Path) -> None:
    write_prepared(tmp_path / "dtd", "dtd")
    assert exist(found(tmp_path, "dtd"))


@pytest.mark.parametrize("inner", [".", "data", "fgvc-aircraft-2013b/data"])
def test_aircraft_is_read_by_its_authors_lists(inner: str, tmp_path: Path) -> None:
    # In the order of variants.txt, which need not be alphabetical.
    write_aircraft(tmp_path, inner=inner, names=("747-400", "A300B4", "707-320"))
    dataset = found(tmp_path, "fgvc_aircraft")
    assert dataset.class_names == ("747-400", "A300B4", "707-320")
    assert [label for _, label in dataset.test] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert exist(dataset)
    # Its lists are those of the published numbers: nothing to remark but the number of classes.
    assert len(locate(tmp_path, ("fgvc_aircraft",)).remarks) == 1


def test_pets_are_read_by_their_authors_lists(tmp_path: Path) -> None:
    place = tmp_path / "oxford_pets"
    lists = {
        "trainval.txt": ["Abyssinian_1 1 1 1", "great_pyrenees_2 3 2 2", "Bombay_7 2 1 2"],
        "test.txt": ["Bombay_8 2 1 2", "Abyssinian_3 1 1 1"],
    }
    for name, lines in lists.items():
        for line in lines:
            put_picture(place / "images" / f"{line.split()[0]}.jpg")
        (place / "annotations").mkdir(exist_ok=True)
        (place / "annotations" / name).write_text("".join(f"{line}\n" for line in lines))
    dataset = found(tmp_path, "oxford_pets")
    assert dataset.class_names == ("abyssinian", "bombay", "great pyrenees")
    assert dataset.train == (
        *(("Abyssinian_1.jpg", 0), ("great_pyrenees_2.jpg", 2), ("Bombay_7.jpg", 1)),
    )
    assert dataset.test == (("Bombay_8.jpg", 1), ("Abyssinian_3.jpg", 0))
    told = locate(tmp_path, ("oxford_pets",)).remarks
    assert told[0] == (
        "OxfordPets: divided by its authors' own lists, the published numbers by "
        "split_zhou_OxfordPets.json; they cannot be compared."
    )


@pytest.mark.parametrize(
    ("name", "folder", "lists", "suffix"),
    [
        ("food101", "food-101", ("meta/train.txt", "meta/test.txt"), ""),
        ("dtd", "dtd", ("labels/train1.txt", "labels/test1.txt"), ".jpg"),
    ],
)
def test_food_and_textures_are_read_by_their_authors_lists(
    name: str, folder: str, lists: tuple[str, str], suffix: str, tmp_path: Path
) -> None:
    for file, number in zip(lists, (1, 2), strict=True):
        lines = [f"{one}/{number}{suffix}\n" for one in ("waffles", "apple_pie")]
        (tmp_path / folder / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / file).write_text("".join(lines))
        for one in ("waffles", "apple_pie"):
            put_picture(tmp_path / folder / "images" / one / f"{number}.jpg")
    dataset = found(tmp_path, name)
    assert dataset.class_names == ("apple pie", "waffles")
    assert dataset.train == (("waffles/1.jpg", 1), ("apple_pie/1.jpg", 0))
    assert dataset.test == (("waffles/2.jpg", 1), ("apple_pie/2.jpg", 0))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "1 no such variant",
            "a picture's number and a variant of variants.txt is needed on every",
        ),
        (
            "../../1 delta",
            "a picture in the data set's folder is needed on every line, got '../../",
        ),
        ("9 delta", "1 are not there, the first is '9.jpg'. Complete the folder."),
    ],
)
def test_a_line_of_an_authors_list_that_cannot_be_is_refused(
    line: str, sentence: str, tmp_path: Path
) -> None:
    file = write_aircraft(tmp_path) / "images_variant_test.txt"
    file.write_text(file.read_text() + line + "\n")
    assert sentence in remark(tmp_path, "fgvc_aircraft")


@pytest.mark.parametrize("line", ["Abyssinian 1 1 1", "Bombay_3 1", "Bombay_3 two", "Bombay_3"])
def test_a_breed_of_two_classes_or_of_none_is_refused(line: str, tmp_path: Path) -> None:
    folder = tmp_path / "pets" / "annotations"
    folder.mkdir(parents=True)
    (folder / "trainval.txt").write_text("Bombay_1 2 1 2\n")
    (folder / "test.txt").write_text(f"Bombay_2 2 1 2\n{line}\n")
    assert "a picture's name with its breed, and its class is needed on every line" in remark(
        tmp_path, "oxford_pets"
    )


def test_a_line_without_a_class_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "dtd" / "labels"
    folder.mkdir(parents=True)
    for name in ("train1.txt", "test1.txt"):
        (folder / name).write_text("banded_0002.jpg\n")
    assert "a class, a slash and a picture is needed on every line, got 'banded_0002.jpg'" in (
        remark(tmp_path, "dtd")
    )


@pytest.mark.parametrize("inner", ["images", ".", "ILSVRC/Data/CLS-LOC"])
def test_imagenet_is_in_ascending_order_of_the_ids_wherever_train_and_val_lie(
    inner: str, tmp_path: Path
) -> None:
    write_imagenet(tmp_path, inner=inner)
    dataset = found(tmp_path, "imagenet")
    assert dataset.class_names == BY_ID
    assert dataset.train[0] == ("train/n01440764/n01440764_0.JPEG", 0)
    assert {label for path, label in dataset.test if "n01440764" in path} == {0}
    assert exist(dataset)


def test_names_of_a_kaggle_list_are_its_first_synonyms(tmp_path: Path) -> None:
    place = write_imagenet(tmp_path)
    (place / "classnames.txt").unlink()
    lines = [f"{one} {name}, something else\n" for one, name in SYNSETS.items()]
    (place / "LOC_synset_mapping.txt").write_text("".join(lines))
    assert found(tmp_path, "imagenet").class_names == BY_ID


def test_names_of_the_prepared_list_are_kept_as_they_are_even_twice(tmp_path: Path) -> None:
    place = write_imagenet(tmp_path)
    lines = [f"{one} sunglasses\n" for one in SYNSETS]
    (place / "classnames.txt").write_text("".join(lines))
    assert found(tmp_path, "imagenet").class_names == ("sunglasses",) * 5


def test_folders_of_v2_count_classes_as_numbers_and_not_as_text(tmp_path: Path) -> None:
    synsets = {f"n{number:08}": f"thing {number}" for number in range(12)}
    write_imagenet(tmp_path, synsets=synsets, levels=(1,), train=1)
    write_v2(tmp_path, names=tuple(synsets.values()), levels=(1,))
    dataset = found(tmp_path, "imagenet_v2")
    assert dataset.class_names == tuple(synsets.values())
    assert dataset.train == ()
    for path, label in dataset.test:
        assert Path(path).name == f"L1-0.thing+{label}.jpg"
    assert [label for _, label in dataset.test] == list(range(12))


@pytest.mark.parametrize(
    ("name", "folder", "n_scored"),
    [
        ("imagenet_sketch", "imagenet-sketch/images", 5),
        ("imagenet_a", "imagenet-adversarial/imagenet-a", 2),
        ("imagenet_a", "imagenet-a", 2),
        ("imagenet_r", "imagenet-rendition/imagenet-r", 2),
        ("imagenet_r", "ImageNet-R", 2),
    ],
)
def test_sketch_is_scored_over_all_classes_and_a_and_r_over_their_own(
    name: str, folder: str, n_scored: int, tmp_path: Path
) -> None:
    write_imagenet(tmp_path)
    write_by_id(tmp_path / folder, ["n01440764", "n04254680"])
    dataset = found(tmp_path, name)
    assert dataset.class_names == (BY_ID if n_scored == 5 else ("tench", "soccer ball"))
    for path, label in dataset.test:
        assert dataset.class_names[label] == SYNSETS[path.split("/", maxsplit=1)[0]]


def test_the_shifted_sets_are_not_used_without_imagenet(tmp_path: Path) -> None:
    write_by_id(tmp_path / "imagenet-a", ["n01440764"])
    assert remark(tmp_path, "imagenet_a") == (
        "ImageNet-A: not used. Its class names are those of ImageNet, which is not there. Add "
        "ImageNet."
    )


def test_an_absent_data_set_is_told_with_where_people_get_it(tmp_path: Path) -> None:
    assert remark(tmp_path, "eurosat") == (
        "EuroSAT: absent. EuroSAT is the folder 2750 and split_zhou_EuroSAT.json; get it from "
        "https://github.com/phelber/EuroSAT, the split file as "
        "https://github.com/KaiyangZhou/CoOp/blob/main/DATASETS.md describes."
    )


def test_no_folder_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Data sets: a folder is needed, '.*none' is none\. Give"):
        locate(tmp_path / "none", ("dtd",))


def test_one_damaged_data_set_does_not_end_the_others(tmp_path: Path) -> None:
    write_prepared(tmp_path, "eurosat")
    (write_prepared(tmp_path, "dtd") / "split_zhou_DescribableTextures.json").write_text("{")
    located = locate(tmp_path, ("dtd", "eurosat"))
    assert list(located.datasets) == ["eurosat"]
    assert "a JSON file is needed, this is none. Get it anew." in located.remarks[0]


def test_a_split_that_lists_absent_pictures_says_how_many(tmp_path: Path) -> None:
    place = write_prepared(tmp_path, "eurosat")
    (place / "2750" / "alpha" / "train_1.jpg").unlink()
    (place / "2750" / "beta" / "train_0.jpg").unlink()
    assert "2 are not there, the first is 'alpha/train_1.jpg'. Complete the folder." in remark(
        tmp_path, "eurosat"
    )


@pytest.mark.parametrize(
    "path", ["../other/1.jpg", "/etc/1.jpg", "a/../../1.jpg", "C:/1.jpg", "a\\..\\..\\1.jpg", ""]
)
def test_a_path_that_leaves_the_data_folder_is_refused(path: str, tmp_path: Path) -> None:
    place = write_prepared(tmp_path, "eurosat")
    put_picture(tmp_path / "other" / "1.jpg")
    file = place / "split_zhou_EuroSAT.json"
    split = json.loads(file.read_text())
    split["test"][1][0] = path
    file.write_text(json.dumps(split))
    assert f"entry 2 of 'test' must name a picture in the data set's folder, got '{path}'" in (
        remark(tmp_path, "eurosat")
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"test": []}, "a list 'test' with [path, class index, class name] for each picture is"),
        ({"train": [["a.jpg", 0]]}, "entry 1 of 'train' must be [path, class index, class name]"),
        ({"train": [["a.jpg", True, "x"]]}, "entry 1 of 'train' must be [path, class index,"),
        ({"train": [["a.jpg", -1, "x"]]}, "entry 1 of 'train' must be [path, class index,"),
        ({"train": [["a.jpg", 0, " "]]}, "entry 1 of 'train' must be [path, class index,"),
        (
            {"train": [["alpha/train_0.jpg", 0, "omega"]]},
            "class 0 must have one name, entry 1 of 'test' calls it 'alpha' and an earlier one "
            "'omega'. Get it anew.",
        ),
    ],
)
def test_a_split_that_says_something_else_is_one_sentence(
    change: dict[str, list[object]], sentence: str, tmp_path: Path
) -> None:
    file = write_prepared(tmp_path, "eurosat") / "split_zhou_EuroSAT.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert sentence in remark(tmp_path, "eurosat")


def test_a_split_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (write_prepared(tmp_path, "eurosat") / "split_zhou_EuroSAT.json").write_text("[]")
    assert "an object with the lists 'train' and 'test' is needed, got list. Get it anew." in (
        remark(tmp_path, "eurosat")
    )


def test_the_shifted_sets_must_have_classes_of_imagenet(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    put_picture(tmp_path / "imagenet-r" / "n09999999" / "1.jpg")
    put_picture(tmp_path / "imagenetv2" / "5" / "1.jpg")
    put_picture(tmp_path / "imagenet-a" / "tench" / "1.jpg")
    _, v2, a, r = locate(tmp_path, ("imagenet", "imagenet_v2", "imagenet_a", "imagenet_r")).remarks
    assert "must be below 5, the number of ImageNet's classes, got '5'." in v2
    assert "folders named by WordNet ids are needed in" in a
    assert "every WordNet id needs a name in ImageNet's list, n09999999 has none." in r


def test_a_class_without_a_training_picture_makes_a_set_unusable(tmp_path: Path) -> None:
    file = write_prepared(tmp_path, "eurosat") / "split_zhou_EuroSAT.json"
    split = json.loads(file.read_text())
    split["train"] = [entry for entry in split["train"] if entry[1] != 3]
    file.write_text(json.dumps(split))
    assert "every class needs a picture to learn from, 'delta' has none." in remark(
        tmp_path, "eurosat"
    )


def test_a_split_without_its_pictures_says_which_folder_is_wanted(tmp_path: Path) -> None:
    place = write_prepared(tmp_path, "caltech101")
    (place / "101_ObjectCategories").rename(place / "pictures")
    assert "needs the folder '101_ObjectCategories', has none." in remark(tmp_path, "caltech101")


def test_a_folder_without_a_list_says_what_is_wanted(tmp_path: Path) -> None:
    write_prepared(tmp_path, "stanford_cars").joinpath("split_zhou_StanfordCars.json").unlink()
    assert "has no list of what is for training and what to test on. StanfordCars is" in remark(
        tmp_path, "stanford_cars"
    )


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("names", "needs classnames.txt or LOC_synset_mapping.txt, which say what the WordNet ids"),
        ("one name", "every WordNet id needs a name in ImageNet's list, n01443537 has none."),
        ("flat val", "one folder per WordNet id is needed in"),
        ("no val", "needs the folders train and val, itself or in 'images'."),
        ("strange val", "n09999999 is not there. Complete the folder."),
    ],
)
def test_an_imagenet_that_does_not_fit_together_says_what_is_wrong(
    spoil: str, sentence: str, tmp_path: Path
) -> None:
    place = write_imagenet(tmp_path)
    val = place / "images" / "val"
    if spoil == "names":
        (place / "classnames.txt").unlink()
    elif spoil == "one name":
        (place / "classnames.txt").write_text("n01440764 tench\n")
    elif spoil == "strange val":
        put_picture(val / "n09999999" / "1.jpg")
    else:
        val.rename(place / "kept")
        if spoil == "flat val":
            put_picture(val / "ILSVRC2012_val_00000001.JPEG")
    assert sentence in remark(tmp_path, "imagenet")


def test_a_set_of_another_number_of_classes_is_marked(tmp_path: Path) -> None:
    write_prepared(tmp_path, "dtd", names=NAMES[:2])
    assert locate(tmp_path, ("dtd",)).remarks == (
        "DTD: 2 classes, the published protocol has 47; its numbers cannot be compared.",
    )
