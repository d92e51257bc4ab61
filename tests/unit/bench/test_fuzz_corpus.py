from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz_corpus import PER_FOLDER, FuzzFile, remove_corpus, write_corpus
from fuzz_mutations import NAMES, mutated
from fuzz_parts import parts_of, size_fields, with_right_checksums
from fuzz_seeds import seeds
from sightglass.inputs.discovery import find_pictures
from sightglass.inputs.signatures import picture_kind

FILES = 1_400


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[FuzzFile]]]:
    folder = tmp_path_factory.mktemp("fuzz") / "corpus"
    yield folder, write_corpus(folder, files=FILES, seed=3)
    remove_corpus(folder)
    assert not folder.exists()


def test_exactly_as_many_files_are_listed_as_were_asked_for(
    corpus: tuple[Path, list[FuzzFile]],
) -> None:
    _, files = corpus
    assert len(files) == len({one.path for one in files}) == FILES


def test_everything_listed_is_found_and_nothing_else(corpus: tuple[Path, list[FuzzFile]]) -> None:
    folder, files = corpus
    found = set(find_pictures([folder]))
    listed = {one.path for one in files}
    inside = {os.fspath(folder / "special" / "unlisted" / "inside.png")}
    if os.geteuid() == 0:  # whom no mode of a folder keeps out
        listed = listed - {os.fspath(folder / "special" / "unlisted")} | inside
    assert found == listed


def test_no_folder_holds_more_than_a_thousand(corpus: tuple[Path, list[FuzzFile]]) -> None:
    _, files = corpus
    folders = Counter(os.path.dirname(one.path) for one in files)  # noqa: PTH120
    assert max(folders.values()) <= PER_FOLDER


def test_the_same_seed_gives_the_same_files_and_another_seed_others() -> None:
    def some(seed: int) -> list[bytes]:
        rng = random.Random(seed)
        return [mutated(one, name, rng) for one in seeds()[::7] for name in NAMES]

    assert some(1) == some(1)
    assert some(1) != some(2)


def test_every_format_that_is_opened_is_among_the_whole_pictures() -> None:
    from sightglass.inputs import signatures

    kinds = {kind for _, kind in signatures._PICTURES} | {"AVIF", "HEIF"}
    assert {seed.kind for seed in seeds()} == kinds
    assert [picture_kind(seed.data) for seed in seeds()] == [seed.kind for seed in seeds()]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"whole"}))
def test_each_way_damages_pictures_of_every_format(name: str) -> None:
    rng = random.Random(0)
    changed = Counter(
        seed.kind for seed in seeds() for _ in range(4) if mutated(seed, name, rng) != seed.data
    )
    assert set(changed) == {seed.kind for seed in seeds()}


def test_width_and_height_are_found_in_every_picture_that_has_them_as_numbers() -> None:
    without = {
        (seed.kind, seed.layout) for seed in seeds() if not size_fields(seed.kind, seed.data)
    }
    words = {(seed.kind, seed.layout) for seed in seeds() if seed.kind == "PPM"}
    assert without == {*words, ("WEBP", "lossless")}  # the latter has 14 bits for each


def test_parts_follow_each_other_and_lie_within_the_file() -> None:
    for seed in seeds():
        parts = parts_of(seed.kind, seed.data)
        assert parts
        assert all(0 <= start < end <= len(seed.data) for start, end in parts)


def test_right_checksums_leave_a_whole_png_as_it_is() -> None:
    for seed in seeds():
        if seed.kind == "PNG":
            assert with_right_checksums(seed.data) == seed.data
