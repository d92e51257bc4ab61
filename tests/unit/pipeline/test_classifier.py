from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from colour_photos import COLOURS, classifier, encoded, save
from sightglass import LabelSet, Result
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError, UnknownNameError
from sightglass.reports.work import Work

if TYPE_CHECKING:
    from sightglass.reading import Source


def statuses(result: Result) -> list[str]:
    return [outcome.status for outcome in result.outcomes]


def test_pictures_get_the_names_of_their_colours(photos: Path) -> None:
    result = classifier().predict(photos)
    assert result.paths == [f"{photos}/{name}" for name in ("a.png", "b.jpg", "c.webp")]
    assert result.labels == ["red", "lime", "blue"]
    assert statuses(result) == ["ok"] * 3
    assert result.class_names == ("red", "lime", "blue")
    assert result.probabilities.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-6)
    assert [(p.width, p.height) for p in result] == [(40, 30)] * 3


def test_a_picture_of_none_of_the_classes_is_unknown_unless_that_is_switched_off() -> None:
    blue = Image.new("RGB", (8, 8), "blue")
    asked = classifier(["red", "lime"]).predict([blue, Image.new("RGB", (8, 8), "red")])
    assert asked.labels == ["unknown", "red"]
    assert asked.unknown_scores[0] > 0.5 > asked.unknown_scores[1]
    forced = classifier(["red", "lime"], unknown=False).predict(blue)
    assert forced.labels[0] in ("red", "lime")
    assert forced.unknown_scores[0] == asked.unknown_scores[0]
    assert forced.run["unknown"]["enabled"] is False


def test_files_that_cannot_be_used_are_rows_in_their_place(photos: Path) -> None:
    whole = (photos / "b.jpg").read_bytes()
    (photos / "a1 empty.png").write_bytes(b"")
    (photos / "a2 text.jpg").write_text("not a picture")
    (photos / "b1 half.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "b2 gone.jpg").symlink_to(photos / "nowhere.jpg")
    Image.new("RGB", (60, 60), "red").save(photos / "z large.png")
    result = classifier(max_pixels=1200).predict(photos)
    assert [Path(path).name for path in result.paths] == [
        "a.png",
        "a1 empty.png",
        "a2 text.jpg",
        "b.jpg",
        "b1 half.jpg",
        "b2 gone.jpg",
        "c.webp",
        "z large.png",
    ]
    assert statuses(result) == [
        "ok",
        "corrupt",
        "unsupported",
        "ok",
        "truncated",
        "unreadable",
        "ok",
        "too_large",
    ]
    bad = [1, 2, 4, 5, 7]
    assert [i for i, label in enumerate(result.labels) if label is None] == bad
    assert np.isnan(result.probabilities).all(axis=1).nonzero()[0].tolist() == bad
    assert np.isnan(result.unknown_scores).nonzero()[0].tolist() == bad
    assert all(result.outcomes[i].detail for i in bad)
    assert result.run["counts"]["ok"] == 3
    assert sum(result.run["counts"].values()) == 8


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 100])
def test_the_batch_size_changes_no_byte_of_any_table(
    photos: Path, tmp_path: Path, batch_size: int
) -> None:
    (photos / "b1.png").write_bytes(b"")
    for i, colour in enumerate(["teal", "pink", "red", "olive", "red"]):
        save(photos / f"d{i}.png", colour)
    expected = classifier(batch_size=9).predict(photos)
    result = classifier(batch_size=batch_size).predict(photos)
    for name, one in (("one", expected), ("two", result)):
        one.to_csv(tmp_path / f"{name}.csv")
        one.to_jsonl(tmp_path / f"{name}.jsonl")
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert statuses(result).count("duplicate") == 2


def test_pictures_arrays_bytes_and_paths_may_be_mixed(photos: Path) -> None:
    grey = np.full((30, 40), 128, np.uint8)
    rgb = np.full((30, 40, 3), (0, 0, 255), np.uint8)
    rgba = np.full((30, 40, 4), (255, 0, 0, 0), np.uint8)  # wholly transparent: white shows
    given = [Image.new("P", (8, 8)), grey, photos / "b.jpg", rgb, rgba, encoded("red"), b"junk"]
    names = ["red", "lime", "blue", "grey", "white", "black"]
    for images in (given, tuple(given), (item for item in given)):
        result = classifier(names).predict(images)
        names_given = [f"image[{index}]" for index in range(7)]
        assert result.paths == [*names_given[:2], f"{photos}/b.jpg", *names_given[3:]]
        assert result.labels == ["black", "grey", "lime", "blue", "white", "red", None]
        assert statuses(result)[-1] == "unsupported"


