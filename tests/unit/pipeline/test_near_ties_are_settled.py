"""An encoder that rounds gives the labels of the one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightglass import reading, settling
from sightglass.encoders.embeddings import Embeddings, unit_rows
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.inputs.outcome import Outcome
from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.work import Work

STEP = 0.04
NAMES = ["red", "orange", "yellow", "purple", "blue"]
OTHER_NAMES = ["crimson", "gold", "navy", "violet"]


class Rounded(SyntheticEncoder):
    """Rows of pictures in steps of ``STEP``.

    An entry moves by half a step at most, so a row of 27 by ``STEP / 2 * sqrt(27)`` and, made unit
    length again, by no more than twice that; along any one direction that is the most as well.
    """

    rounding = 2 * (STEP / 2 * np.sqrt(27)) * np.sqrt(27)

    def __init__(self) -> None:
        super().__init__()
        self.reference = SyntheticEncoder()

    @property
    def fingerprint(self) -> str:
        return "rounded"

    def encode_images(self, pictures: Sequence[np.ndarray]) -> Embeddings:
        rows = super().encode_images(pictures).rows
        return Embeddings(
            rows=unit_rows(np.round(rows / STEP) * STEP), fingerprint=self.fingerprint
        )


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Plain pictures of 120 colours between red, yellow and blue."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(120):
        path = tmp_path / f"{number:03d}.png"
        Image.new("RGB", (9, 9), tuple(rng.integers(0, 256, 3).tolist())).save(path)
        paths.append(str(path))
    return paths


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    count = [0]
    really = reading.open_picture

    def counted(*arguments: object, **options: object) -> object:
        count[0] += 1
        return really(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "open_picture", counted)
    return count


def labels(encoder: SyntheticEncoder, photos: list[str], *, store: Path | None = None) -> list:
    classifier = ZeroShotClassifier(NAMES, model=encoder, store=store)
    return [prediction.label for prediction in classifier.stream(photos)]


def test_the_rounding_alone_would_change_labels(photos: list[str]) -> None:
    class Unguarded(Rounded):
        rounding = 0.0

    assert labels(Unguarded(), photos) != labels(SyntheticEncoder(), photos)


def test_labels_are_those_of_the_reference(photos: list[str]) -> None:
    assert labels(Rounded(), photos) == labels(SyntheticEncoder(), photos)


def test_only_near_ties_are_read_again_for_new_names(
    photos: list[str], decodes: list[int], tmp_path: Path
) -> None:
    class Finer(Rounded):
        rounding = Rounded.rounding / 20

    store = tmp_path / "store.sqlite"
    first = Work()
    list(ZeroShotClassifier(NAMES, model=Finer(), store=store).stream(photos, first))
    assert 0 < first.near_ties < 60
    assert decodes == [120]

    again = ZeroShotClassifier(NAMES, model=Finer(), store=store)
    list(again.stream(photos))
    assert decodes == [120]

    second = Work()
    list(ZeroShotClassifier(OTHER_NAMES, model=Finer(), store=store).stream(photos, second))
    assert 0 < second.near_ties < 60
    assert 120 < decodes[0] <= 120 + second.near_ties


def test_a_picture_that_went_away_meanwhile_keeps_the_rounded_answer(
    photos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store.sqlite"
    list(ZeroShotClassifier(OTHER_NAMES, model=Rounded(), store=store).stream(photos))

    def gone(source: str, **_: object) -> reading.ReadPicture:
        outcome = Outcome(path=source, status="unreadable", detail="gone")
        return reading.ReadPicture(outcome=outcome, source=source)

    monkeypatch.setattr(settling, "read_picture", gone)
    work = Work()
    left = list(ZeroShotClassifier(NAMES, model=Rounded(), store=store).stream(photos, work))
    assert work.near_ties > 0
    assert work.counts["ok"] + work.counts["duplicate"] == 120
    assert all(prediction.label for prediction in left)


def test_the_batch_size_changes_nothing_here_either(photos: list[str]) -> None:
    whole = ZeroShotClassifier(NAMES, model=Rounded(), store=None)
    single = ZeroShotClassifier(NAMES, model=Rounded(), store=None, batch_size=1)
    rows = [p.as_row() for p in whole.stream(photos)]
    assert [p.as_row() for p in single.stream(photos)] == rows
