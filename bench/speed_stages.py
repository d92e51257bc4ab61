"""Where a picture's time goes: each stage of the bundled model alone, and what is left over."""

from __future__ import annotations

import hashlib
import io
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from pictures import make_photos
from sightglass.encoders.preprocess import normalise
from sightglass.encoders.registry import load_dual_encoder
from sightglass.inputs.images import DRAFT_MARGIN, open_picture
from sightglass.inputs.pixels import flatten_to_rgb
from sightglass.inputs.thumbnails import make_thumbnail
from sightglass.read_ahead import batches
from speed_ours import BATCH, STORE, classify, forget
from tables import markdown, spread

STAGED = 500  # pictures at most
WHOLE = "the whole run"
REST = "the rest: texts, checks of files, store, decisions, result files, threads"


def stage_times(pictures: int, times: int) -> dict[str, list[float]]:
    """Milliseconds of processor time a picture, of each stage, the rest and the whole, ``times``.

    Every stage goes over all pictures on one thread, but the network, which has all processors, as
    in a run; what the whole run takes beyond the stages is the rest.
    """
    paths = make_photos(pictures)
    encoder = load_dual_encoder("mini")
    spec = encoder.card.image
    assert spec is not None
    side = spec.resize_to or max(spec.size)
    data = [path.read_bytes() for path in paths]
    opened = [open_picture(one, short_side=side).image for one in data]
    ready = [encoder.prepare(image) for image in opened]
    small = [Image.open(io.BytesIO(make_thumbnail(image))).convert("RGB") for image in opened]
    name, decode, copy = _decoders(side)
    decoded = [decode(one) for one in data]
    encoder.encode_images(ready[:BATCH])
    work: dict[str, Callable[[], Iterable[object]]] = {
        "read and hash": lambda: map(_read_and_hash, paths),
        name: lambda: map(decode, data),
        "copy into Pillow": lambda: map(copy, decoded),
        "resize for the network": lambda: map(encoder.prepare, opened),
        "thumbnail: resize": lambda: map(_shrunk, opened),
        "thumbnail: encode": lambda: map(_encoded, small),
        "normalise": lambda: map(partial(normalise, spec=spec), batches(ready, BATCH)),
        "network": lambda: map(encoder.encode_images, batches(ready, BATCH)),
    }
    names = [str(path) for path in paths]
    classify(names[:2], encoder, store=None)
    found: dict[str, list[float]] = {}
    for _ in range(times):
        taken = {stage: _milliseconds(make, pictures) for stage, make in work.items()}
        # Pictures enter the network as bytes: it normalises them itself.
        taken["network"] -= taken["normalise"]
        forget(STORE)
        whole = _milliseconds(lambda: classify(names, encoder), pictures)
        for stage, value in {**taken, REST: whole - sum(taken.values()), WHOLE: whole}.items():
            found.setdefault(stage, []).append(value)
    return found


def stage_section(found: dict[str, list[float]], pictures: int) -> str:
    """The stages as a part of the page."""
    whole = statistics.median(found[WHOLE])
    rows = [
        (stage, spread(values, ".2f"), f"{100 * statistics.median(values) / whole:.0f} %")
        for stage, values in found.items()
    ]
    table = markdown(("stage", "ms a picture", "share"), "lrr", rows)
    return (
        f"## Where a picture's time goes\n\n`mini`, {pictures:,} JPEGs of about 500 × 375: "
        f"processor time a picture in milliseconds. One thread for each stage, but the network, "
        f"which keeps all processors busy; the rest is the whole less the sum. Stages that run "
        f"beside others, as in the whole run, share caches and take longer: this too lies in "
        f"the rest.\n\n{table}"
    )


def _decoders(side: int) -> tuple[str, Callable[[bytes], Any], Callable[[Any], Any]]:
    """What decoding is called here, bytes to pixels, and pixels to a picture of Pillow's."""

    def reduced(data: bytes) -> Image.Image:
        image = Image.open(io.BytesIO(data))
        image.draft(None, (DRAFT_MARGIN * side,) * 2)
        return image

    def by_pillow(data: bytes) -> Image.Image:
        image = reduced(data)
        image.load()
        return image

    try:
        from simplejpeg import decode_jpeg
    except ImportError:
        return "decode (Pillow)", by_pillow, flatten_to_rgb

    def by_turbo(data: bytes) -> Any:
        width, height = reduced(data).size
        return decode_jpeg(data, min_width=width, min_height=height)

    return (
        "decode (libjpeg-turbo)",
        by_turbo,
        lambda pixels: Image.frombytes("RGB", pixels.shape[1::-1], pixels),
    )


def _read_and_hash(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _shrunk(image: Image.Image) -> Image.Image:
    """As ``make_thumbnail`` does."""
    shrink = min(1.0, 160 / max(image.size))
    size = round(image.width * shrink), round(image.height * shrink)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=70, subsampling="4:2:0")
    return buffer.getvalue()


def _milliseconds(make: Callable[[], Iterable[object]], pictures: int) -> float:
    start = time.process_time()
    for _ in make():
        pass
    return 1000 * (time.process_time() - start) / pictures


def stage_lines(found: dict[str, list[float]]) -> Sequence[tuple[str, int, float]]:
    """Stage, round, milliseconds: for a file beside the page."""
    return [
        (stage, number, round(value, 4))
        for stage, values in found.items()
        for number, value in enumerate(values, start=1)
    ]
