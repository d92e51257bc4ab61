from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from counting_encoder import CountingEncoder
from sightglass.encoders.contract import ImageEncoder
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.reports.exports.embedded_pictures import (
    EmbeddedPicture,
    about,
    embedded_pictures,
)
from sightglass.reports.work import Work
from sightglass.store import Store, open_store

SHADES = {"a.png": (255, 0, 0), "b.png": (0, 250, 9), "c.png": (0, 0, 255), "d.png": (9, 9, 9)}


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Four pictures, a copy of the first, and a file that is none."""
    for name, shade in SHADES.items():
        Image.new("RGB", (40, 30), shade).save(tmp_path / name)
    (tmp_path / "e.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "f.png").write_text("no picture")
    return sorted(map(str, tmp_path.iterdir()))


def embed(
    sources: list[str], encoder: ImageEncoder, store: Store, *, work: Work | None = None
) -> Iterator[EmbeddedPicture]:
    return embedded_pictures(
        sources,
        encoder=encoder,
        store=store,
        max_pixels=10_000,
        batch_size=2,
        work=work or Work(),
    )


def test_rows_are_what_the_encoder_gives_directly(photos: list[str]) -> None:
    encoder = SyntheticEncoder()
    made = list(embed(photos, encoder, open_store(None)))
    prepared = [encoder.prepare(Image.open(path)) for path in photos[:5]]
    direct = encoder.encode_images(prepared)
    assert np.array_equal(np.array([one.row for one in made[:5]]), direct.rows)
    assert [one.norm for one in made[:5]] == direct.norms.tolist()
    assert made[5].row is None


def test_outcomes_are_those_of_classify(photos: list[str]) -> None:
    work = Work()
    made = list(embed(photos, SyntheticEncoder(), open_store(None), work=work))
    assert [one.outcome.path for one in made] == photos
    assert [one.outcome.status for one in made] == ["ok"] * 4 + ["duplicate", "unsupported"]
    assert made[4].outcome.detail == f"same bytes as {photos[0]}"
    assert made[4].sha256 == made[0].sha256
    assert (made[0].width, made[0].height) == (40, 30)
    assert (made[5].sha256, made[5].width, made[5].norm) == (None, None, None)
    assert (work.found, work.failed) == (6, 1)


def test_what_the_store_knows_is_not_encoded_again(photos: list[str], tmp_path: Path) -> None:
    encoder, store = CountingEncoder(), open_store(tmp_path / "store.sqlite")
    stopped = embed(photos, encoder, store)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    before = encoder.pictures
    rows = [one.row for one in embed(photos, encoder, store)]
    assert encoder.pictures - before == 4 - 2  # a batch of two was kept
    again = [one.row for one in embed(photos, encoder, store)]
    assert encoder.pictures - before == 2
    for one, other in zip(rows, again, strict=True):
        assert np.array_equal(one, other) if one is not None else other is None


def test_the_card_says_whose_rows_they_are() -> None:
    encoder = SyntheticEncoder()
    said = about(encoder)["encoder"]
    assert said["fingerprint"] == encoder.fingerprint
    assert (said["name"], said["dim"], said["logit_scale"]) == ("synthetic:colours", 27, 30.0)
