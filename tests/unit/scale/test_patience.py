from __future__ import annotations

import pytest

from sightglass.scale.patience import Patience
from sightglass.scale.settings import ClassifierSettings

FAR = "https://example.org/a.jpg"


@pytest.mark.parametrize(
    ("sources", "changed", "trial", "seconds"),
    [
        (["a"], {}, 0.0, 300 + 60),
        (["a"], {}, 0.5, 300 + 60 + 10 * 0.5),
        (["a"] * 5, {}, 0.5, 300 + 5 * (60 + 5)),
        (["a"] * 1024, {}, 0.5, 300 + 32 * (60 + 5)),  # a batch, however large the shard
        (["a"] * 1024, {"batch_size": 8}, 0.5, 300 + 8 * (60 + 5)),
        ([FAR], {}, 0.0, 3600 + 60),
        (["a", FAR], {}, 0.0, 3600 + 2 * 60),
        (["a"], {"max_pixels": 2 * 178_956_970}, 0.5, 300 + 2 * 60 + 5),
        (["a"], {"max_pixels": 1}, 0.0, 300 + 60),  # to refuse a picture takes time too
    ],
)
def test_silence_may_last_as_long_as_a_batch_of_the_slowest_pictures(
    sources: list[str], changed: dict[str, int], trial: float, seconds: float
) -> None:
    settings = ClassifierSettings(classes="a,b", **changed)  # type: ignore[arg-type]
    assert Patience().seconds(sources, settings, trial) == pytest.approx(seconds)


def test_it_ends_later_than_the_readers_of_urls_give_up() -> None:
    # Web servers: remote_patience asks four times, each for five minutes at most, with pauses of
    # 3.5 s together, after two questions for the headers. s3fs: the size and the bytes, each in
    # five calls of five attempts that wait 15 s, all four times.
    web = 4 * 300 + 3.5 + 2 * 300
    s3 = 4 * 2 * 5 * 5 * 15 + 3.5
    assert Patience().far > max(web, s3)
