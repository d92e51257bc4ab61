"""Files that are wrong: one sentence with the line, and the other data sets are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_efficient_layouts import (
    write_imagenet_21k,
    write_lines,
    write_ml_images,
    write_open_images,
    write_world,
)
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.located import locate
from sightglass.evaluation.data_efficient.scored import Setting
from sightglass.evaluation.data_efficient.suite import SuiteResult, run_suite
from sightglass.store import open_store

LABELS = "test-annotations-human-imagelabels.csv"
DESCRIPTIONS = "oidv6-class-descriptions.csv"
DICTIONARY = "dictionary_and_semantic_hierarchy.txt"
LIST = "val_urls.txt"
IDS, LEMMAS = "imagenet21k_wordnet_ids.txt", "imagenet21k_wordnet_lemmas.txt"


def run(root: Path) -> SuiteResult:
    setting = Setting(
        encoder=SyntheticEncoder(),
        model="synthetic:colours",
        templates=("a photo of {}.",),
        store=open_store(None),
    )
    return run_suite(root, setting)


def refusal(root: Path) -> str:
    located = locate(root)
    assert located.datasets == {}
    (told,) = [one for one in located.remarks if ": not used. " in one]
    return told


@pytest.mark.parametrize(
    ("file", "line", "sentence"),
    [
        (LABELS, "000a,verification,/m/01", "line 11: 4 columns with a confidence of 0 or 1 is"),
        (LABELS, "000a,machine,/m/01,0.7", "0 or 1 is needed, got '000a,machine,/m/01,0.7'. Get"),
        (DESCRIPTIONS, "/m/0c", "line 13: a LabelName and a DisplayName is needed, got '/m/0c'."),
        (DESCRIPTIONS, "/m/01,Again", "a LabelName that has no other line is needed, got '/m/01'"),
        ("candidates.txt", "/m/0x", "line 1: a described LabelName, each once, is needed, got"),
    ],
)
def test_a_line_of_open_images_that_cannot_be_is_refused(
    file: str, line: str, sentence: str, tmp_path: Path
) -> None:
    place = write_open_images(tmp_path)
    before = (place / file).read_text().splitlines() if (place / file).exists() else []
    write_lines(place / file, [*before, line])
    assert sentence in refusal(tmp_path)


def test_a_label_file_without_its_heading_is_refused(tmp_path: Path) -> None:
    place = write_open_images(tmp_path)
    write_lines(place / LABELS, (place / LABELS).read_text().splitlines()[1:])
    assert "line 1: a heading with ImageID, LabelName, Confidence is needed" in refusal(tmp_path)


@pytest.mark.parametrize("name", [LABELS, DESCRIPTIONS])
def test_a_file_that_is_not_there_is_named_with_where_people_get_it(
    name: str, tmp_path: Path
) -> None:
    (write_open_images(tmp_path) / name).unlink()
    told = refusal(tmp_path)
    assert f"needs the file {name} or " in told
    assert "get it from https://storage.googleapis.com/openimages" in told


@pytest.mark.parametrize(
    ("file", "line", "sentence"),
    [
        (DICTIONARY, "7\tn1\t0\tviolet", "line 8: category 6 with its id, its parent and its"),
        (DICTIONARY, "n1 violet", "category 6 with its id, its parent and its names is needed"),
        (LIST, "n1/a.JPEG\t6:1", "line 4: a picture and its categories below 6, as 12:1 or 12,"),
        (LIST, "n1/a.JPEG\tred", "a picture and its categories below 6"),
        (LIST, "../../a.JPEG\t1:1", "a picture and its categories below 6"),
    ],
)
def test_a_line_of_ml_images_that_cannot_be_is_refused(
    file: str, line: str, sentence: str, tmp_path: Path
) -> None:
    place = write_ml_images(tmp_path)
    write_lines(place / file, [*(place / file).read_text().splitlines(), line])
    assert sentence in refusal(tmp_path)


@pytest.mark.parametrize(
    ("file", "lines", "sentence"),
    [
        (IDS, ("n00000001", "n00000001"), "line 2: a WordNet id such as n01440764, each once, is"),
        (LEMMAS, ("a", "", "b", "c"), "line 2: a name is needed, got ''."),
        (LEMMAS, ("a", "b"), "one line for each of the 4 WordNet ids that are there is needed"),
        ("ilsvrc2012_wordnet_lemmas.txt", ("a", "b", "c"), "for each of the 2 WordNet ids"),
    ],
)
def test_a_list_of_imagenet_that_cannot_be_is_refused(
    file: str, lines: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    place = write_imagenet_21k(tmp_path)
    write_lines(place / file, lines)
    assert sentence in refusal(tmp_path)


def test_an_id_that_no_list_names_is_refused(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    (place / LEMMAS).unlink()
    assert "they say what the WordNet ids mean. Add them." in refusal(tmp_path)
    write_lines(place / "words.txt", ("n00000001\tred", "n00000002\tblue", "n00000003\tlime"))
    assert "a name for every WordNet id is needed, n00000004 has none" in refusal(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    place = write_imagenet_21k(tmp_path)
    (place / LEMMAS).write_bytes(b"\xff\xfe\x00")
    assert "UTF-8 text is needed, got another encoding" in refusal(tmp_path)


def test_pictures_without_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "imagenet21k").mkdir()
    (tmp_path / "openimages").mkdir()
    told = [one for one in locate(tmp_path).remarks if "not used" in one]
    assert "needs the folder test, has none" in told[0]
    assert "needs one folder of pictures per WordNet id" in told[1]


def test_a_damaged_data_set_ends_nothing(tmp_path: Path) -> None:
    place = write_world(tmp_path) / "open-images"
    write_lines(place / LABELS, ["nonsense"])
    result = run(tmp_path)
    assert {row.dataset for row in result.rows} == {"imagenet_10k", "imagenet_21k_1k"}
    assert any(one.startswith("Google Open Images: not used. ") for one in result.remarks)


def test_damaged_pictures_are_counted_and_told_and_not_missed(tmp_path: Path) -> None:
    place = write_open_images(tmp_path)
    (place / "test" / "000c.jpg").write_bytes(b"no picture")
    result = run(tmp_path)
    found = {row.metric: (row.value, row.n) for row in result.rows}
    # Red, blue and yellow are left; the lime one would have been a miss.
    assert found["flat_hit@1"] == (pytest.approx(2 / 3), 3)
    assert found["failed"] == (0.25, 4)
    (told,) = [one for one in result.remarks if "could not be read" in one]
    assert "1 pictures could not be read (1 unsupported) and are left out" in told
    assert "000c.jpg" in told


def test_where_no_picture_can_be_read_there_is_no_number(tmp_path: Path) -> None:
    write_ml_images(tmp_path)
    place = write_open_images(tmp_path)
    for picture in (place / "test").iterdir():
        picture.write_bytes(b"")
    result = run(tmp_path)
    assert {row.dataset for row in result.rows} == {"imagenet_10k"}
    assert any("not used. open_images: pictures that can be read" in one for one in result.remarks)


def test_nothing_to_measure_on_is_an_error_that_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"at least one data set is needed .* Tencent ML-Images"):
        run(tmp_path)
    with pytest.raises(InputError, match="Data sets: a folder is needed"):
        run(tmp_path / "nowhere")
