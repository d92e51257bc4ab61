"""One picture after another with the model loaded: how long the answer for one takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pictures import make_checkpoint, make_photos
from sightglass import ZeroShotClassifier
from sightglass.encoders.hub import load_hub_encoder
from sightglass.encoders.registry import load_dual_encoder
from speed_ours import NAMES, STORE, TEMPLATE, forget
from speed_peers import Ask, pipeline_asks, plain_clip_loop, plain_onnx_loop
from tables import markdown, spread

OURS_MINI, LOOP_MINI = "ours, mini", "plain loop, mini"
OURS_LARGE, OURS_LARGE_FP32 = "ours, ViT-B/32's size", "ours, ViT-B/32's size, fp32"
PIPELINE, PIPELINE_BF16 = "pipeline, ViT-B/32's size", "pipeline, bf16, ViT-B/32's size"
LOOP_LARGE = "plain loop, ViT-B/32's size"
_PAIRS = (
    (OURS_MINI, LOOP_MINI),
    (OURS_LARGE, PIPELINE),
    (OURS_LARGE, PIPELINE_BF16),
    (OURS_LARGE, LOOP_LARGE),
    (OURS_LARGE_FP32, PIPELINE),
)


def single_times(times: int) -> dict[str, list[float]]:
    """Milliseconds of each of ``times`` new pictures, by row; the rows take turns.

    Ours is ``predict`` with a store on disk that has not seen the picture.
    """
    import torch

    folder = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    mini = load_dual_encoder("mini")
    large = str(folder)
    asks: dict[str, Ask] = {
        LOOP_MINI: plain_onnx_loop(mini),
        PIPELINE: pipeline_asks(folder)[0],
        PIPELINE_BF16: pipeline_asks(folder, dtype=torch.bfloat16)[0],
        LOOP_LARGE: plain_clip_loop(folder),
    }
    ours = {
        OURS_MINI: mini,
        OURS_LARGE: load_hub_encoder(large),
        OURS_LARGE_FP32: load_hub_encoder(large, precision="fp32"),
    }
    forget(STORE)
    classifiers = [
        ZeroShotClassifier(NAMES, model=encoder, store=STORE, unknown=False)
        for encoder in ours.values()
    ]
    rows: dict[str, Callable[[str], Any]] = {
        **dict(zip(ours, [_one(classifier) for classifier in classifiers], strict=True)),
        **{name: _asked(ask) for name, ask in asks.items()},
    }
    paths = list(map(str, make_photos(times + 2)))
    found: dict[str, list[float]] = {name: [] for name in rows}
    for number, path in enumerate(paths):
        for name, run in rows.items():
            start = time.perf_counter()
            run(path)
            if number >= 2:  # the first ones meet networks that have not run yet
                found[name].append(1000 * (time.perf_counter() - start))
    for classifier in classifiers:
        classifier.store.close()
    return found


def single_section(found: Mapping[str, Sequence[float]]) -> str:
    """Milliseconds and ratios as a part of the page."""
    middles = {name: statistics.median(values) for name, values in found.items()}
    table = markdown(
        ("", "ms"), "lr", [(name, spread(values, ".1f")) for name, values in found.items()]
    )
    ratios = markdown(
        ("", "times as fast as", ""),
        "llr",
        [(one, other, f"{middles[other] / middles[one]:.2f}") for one, other in _PAIRS],
    )
    return (
        f"## One picture, the model loaded\n\nMilliseconds from a path to its answer, "
        f"{len(next(iter(found.values())))} new pictures one after the other, the rows in turns. "
        f"The ratios are of medians.\n\n{table}\n\n{ratios}"
    )


def _one(classifier: ZeroShotClassifier) -> Callable[[str], Any]:
    def predict(path: str) -> None:
        (prediction,) = classifier.predict([path]).predictions
        assert prediction.decision is not None, path

    return predict


def _asked(ask: Ask) -> Callable[[str], Any]:
    return lambda path: ask([path])
