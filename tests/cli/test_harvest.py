from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from commands import complaints, run
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import read_references

NAMES = "red,blue,white"
SHADES = {  # 8 reds, 6 blues; no two alike
    **{f"r{i}": (255 - 2 * i, i, 0) for i in range(8)},
    **{f"b{i}": (0, i, 255 - 2 * i) for i in range(6)},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's folder with ``photos``, of which half are red and half blue."""
    photos = tmp_path / "home" / "photos"
    (photos / "deep").mkdir(parents=True)
    for name, colour in SHADES.items():
        folder = photos / "deep" if name.startswith("b") else photos
        Image.new("RGB", (40, 30), colour).save(folder / f"{name}.png")
    return tmp_path / "home"


def harvest(home: Path, *arguments: str, names: str = NAMES) -> tuple[int, str, str]:
    colours = "synthetic:colours"
    models = ("--model", colours, "--vision-model", colours)
    done = run("harvest", *arguments, "--classes", names, *models, home=home)
    return done.returncode, done.stdout, done.stderr


def record_of(folder: Path) -> Any:
    return json.loads((folder / "references.json").read_text(encoding="utf-8"))


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_gives_references_of_its_own_pictures(home: Path) -> None:
    before = files_in(home / "photos")
    code, out, err = harvest(home, "photos")
    assert (code, complaints(err)) == (0, "")
    assert files_in(home / "photos") == before
    pictures = record_of(home / "references")["pictures"]
    # Half of what passes at most: 4 of 8 reds, 3 of 6 blues.
    assert Counter(one["class_name"] for one in pictures) == {"red": 4, "blue": 3}
    for one in pictures:
        source = (home / one["source"]).read_bytes()
        assert Path(one["source"]).name.startswith(one["class_name"][0])
        assert (home / "references" / one["path"]).read_bytes() == source
        assert one["sha256"] == hashlib.sha256(source).hexdigest()
        assert one["origin"] == "harvested"
        assert one["generator"] == "synthetic:colours + synthetic:colours"
        assert 0 < one["filter_score"] <= 1
    assert "References: references" in out
    assert sorted(path.name for path in home.iterdir() if path.name != "cache") == [
        "photos",
        "references",
    ]


def test_a_class_without_references_says_why_in_the_record_and_on_screen(home: Path) -> None:
    _, out, _ = harvest(home, "photos")
    record = record_of(home / "references")
    assert record["classes_without"] == {"white": "no picture was given to it"}
    assert record["rule"].startswith("At most 16 per class.")
    assert "no picture was given to it" in out
    assert not (home / "references" / "white").exists()


def test_what_was_harvested_is_read_as_references(home: Path) -> None:
    harvest(home, "photos", "--per-class", "2")
    references = read_references(home / "references", LabelSet.of(NAMES.split(",")))
    assert references.labels.tolist() == [0, 0, 1, 1]
    assert all(one.provenance is not None for one in references.pictures)


def test_a_dry_run_lists_the_pictures_and_writes_nothing(home: Path) -> None:
    code, out, _ = harvest(home, "photos", "--dry-run", "--per-class", "1")
    assert code == 0
    listed = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert [name for name, _ in listed] == ["red", "blue"]
    assert "2 pictures would be copied to references; nothing was written." in out
    assert not (home / "references").exists()
    harvest(home, "photos", "--per-class", "1")
    pictures = record_of(home / "references")["pictures"]
    assert [[one["class_name"], one["source"]] for one in pictures] == listed


def test_an_earlier_harvest_is_replaced_as_a_whole(home: Path) -> None:
    harvest(home, "photos")
    code, _, err = harvest(home, "photos", "--per-class", "1", names="red,white")
    assert (code, complaints(err)) == (0, "")
    record = record_of(home / "references")
    kept = {"references.json", *(one["path"] for one in record["pictures"])}
    assert set(files_in(home / "references")) == kept
    assert len(kept) == 2


@pytest.mark.parametrize("disturbed", ["new file", "changed picture", "other record"])
def test_a_folder_that_holds_anything_else_is_refused_and_kept(home: Path, disturbed: str) -> None:
    harvest(home, "photos")
    folder = home / "references"
    first = folder / record_of(folder)["pictures"][0]["path"]
    named = first.relative_to(folder).as_posix()
    if disturbed == "new file":
        (folder / "aa.txt").write_text("mine")
        named = "aa.txt"
    elif disturbed == "changed picture":
        Image.new("RGB", (9, 9), "pink").save(first)
    else:
        record = record_of(folder)
        record["pictures"][0]["origin"] = "brought"
        (folder / "references.json").write_text(json.dumps(record))
    before = files_in(folder)
    code, _, err = harvest(home, "photos")
    assert code == 2
    assert err == (
        f"Error: references: only pictures of an earlier harvest can be replaced, '{named}' is "
        "none. Move it away, or choose another folder with --out.\n"
    )
    assert files_in(folder) == before


@pytest.mark.parametrize("out", ["photos", "photos/references", "photos/deep", ".", "link"])
def test_nothing_is_written_into_the_source_folder(home: Path, out: str) -> None:
    (home / "link").symlink_to(home / "photos")
    before = files_in(home / "photos")
    code, _, err = harvest(home, "photos", "--out", out)
    assert code == 2
    assert "references must lie outside of the folders that are harvested" in err
    assert files_in(home / "photos") == before


def test_a_file_in_the_place_of_the_folder_is_refused(home: Path) -> None:
    (home / "references").write_text("mine")
    code, _, err = harvest(home, "photos")
    assert (code, (home / "references").read_text()) == (2, "mine")
    assert "references: a folder is needed, this is a file." in err


def test_files_that_cannot_be_used_and_copies_are_counted(home: Path) -> None:
    (home / "photos" / "notes.txt").write_text("no picture")
    (home / "photos" / "empty.png").write_bytes(b"")
    (home / "photos" / "twin.png").write_bytes((home / "photos" / "r0.png").read_bytes())
    code, out, _ = harvest(home, "photos")
    assert code == 0
    assert "17 files; different pictures: 14, copies: 1, not usable: 2." in out
    assert "2 could not be used; the first is photos/empty.png (" in out
    hashes = [one["sha256"] for one in record_of(home / "references")["pictures"]]
    assert len(set(hashes)) == len(hashes) == 7


def test_where_no_class_gets_a_picture_the_earlier_harvest_stays(home: Path) -> None:
    harvest(home, "photos")
    before = files_in(home / "references")
    code, out, err = harvest(home, "photos/r0.png", "photos/deep/b0.png")
    assert code == 1
    assert out.count("only one picture was given to it, so no other bears it out") == 2
    assert err.startswith("Error: harvest: no class got a picture, and nothing was written")
    assert files_in(home / "references") == before


def test_the_suffix_of_a_copy_is_that_of_its_bytes(home: Path) -> None:
    for index in range(4):
        colour = (255 - index, 255, 255)
        Image.new("RGB", (40, 30), colour).save(home / "photos" / f"w{index}.JPG", "WEBP")
    harvest(home, "photos")
    white = [
        one for one in record_of(home / "references")["pictures"] if one["class_name"] == "white"
    ]
    assert [Path(one["path"]).suffix for one in white] == [".webp"] * len(white)
    assert len(white) >= 1


def test_globs_and_paths_on_standard_input_are_sources_too(home: Path) -> None:
    code, _, _ = harvest(home, "photos/*.png", "photos/deep", "--per-class", "1")
    assert code == 0
    by_glob = record_of(home / "references")["pictures"]
    listed = "\n".join(str(path) for path in (home / "photos").rglob("*.png"))
    done = run(
        *("harvest", "-", "--classes", NAMES, "--per-class", "1", "--model", "synthetic:colours"),
        *("--vision-model", "synthetic:colours", "--out", "other"),
        home=home,
        stdin=listed,
    )
    assert done.returncode == 0
    by_list = record_of(home / "other")["pictures"]
    assert [one["sha256"] for one in by_list] == [one["sha256"] for one in by_glob]


def test_the_bundled_models_are_the_default_and_find_no_class_in_plain_colours(home: Path) -> None:
    done = run("harvest", "photos", "--classes", "cat,dog", home=home)
    assert done.returncode == 1
    assert "14 files; different pictures: 14, copies: 0, not usable: 0." in done.stdout
    assert done.stderr.startswith("Error: harvest: no class got a picture")
    assert not (home / "references").exists()
