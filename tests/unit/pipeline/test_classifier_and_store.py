from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colour_photos import COLOURS, LONG_AGO, classifier, save
from sightglass import Result, ZeroShotClassifier
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.inputs.images import open_picture
from sightglass.store import Store


def done(result: Result) -> tuple[int, int]:
    return result.run["work"]["read"], result.run["work"]["decoded"]


def statuses(result: Result) -> list[str]:
    return [outcome.status for outcome in result.outcomes]


def test_a_second_run_with_other_names_reads_and_decodes_nothing(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    first = classifier(store=tmp_path / "store").predict(photos)
    assert calls == {"read_bytes": 3, "open_picture": 3}
    assert done(first) == (3, 3)
    calls.clear()
    second = classifier(["cyan", "blue", "red"], store=tmp_path / "store").predict(photos)
    assert calls == {}
    assert done(second) == (0, 0)
    assert second.labels[0] == "red"
    assert second.labels[2] == "blue"
    assert [(p.sha256, p.width) for p in second] == [(p.sha256, p.width) for p in first]


def test_the_same_run_from_the_store_gives_the_same_bits(photos: Path, tmp_path: Path) -> None:
    first = classifier(store=tmp_path / "store").predict(photos)
    again = classifier(store=tmp_path / "store").predict(photos)
    assert again.probabilities.tobytes() == first.probabilities.tobytes()
    assert again.unknown_scores.tobytes() == first.unknown_scores.tobytes()


def test_what_the_store_keeps_is_bit_for_bit_what_the_encoder_gives(
    photos: Path, tmp_path: Path
) -> None:
    result = classifier(store=tmp_path / "store").predict(photos)
    store, encoder = Store(tmp_path / "store"), SyntheticEncoder()
    for prediction in result:
        picture = open_picture(Path(prediction.path).read_bytes()).image
        known = store.known(bytes.fromhex(str(prediction.sha256)), fingerprint=encoder.fingerprint)
        assert known is not None
        expected = encoder.encode_images([encoder.prepare(picture)]).rows[0]
        assert known.row.tobytes() == expected.tobytes()


def test_a_touched_file_is_read_once_more_but_not_decoded(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    classifier(store=tmp_path / "store").predict(photos)
    calls.clear()
    os.utime(photos / "a.png", ns=(LONG_AGO + 10, LONG_AGO + 10))
    touched = classifier(store=tmp_path / "store").predict(photos)
    assert calls == {"read_bytes": 1}
    assert done(touched) == (1, 0)
    assert touched.labels == COLOURS
    classifier(store=tmp_path / "store").predict(photos)
    assert calls == {"read_bytes": 1}


def test_a_changed_file_is_decoded_again(photos: Path, tmp_path: Path, calls: Counter[str]) -> None:
    classifier(store=tmp_path / "store").predict(photos)
    calls.clear()
    save(photos / "a.png", "blue", mtime_ns=LONG_AGO + 10)
    changed = classifier(store=tmp_path / "store").predict(photos)
    assert calls == {"read_bytes": 1, "open_picture": 1}
    assert changed.labels == ["blue", "lime", "blue"]


def test_a_copy_costs_no_decode_and_is_a_duplicate_only_beside_its_original(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    classifier(store=tmp_path / "store").predict(photos)
    calls.clear()
    (photos / "d.png").write_bytes((photos / "a.png").read_bytes())
    both = classifier(store=tmp_path / "store").predict(photos)
    assert calls == {"read_bytes": 1}
    assert statuses(both) == ["ok", "ok", "ok", "duplicate"]
    assert both.outcomes[3].detail == f"same bytes as {photos}/a.png"
    assert both.labels[3] == "red"
    alone = classifier(store=tmp_path / "store").predict(photos / "d.png")
    assert statuses(alone) == ["ok"]
    assert "open_picture" not in calls


def test_failures_are_not_remembered(photos: Path, tmp_path: Path) -> None:
    good = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(good[:-60] + bytes(60))  # the same size
    os.utime(photos / "a.png", ns=(LONG_AGO, LONG_AGO))
    broken = classifier(store=tmp_path / "store").predict(photos)
    assert broken.labels[0] is None
    (photos / "a.png").write_bytes(good)
    os.utime(photos / "a.png", ns=(LONG_AGO, LONG_AGO))
    assert classifier(store=tmp_path / "store").predict(photos).labels == COLOURS


def test_without_a_store_nothing_outlasts_the_run(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Counter[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        classifier(store=None).predict(photos)
    assert calls["open_picture"] == 6
    assert not (tmp_path / "cache").exists()


def test_the_default_store_is_the_one_in_the_users_cache(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Counter[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        ZeroShotClassifier(COLOURS, model="synthetic:colours").predict(photos)
    assert calls["open_picture"] == 3
    assert (tmp_path / "cache" / "sightglass" / "store.sqlite").is_file()


def test_two_classifiers_at_once_share_one_store(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    one = classifier(store=tmp_path / "store")
    two = classifier(["teal", "red"], store=tmp_path / "store")
    one.predict(photos)
    calls.clear()
    assert two.predict(photos).labels[0] == "red"
    assert one.predict(photos).labels == COLOURS
    assert calls == {}


def test_encoders_with_other_fingerprints_never_share_rows(
    photos: Path, tmp_path: Path, calls: Counter[str]
) -> None:
    class Flipped(SyntheticEncoder):
        """Sees every colour as its opposite."""

        def __init__(self) -> None:
            super().__init__()
            assert self._card.image is not None
            image = self._card.image.model_copy(update={"mean": (1.0, 1.0, 1.0)})
            self._card = self._card.model_copy(update={"image": image})

        def prepare(self, image: Image.Image) -> np.ndarray:
            return 255 - super().prepare(image)

    names = ["red", "lime", "blue", "cyan", "magenta", "yellow"]
    plain = classifier(names, store=tmp_path / "store").predict(photos)
    calls.clear()
    other = classifier(names, store=tmp_path / "store", model=Flipped()).predict(photos)
    assert calls["open_picture"] == 3
    assert plain.labels == ["red", "lime", "blue"]
    assert other.labels == ["cyan", "magenta", "yellow"]
    assert other.run["model"]["fingerprint"] != plain.run["model"]["fingerprint"]
