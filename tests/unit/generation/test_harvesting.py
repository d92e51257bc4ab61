from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colour_photos import encoded, save
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.errors import InputError, ResultsError
from sightglass.generation.everyday_words import better_named
from sightglass.generation.harvest_rule import Harvest
from sightglass.generation.harvested_folder import check_target, write_harvest
from sightglass.generation.harvesting import (
    AnsweredPicture,
    SeenPictures,
    choose_from,
    see_pictures,
)
from sightglass.inputs.references import read_record
from sightglass.store import Store

NAMES = ["red", "blue"]


def answered(path: Path, *probabilities: float) -> AnsweredPicture:
    return AnsweredPicture(
        path=str(path),
        content=hashlib.sha256(path.read_bytes()).digest(),
        probabilities=np.array(probabilities or (0.9, 0.1), np.float32),
        unknown_score=0.0,
    )


def chosen(*indices: tuple[int, ...], reasons: tuple[str, ...] = ("", "")) -> Harvest:
    return Harvest(indices=indices, reasons=reasons, scores=np.full(5, 0.5, np.float32))


def write(out: Path, harvest: Harvest, pictures: list[AnsweredPicture]) -> list[tuple[str, str]]:
    written = write_harvest(out, harvest, pictures, NAMES, rule="a rule", generator="a model")
    assert read_record(out) == written.record
    return list(written.left_out)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    colours = ("red", "darkred", "blue", "navy", "gold")
    return [save(tmp_path / f"{colour}.png", colour) for colour in colours]


def see(pictures: list[AnsweredPicture], store: Store, *, batch_size: int) -> SeenPictures:
    encoder = SyntheticEncoder()
    return see_pictures(
        pictures,
        encoder=encoder,
        named=partial(
            better_named,
            classes=encoder.encode_texts(NAMES).rows,
            words=encoder.encode_texts(["orange", "lime"]).rows,
        ),
        vision=encoder,
        store=store,
        batch_size=batch_size,
    )


# --- seeing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 9])
def test_every_different_picture_gets_the_encoders_row(photos: list[Path], batch_size: int) -> None:
    store, vision = Store(None), SyntheticEncoder()
    twin = photos[0].with_name("twin.png")
    twin.write_bytes(photos[0].read_bytes())
    pictures = [answered(path) for path in [*photos, twin]]
    seen = see(pictures, store, batch_size=batch_size)
    assert [one.path for one in seen.pictures] == [str(path) for path in photos]
    prepared = [vision.prepare(Image.open(path)) for path in photos]
    np.testing.assert_allclose(seen.vision_rows, vision.encode_images(prepared).rows, rtol=1e-6)
    # Gold is nearer to none of the classes than to the word "orange"; the others are named.
    assert seen.named.tolist() == [True, True, True, True, False]
    assert seen.lost == ()
    assert all(store.known(one.content, fingerprint=vision.fingerprint) for one in seen.pictures)
    store.close()


def test_a_picture_that_changed_or_went_meanwhile_is_lost_and_said(photos: list[Path]) -> None:
    store = Store(None)
    pictures = [answered(path) for path in photos]
    photos[1].write_bytes(encoded("lime"))
    photos[3].unlink()
    seen = see(pictures, store, batch_size=2)
    assert seen.lost == (str(photos[1]), str(photos[3]))
    assert [one.path for one in seen.pictures] == [str(photos[at]) for at in (0, 2, 4)]
    assert len(seen.vision_rows) == 3
    store.close()


def test_what_was_seen_is_chosen_from_by_its_own_numbers(photos: list[Path]) -> None:
    store = Store(None)
    odds = [(0.9, 0.1), (0.8, 0.2), (0.1, 0.9), (0.2, 0.8)]
    pictures = [answered(path, *both) for path, both in zip(photos, odds, strict=False)]
    seen = see(pictures, store, batch_size=3)
    harvest = choose_from(seen, n_classes=2, per_class=4, unknown_threshold=0.5)
    # Two and two that lie together: half of two is one, and the scores 0.9 x 0.8 are equal.
    assert harvest.indices == ((0,), (2,))
    np.testing.assert_allclose(harvest.scores, [0.72] * 4, rtol=1e-6)
    store.close()


# --- writing -------------------------------------------------------------------------------------


def test_copies_and_the_record_say_the_same(photos: list[Path], tmp_path: Path) -> None:
    pictures = [answered(path) for path in photos]
    out = tmp_path / "deep" / "references"
    assert write(out, chosen((1, 0), ()), pictures) == []
    record = read_record(out)
    assert [one.source for one in record.pictures] == [str(photos[1]), str(photos[0])]
    assert [(out / one.path).read_bytes() for one in record.pictures] == [
        photos[1].read_bytes(),
        photos[0].read_bytes(),
    ]
    assert (record.rule, record.pictures[0].filter_score) == ("a rule", 0.5)


def test_a_chosen_picture_that_changed_is_left_out_and_its_class_says_so(
    photos: list[Path], tmp_path: Path
) -> None:
    pictures = [answered(path) for path in photos]
    photos[2].write_bytes(encoded("lime"))
    left_out = write(tmp_path / "references", chosen((0,), (2,)), pictures)
    assert left_out == [(str(photos[2]), "the file has changed since it was looked at")]
    record = read_record(tmp_path / "references")
    assert record.classes_without == {"blue": "none of the chosen pictures could be copied"}


def test_a_format_that_references_cannot_have_is_left_out(
    photos: list[Path], tmp_path: Path
) -> None:
    drawing = tmp_path / "drawing.ico"
    Image.new("RGB", (16, 16), "red").save(drawing)
    pictures = [answered(photos[0]), answered(drawing)]
    left_out = write(tmp_path / "references", chosen((0, 1), ()), pictures)
    assert left_out == [(str(drawing), "references cannot be of the format ICO")]


def test_where_nothing_can_be_copied_the_old_folder_stays(
    photos: list[Path], tmp_path: Path
) -> None:
    pictures = [answered(path) for path in photos]
    out = tmp_path / "references"
    write(out, chosen((0,), (2,)), pictures)
    before = read_record(out)
    photos[1].unlink()
    with pytest.raises(ResultsError, match=r"none of the chosen pictures could be copied; .*red"):
        write(out, chosen((1,), ()), pictures)
    assert read_record(out) == before
    assert not list(tmp_path.glob(".references*"))


def test_what_came_into_the_folder_meanwhile_is_kept(photos: list[Path], tmp_path: Path) -> None:
    pictures = [answered(path) for path in photos]
    out = tmp_path / "references"
    write(out, chosen((0,), (2,)), pictures)
    check_target(out, [], [])
    (out / "red" / "mine.png").write_bytes(encoded("red"))
    with pytest.raises(InputError, match=r"'red/mine\.png' is none"):
        write(out, chosen((1,), ()), pictures)
    assert (out / "red" / "mine.png").exists()


def test_when_the_new_folder_cannot_take_its_place_the_old_one_comes_back(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [answered(path) for path in photos]
    out = tmp_path / "references"
    write(out, chosen((0,), (2,)), pictures)
    before = read_record(out)
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(ResultsError, match=r"cannot be written \(No space left on device\)"):
        write(out, chosen((1,), ()), pictures)
    assert read_record(out) == before
    assert not list(tmp_path.glob(".references*"))


def test_a_file_managers_own_file_is_no_reason_to_refuse(
    photos: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "references"
    write(out, chosen((0,), (2,)), [answered(path) for path in photos])
    (out / ".DS_Store").write_bytes(b"\0")
    check_target(out, [], [])
    assert write(out, chosen((1,), ()), [answered(path) for path in photos]) == []