@pytest.mark.parametrize("images", [[], (), iter([])])
def test_nothing_given_is_an_empty_answer(images: Any) -> None:
    result = classifier().predict(images)
    assert len(result) == 0
    assert result.probabilities.shape == (0, 3)


def test_an_encoder_object_serves_as_well_as_its_name(photos: Path) -> None:
    by_object = classifier(model=SyntheticEncoder()).predict(photos)
    by_name = classifier().predict(photos)
    assert by_object.probabilities.tobytes() == by_name.probabilities.tobytes()


def test_classes_may_be_a_list_a_text_a_file_or_a_label_set(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("# colours\nred\nlime|green lime\n")
    of_file = classifier(str(tmp_path / "classes.txt"))
    assert of_file.labels.synonyms == (("red",), ("lime", "green lime"))
    for classes in (["red", "lime"], "red, lime", LabelSet.of(["red", "lime"])):
        assert classifier(classes).labels == LabelSet.of(["red", "lime"])


def test_the_run_record_says_what_was_asked_and_is_json(photos: Path) -> None:
    result = classifier(prompts="a swatch of {}").predict(photos)
    assert json.loads(json.dumps(result.run)) == result.run
    assert result.run["templates"] == ["a swatch of {}"]
    assert result.run["labels"] == {"red": 1, "lime": 1, "blue": 1}
    assert set(result.run["timings"]) == {"classes", "read", "encode", "decide"}
    assert result.run["command"] == []


def test_thumbnails_are_given_by_the_hash_of_a_picture(photos: Path) -> None:
    asked = classifier()
    (first, *_) = asked.predict(photos)
    thumbnail = asked.thumbnail(str(first.sha256))
    assert thumbnail is not None
    assert Image.open(io.BytesIO(thumbnail)).getpixel((5, 5)) == pytest.approx((254, 0, 0), abs=2)
    assert asked.thumbnail("00" * 32) is None


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_as_many_classes_are_listed_as_asked_for(top_k: int) -> None:
    (prediction,) = classifier(top_k=top_k).predict(Image.new("RGB", (8, 8), "red"))
    assert prediction.decision is not None
    assert len(prediction.decision.top) == min(top_k, 3)


def test_a_stream_reads_only_a_few_batches_ahead_and_stops_when_closed() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Source]:
        while True:
            taken.append(len(taken))
            yield (f"{len(taken)}.png", encoded("red"))

    work = Work()
    predictions = classifier(batch_size=2).stream(endless(), work)
    assert next(predictions).path == "1.png"
    # One batch of two is out, and three batches are being read.
    assert len(taken) <= 2 + 3 * 2
    predictions.close()
    assert work.found == 2
    before = len(taken)
    assert next(predictions, None) is None
    assert len(taken) == before


def test_a_system_that_hides_its_processors_changes_nothing(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert classifier().predict(photos).labels == COLOURS


@pytest.mark.parametrize("name", ["top_k", "batch_size", "max_pixels"])
def test_numbers_below_one_are_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        classifier(**{name: 0})
    assert str(caught.value) == f"ZeroShotClassifier: {name} must be 1 or more, got 0."


def test_unknown_names_are_answered_with_the_closest_known_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'synthetic:colours'"):
        classifier(model="synthetic:colors")
    with pytest.raises(UnknownNameError, match="Did you mean 'ensemble'"):
        classifier(prompts="ensembles")
    with pytest.raises(UnknownNameError) as caught:
        classifier(prompts="qqqqqq")
    assert "Did you mean" not in str(caught.value)


def test_a_path_that_does_not_exist_stops_the_run_before_it_begins(photos: Path) -> None:
    with pytest.raises(InputError, match=r"'.*nowhere' does not exist"):
        classifier().predict([photos, photos / "nowhere"])
