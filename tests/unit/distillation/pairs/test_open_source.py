from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pair_layouts import encoded, numbered_png, numbered_view, write_parquet, write_tar
from sightglass.distillation.pairs.ledger import Ledger
from sightglass.distillation.pairs.open_source import kind_of, open_mix, open_source
from sightglass.distillation.pairs.pair_batches import batches
from sightglass.distillation.pairs.source import PairSource
from sightglass.distillation.pairs.source_settings import SourceSettings
from sightglass.errors import InputError, MissingExtraError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One of each kind, with ten pictures each; pictures of the k-th are numbered from 1000 k."""
    numbers = [[1000 * kind + number for number in range(10)] for kind in range(4)]
    lines = [f"{number}.png,picture {number},ox\n" for number in numbers[0]]
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "pairs.csv").write_text("image,caption,label\n" + "".join(lines))
    for number in numbers[0]:
        (tmp_path / "table" / f"{number}.png").write_bytes(numbered_png(number))
    write_tar(
        tmp_path / "shards" / "a-0.tar",
        [
            entry
            for number in numbers[1]
            for entry in (
                (f"{number}.png", numbered_png(number)),
                (f"{number}.txt", f"picture {number}".encode()),
                (f"{number}.cls", b"1"),
            )
        ],
    )
    write_parquet(
        tmp_path / "hub" / "data" / "train-0.parquet",
        {
            "image": encoded([numbered_png(number) for number in numbers[2]]),
            "label": [number % 3 for number in numbers[2]],
        },
        names={"label": ["goldfish, Carassius auratus", "aquarium_fish", "great white shark"]},
        rows=4,
    )
    for number in numbers[3]:
        path = tmp_path / "photos" / ("tea_cup" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbered_png(number))
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    return tmp_path


def opened(data: Path, path: str, **settings: Any) -> PairSource:
    return open_source(SourceSettings(path=f"{data}/{path}", **settings))


def said(source: PairSource) -> list[tuple[str, ...]]:
    rows = [source.read(index) for index in range(len(source))]
    assert [source.captions(index) for index in range(len(source))] == [r.captions for r in rows]
    return [row.captions for row in rows]


def labels(source: PairSource) -> list[int]:
    return [source.read(index).label for index in range(len(source))]


def test_the_kind_is_guessed_from_the_path(data: Path) -> None:
    paths = {
        "table/pairs.csv": "table",
        "table": "folder",
        "x.TSV": "table",
        "shards": "webdataset",
        "shards/a-{0..3}.tar": "webdataset",
        "shards/*.tar": "webdataset",
        "hub": "parquet",
        "hub/data": "parquet",
        "hub/data/*.parquet": "parquet",
        "photos": "folder",
        "photos/*/*.png": "folder",
    }
    assert {path: kind_of(f"{data}/{path}") for path in paths} == paths


def test_a_source_says_what_it_says_where_nothing_is_asked(data: Path) -> None:
    table = opened(data, "table/pairs.csv")
    assert said(table) == [(f"picture {number}",) for number in range(10)]
    assert (labels(table), table.classes) == ([0] * 10, ("ox",))
    shards = opened(data, "shards")
    assert said(shards) == [(f"picture {number}",) for number in range(1000, 1010)]
    assert (labels(shards), shards.classes) == ([1] * 10, ())
    hub = opened(data, "hub")
    assert (said(hub), hub.captioned) == ([()] * 10, False)
    assert labels(hub) == [number % 3 for number in range(2000, 2010)]
    assert hub.classes == ("goldfish", "aquarium fish", "great white shark")
    photos = opened(data, "photos")
    assert (said(photos), labels(photos), photos.classes) == ([()] * 10, [-1] * 10, ())


def test_class_names_become_captions_in_sentences(data: Path) -> None:
    names = ["goldfish", "aquarium fish", "great white shark"]
    source = opened(data, "hub", captions="class")
    assert said(source) == [(f"a photo of a {names[n % 3]}.",) for n in range(2000, 2010)]
    assert source.captioned
    source = opened(
        data, "hub", captions="class", templates=("{}", "many {}!"), first_name=False, labels=False
    )
    names[0] = "goldfish, Carassius auratus"
    assert said(source) == [(names[n % 3], f"many {names[n % 3]}!") for n in range(2000, 2010)]
    assert (labels(source), source.classes, source.labelled) == ([-1] * 10, (), False)
    photos = opened(data, "photos", captions="class", templates=["{}"])
    assert said(photos) == [("dog",)] * 5 + [("tea cup",)] * 5
    assert labels(photos) == [0] * 5 + [1] * 5
    shards = opened(
        data, "shards", captions="class", templates=["{}"], class_names=f"{data}/names.txt"
    )
    assert said(shards) == [("dog",)] * 10


def test_captions_and_labels_can_be_left_out(data: Path) -> None:
    source = opened(data, "table/pairs.csv", captions="none", labels=False)
    assert (said(source), labels(source), source.captioned) == ([()] * 10, [-1] * 10, False)
    assert labels(opened(data, "photos", labels=True)) == [0] * 5 + [1] * 5


def test_some_rows_can_be_used(data: Path) -> None:
    for path in ("table/pairs.csv", "shards", "hub", "photos"):
        whole = opened(data, path)
        for use, rows in {"2:7": range(2, 7), ":3": range(3), "8:": range(8, 10)}.items():
            part = opened(data, path, use=use)
            assert len(part) == len(rows)
            for index, row in enumerate(rows):
                found, same = part.read(index), whole.read(row)
                assert found.index == index
                assert (found.image, found.captions, found.label, found.where) == (
                    same.image,
                    same.captions,
                    same.label,
                    same.where,
                )
                assert part.where(index) == whole.where(row)
                assert part.captions(index) == whole.captions(row)
            order = part.epoch_order(1, 2).tolist()
            assert sorted(order) == list(range(len(rows)))
            inside = [row for row in whole.epoch_order(1, 2).tolist() if row in rows]
            assert [rows.start + index for index in order] == inside


def test_everything_that_decides_the_rows_decides_the_digest(data: Path) -> None:
    settings: list[dict[str, Any]] = [
        {},
        {"captions": "class"},
        {"captions": "class", "templates": ["{}"]},
        {"first_name": False},
        {"labels": False},
        {"use": "0:9"},
        {"use": "1:10"},
        {"use": ":"},
    ]
    digests = {opened(data, "hub", **some).digest for some in settings}
    assert len(digests) == len(settings)
    assert opened(data, "hub").digest in digests


@pytest.mark.parametrize(
    ("path", "settings", "message"),
    [
        ("hub", {"images": "x"}, "the setting images is for sources of the kind table, this is a"),
        ("photos", {"class_names": "x"}, "of the kind table or webdataset or parquet, this is a"),
        ("hub", {"captions": "column"}, "captions are asked for, but there are none"),
        ("photos", {"captions": "column"}, "captions are asked for, but there are none"),
        ("shards", {"captions": "class"}, "captions of class names need class names"),
        ("table/0.png", {"labels": True}, "a folder with one folder per class is needed"),
        ("hub", {"use": "3:11"}, r"use must name some of the 10 rows, got '3:11'.*'0:10' is all"),
        ("hub", {"use": "4:4"}, "use must name some of the 10 rows, got '4:4'"),
        ("hub", {"use": "10:"}, "use must name some of the 10 rows, got '10:'"),
        ("hub", {"captions": "class", "templates": ["dog"]}, r"exactly one \{\}"),
        ("hubb", {}, "Did you mean '.*/hub'"),
        ("hub", {"kind": "webdataset"}, r"a folder with \.tar files is needed"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(
    data: Path, path: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        opened(data, path, **settings)


def test_labels_that_are_asked_for_must_be_there(data: Path) -> None:
    (data / "bare.csv").write_text("image,caption\na.png,x\n")
    with pytest.raises(InputError, match="labels are asked for, but there are none"):
        opened(data, "bare.csv", labels=True)


@pytest.mark.parametrize(
    "settings",
    [{"path": ""}, {"path": "a", "use": "3"}, {"path": "a", "weight": 0}, {"path": "a", "wait": 1}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SourceSettings(**settings)


def test_settings_can_be_written_as_texts_as_in_a_recipe() -> None:
    some = SourceSettings.model_validate(
        {"path": "a", "weight": "0.5", "labels": "true", "templates": ["{}"], "use": "1:2"}
    )
    assert (some.weight, some.labels, some.templates) == (0.5, True, ("{}",))


def test_all_kinds_are_mixed_and_read_in_batches(data: Path) -> None:
    (data / "table" / "3.png").unlink()
    mix = open_mix(
        [
            SourceSettings(path=f"{data}/table/pairs.csv"),
            SourceSettings(path=f"{data}/shards", captions="none"),
            SourceSettings(path=f"{data}/hub", captions="class"),
            SourceSettings(path=f"{data}/photos"),
        ]
    )
    assert mix.shares == (0.25,) * 4
    ledger = Ledger()
    made = batches(mix, batch_size=8, seed=1, view=numbered_view, ledger=ledger)
    some = list(itertools.islice(made, 5))
    made.close()
    assert some[-1].state == {"drawn": [10] * 4}
    drawn = sorted(
        (int(source), int(index))
        for batch in some
        for source, index in zip(batch.sources, batch.indices, strict=True)
    )
    missing = [(0, index) for index in range(10) if index != 3]
    assert set(drawn) == {*missing, *itertools.product((1, 2, 3), range(10))}
    assert [(one.where, one.status) for one in ledger.entries] == [
        (f"{data}/table/3.png", "unreadable")
    ]


def test_weights_are_for_all_sources_or_none(data: Path) -> None:
    table, shards = f"{data}/table/pairs.csv", f"{data}/shards"
    mix = open_mix(
        [SourceSettings(path=table, weight=0.3), SourceSettings(path=shards, weight=0.1)]
    )
    assert mix.shares == (0.75, 0.25)
    with pytest.raises(InputError, match="shards: a weight is needed, as other sources have one"):
        open_mix([SourceSettings(path=table, weight=1), SourceSettings(path=shards)])


def test_without_pyarrow_all_but_parquet_can_be_opened(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert len(opened(data, "shards")) == 10
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[train\]'"):
        opened(data, "hub")
