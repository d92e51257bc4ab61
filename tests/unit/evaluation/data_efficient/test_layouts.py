"""Every layout that people have is read; what is not counted is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data_efficient_layouts import (
    CATEGORIES,
    ILSVRC,
    SYNSETS,
    put,
    write_imagenet_21k,
    write_lines,
    write_ml_images,
    write_open_images,
    write_world,
)
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
from sightglass.evaluation.data_efficient.known import KNOWN
from sightglass.evaluation.data_efficient.lemmas import any_of
from sightglass.evaluation.data_efficient.located import locate


def found(root: Path, name: str) -> FlatHitDataset:
    located = locate(root)
    assert name in located.datasets, located.remarks
    return located.datasets[name]


def exist(dataset: FlatHitDataset) -> bool:
    return all((Path(dataset.folder) / path).is_file() for path, _ in dataset.pictures())


def test_all_three_are_found(tmp_path: Path) -> None:
    located = locate(write_world(tmp_path))
    assert list(located.datasets) == list(KNOWN)
    assert all(map(exist, located.datasets.values()))


def test_open_images_are_multi_label_and_negative_rows_are_no_labels(tmp_path: Path) -> None:
    write_open_images(tmp_path)
    dataset = found(tmp_path, "open_images")
    assert list(dataset.pictures()) == [
        *(("000a.jpg", (0, 4)), ("000b.jpg", (2,)), ("000c.jpg", (4,)), ("000d.jpg", (5,))),
    ]
    assert (dataset.missing, dataset.unlabelled) == (0, 1)


def test_candidates_are_in_the_order_of_the_file_and_names_that_stand_twice_stay(
    tmp_path: Path,
) -> None:
    write_open_images(tmp_path)
    assert found(tmp_path, "open_images").candidates[:6] == (
        *("Red", "Blue", "Blue", "Lime", "White", "Yellow, as lemons are"),
    )


@pytest.mark.parametrize("name", ["oidv6-classes.txt", "candidates.txt"])
def test_a_list_of_label_names_chooses_and_orders_the_candidates(name: str, tmp_path: Path) -> None:
    place = write_open_images(tmp_path)
    write_lines(place / name, ("/m/05", "/m/03", "/m/02"))
    located = locate(tmp_path)
    dataset = located.datasets["open_images"]
    assert dataset.candidates == ("White", "Blue", "Blue")
    # Red is no candidate any more; what else the picture shows is.
    assert list(dataset.pictures()) == [("000a.jpg", (0,)), ("000b.jpg", (1,)), ("000c.jpg", (0,))]
    assert dataset.unlabelled == 2
    assert any("2 labels are left out, because their classes are no" in r for r in located.remarks)


def test_a_persons_own_candidates_go_before_the_official_list(tmp_path: Path) -> None:
    place = write_open_images(tmp_path)
    write_lines(place / "oidv6-classes.txt", ("/m/01", "/m/02"))
    write_lines(place / "candidates.txt", ("/m/05", "/m/06"))
    assert found(tmp_path, "open_images").candidates == ("White", "Yellow, as lemons are")


def test_descriptions_without_a_heading_lose_no_class(tmp_path: Path) -> None:
    place = write_open_images(tmp_path)
    described = place / "oidv6-class-descriptions.csv"
    lines = described.read_text().splitlines()
    described.unlink()
    write_lines(place / "class-descriptions.csv", lines[1:])
    assert len(found(tmp_path, "open_images").candidates) == len(lines) - 1


def test_a_label_that_one_row_verifies_and_another_denies_is_a_label(tmp_path: Path) -> None:
    file = write_open_images(tmp_path) / "test-annotations-human-imagelabels.csv"
    more = ("000b,crowdsource-verification,/m/03,0", "000b,crowdsource-verification,/m/04,1.0")
    write_lines(file, [*file.read_text().splitlines(), *more])
    assert list(found(tmp_path, "open_images").pictures())[1] == ("000b.jpg", (2, 3))


@pytest.mark.parametrize("folder", ["OpenImages", "open_images_v6", "oidv6"])
def test_a_folder_may_have_another_usual_name(folder: str, tmp_path: Path) -> None:
    write_open_images(tmp_path, folder=folder)
    assert exist(found(tmp_path, "open_images"))


def test_a_label_without_a_name_and_a_picture_that_is_not_there_are_counted_and_told(
    tmp_path: Path,
) -> None:
    place = write_open_images(tmp_path)
    file = place / "test-annotations-human-imagelabels.csv"
    more = ("000d,verification,/m/0strange,1", "000f,verification,/m/01,1")
    write_lines(file, [*file.read_text().splitlines(), *more])
    put(place / "test" / "0000.jpg", "red")
    located = locate(tmp_path)
    dataset = located.datasets["open_images"]
    assert (dataset.n_pictures, dataset.missing, dataset.unlabelled) == (4, 1, 2)
    told = "\n".join(located.remarks)
    assert "1 labels of 1 classes are left out, because the descriptions do not name" in told
    assert "the first is '/m/0strange'" in told
    assert "Google Open Images: 1 listed pictures are not there; the numbers are those" in told
    assert "2 pictures are left out, because no candidate is known to be in them" in told
    assert "11 candidates, the published protocol has 19,958 or 19,994; its numbers" in told
    assert "7 pictures in all, the published list has 125,436" in told


def test_all_names_of_a_class_are_one_candidate() -> None:
    # As the released code writes it: no space before "or".
    assert any_of("dugong, Dugong_dugon") == "dugong,or Dugong dugon"
    assert any_of("1,000 islands") == "1,000 islands"
    assert any_of(" ") == ""


def test_categories_are_read_in_the_forms_of_every_version(tmp_path: Path) -> None:
    place = write_ml_images(tmp_path)
    expected = (
        *("black thing", "gray matter,or matter in gray", "red", "blood,or blood red"),
        *("blue", "lime"),
    )
    assert found(tmp_path, "imagenet_10k").candidates == expected
    older = [line.split("\t", maxsplit=1)[1] for line in CATEGORIES[1:]]
    write_lines(place / "dictionary_and_semantic_hierarchy.txt", older)
    assert found(tmp_path, "imagenet_10k").candidates == expected


def test_pictures_of_both_published_lists_are_found_where_downloaders_put_them(
    tmp_path: Path,
) -> None:
    place = write_ml_images(tmp_path)
    dataset = found(tmp_path, "imagenet_10k")
    assert list(dataset.pictures()) == [
        ("images/n07734745_7.JPEG", (1, 3)),
        ("images/n07734746_2.JPEG", (0, 4)),
        ("images/9_x.jpg", (2, 5)),
    ]
    put(place / "n1" / "b.JPEG", "blue")
    lines = (
        *("n1/b.JPEG\t4:0\t0:1.0", "im_1.jpg\thttps://example.org/1.jpg\t5:0.9", "n1/b.JPEG\t4:0"),
    )
    write_lines(place / "val_urls.txt", lines)
    dataset = found(tmp_path, "imagenet_10k")
    # Confidence 0 is none; a picture without a category is left out; one is not there.
    assert list(dataset.pictures()) == [("n1/b.JPEG", (0,))]
    assert (dataset.missing, dataset.unlabelled) == (1, 1)


def test_candidates_of_imagenet_are_the_synsets_in_order_and_then_ilsvrcs(tmp_path: Path) -> None:
    write_imagenet_21k(tmp_path)
    dataset = found(tmp_path, "imagenet_21k_1k")
    assert dataset.candidates == (
        *("lime", "red,or Rubrum redii", "yellow", "sky blue thing,or blue"),
        *("red,or Rubrum redii", "cyan"),
    )
    assert {
        path: labels for path, labels in dataset.pictures() if "_1" in path or "v." in path
    } == {
        "imagenet21k/n00000001/n00000001_1.JPEG": (1,),
        "imagenet21k/n00000002/n00000002_1.JPEG": (3,),
        "imagenet21k/n00000003/n00000003_1.JPEG": (0,),
        "imagenet/val/n00000001/v.JPEG": (4,),
        "imagenet/val/n00000002/v.JPEG": (5,),
    }


def test_all_pictures_in_one_folder_are_told_apart_by_their_names(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    before = [labels for _, labels in found(tmp_path, "imagenet_21k_1k").pictures()]
    (place / "images").mkdir()
    for folder in sorted(place.glob("n0*")):
        for picture in folder.iterdir():
            picture.rename(place / "images" / picture.name)
        folder.rmdir()
    put(place / "images" / "n00000009_1.JPEG", "red")
    dataset = found(tmp_path, "imagenet_21k_1k")
    assert [labels for _, labels in dataset.pictures()] == before
    assert exist(dataset)
    assert dataset.unlabelled == 1


def test_names_may_come_from_words_txt_and_then_folders_are_the_candidates(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    for name in ("imagenet21k_wordnet_ids.txt", "imagenet21k_wordnet_lemmas.txt"):
        (place / name).unlink()
    write_lines(place / "words.txt", [f"{one}\t{name}" for one, name in SYNSETS.items()])
    assert found(tmp_path, "imagenet_21k_1k").candidates[:3] == (
        *("red,or Rubrum redii", "sky blue thing,or blue", "lime"),
    )


def test_ilsvrcs_list_may_say_its_ids(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    (place / "ilsvrc2012_wordnet_lemmas.txt").unlink()
    lines = [f"{one} {name}" for one, name in reversed(ILSVRC.items())]
    write_lines(tmp_path / "imagenet" / "LOC_synset_mapping.txt", lines)
    assert found(tmp_path, "imagenet_21k_1k").candidates[4:] == ("red,or Rubrum redii", "cyan")


def test_without_ilsvrc_the_rest_is_ranked_and_told(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    shutil.rmtree(tmp_path / "imagenet")
    located = locate(tmp_path)
    assert len(located.datasets["imagenet_21k_1k"].candidates) == 6
    assert any("pictures of ILSVRC are not there; its names" in one for one in located.remarks)
    (place / "ilsvrc2012_wordnet_lemmas.txt").unlink()
    located = locate(tmp_path)
    assert len(located.datasets["imagenet_21k_1k"].candidates) == 4
    assert any("1,000 classes are not there; ranked without" in one for one in located.remarks)


def test_what_is_absent_is_told_with_where_people_get_it(tmp_path: Path) -> None:
    located = locate(tmp_path)
    assert located.datasets == {}
    goi, ten, more = located.remarks
    assert goi.startswith("Google Open Images: absent. Google Open Images is the test pictures")
    assert "storage.googleapis.com/openimages" in goi
    assert "github.com/Tencent/tencent-ml-images" in ten
    assert "image-net.org" in more
