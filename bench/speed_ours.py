"""The speed benchmark's rows that are ours, and the limits: decoding alone, network alone."""

from __future__ import annotations

import io
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pictures import FOLDER
from rounds import Answers, Row
from sightglass import ZeroShotClassifier
from sightglass.checks import usable_processors
from sightglass.encoders.contract import ImageEncoder
from sightglass.inputs.images import DRAFT_MARGIN
from sightglass.read_ahead import batches
from sightglass.reports.folder import prepare_folder, write_results
from sightglass.reports.work import Work
from sightglass.several_encoders import embed_for, read_for
from sightglass.store import open_store

BATCH = 32
NAMES = (
    *("cat", "dog", "person", "astronaut", "cup of coffee", "motorcycle", "rocket", "flower"),
    *("temple", "coins", "moon", "horse", "brick wall", "grass", "page of text"),
)
TEMPLATE = "a photo of a {}"
STORE = FOLDER / "store.sqlite"

exhaust = partial(deque[object], maxlen=0)


def classify(
    paths: Sequence[str],
    model: Any,
    *,
    names: Sequence[str] = NAMES,
    references: Path | None = None,
    vision: ImageEncoder | str = "mini:vision",
    store: Path | None = STORE,
) -> Answers:
    """From files to the four result files, as the command does it once it has started.

    Forced to choose among the names, as the pipeline is.
    """
    out = FOLDER / "results"
    classifier = ZeroShotClassifier(
        names,
        model=model,
        references=references,
        vision_model=vision,
        store=store,
        unknown=False,
        batch_size=BATCH,
    )
    answers: list[tuple[str, float]] = []
    work = Work()

    def rows() -> Any:
        for prediction in classifier.stream(paths, work):
            if prediction.decision is not None:
                answers.append((prediction.decision.label, prediction.decision.margin))
            yield prediction.as_row()

    prepare_folder(out)
    classifier.calibrate(paths, work)
    write_results(
        out,
        rows(),
        run=lambda: classifier.run_record(work),
        thumbnails=classifier.thumbnail,
        work=work,
    )
    classifier.store.close()
    return answers


def embed(paths: Sequence[str], encoder: ImageEncoder) -> None:
    """From files to rows in a store: all that an encoder without texts can do."""
    store = open_store(STORE)
    pictures = read_for((encoder,), paths, store=store, max_pixels=10**9, batch_size=BATCH)
    exhaust(embed_for((encoder,), batch, store=store) for batch in batches(pictures, BATCH))
    store.close()


def cold(run: Callable[[], Answers | None], pictures: int) -> Row:
    """``run`` with an empty store."""
    return Row(run=run, pictures=pictures, before=lambda: _without(STORE))


def known(run: Callable[[], Answers | None], pictures: int, *, store: Path) -> Row:
    """``run`` with a copy of this store in place."""

    def before() -> None:
        _without(STORE)
        shutil.copyfile(store, STORE)

    def checked() -> Answers | None:
        answers = run()
        if answers is None or len(answers) != pictures:
            raise RuntimeError(f"{store}: holds not all {pictures} pictures. Run: make clean")
        return answers

    return Row(run=checked, pictures=pictures, before=before)


def decoding(paths: Sequence[str], *, threads: int = 0, short_side: int | None = None) -> Row:
    """Pillow opens and decodes; smaller where the format offers it and ``short_side`` allows."""

    def decode(path: str) -> Image.Image:
        with Image.open(path) as image:
            if short_side is not None:
                image.draft(None, (DRAFT_MARGIN * short_side,) * 2)
            return image.convert("RGB")

    def run() -> None:
        with ThreadPoolExecutor(threads or usable_processors()) as pool:
            exhaust(pool.map(lambda path: bool(decode(path)), paths))

    return Row(run=run, pictures=len(paths))


def turbo_decoding(paths: Sequence[str], *, short_side: int | None = None) -> Row:
    """The same by libjpeg-turbo's own interface."""
    from simplejpeg import decode_jpeg

    def decode(path: str) -> bool:
        data = Path(path).read_bytes()
        width, height = 0, 0
        if short_side is not None:
            with Image.open(io.BytesIO(data)) as image:
                image.draft(None, (DRAFT_MARGIN * short_side,) * 2)
                width, height = image.size
        return bool(decode_jpeg(data, min_width=width, min_height=height).size)

    def run() -> None:
        with ThreadPoolExecutor(usable_processors()) as pool:
            exhaust(pool.map(decode, paths))

    return Row(run=run, pictures=len(paths))


def forward(encoder: ImageEncoder, paths: Sequence[str]) -> Row:
    """The network alone, on pictures that lie ready."""
    ready = [encoder.prepare(_opened(path)) for path in paths]
    encoder.encode_images(ready[:BATCH])
    return Row(
        run=lambda: exhaust(map(encoder.encode_images, batches(ready, BATCH))),
        pictures=len(ready),
    )


def products(encoder: Any, n: int, names: Sequence[str]) -> Row:
    """The limit of answering from a store: one product of matrices, and the best of each row."""
    rows = np.random.default_rng(0).standard_normal((n, encoder.card.dim)).astype(np.float32)
    texts = encoder.encode_texts([TEMPLATE.format(name) for name in names]).rows

    def run() -> None:
        for start in range(0, n, 1000):
            (rows[start : start + 1000] @ texts.T).argmax(axis=1)

    return Row(run=run, pictures=n)


def _opened(path: str) -> Image.Image:
    with Image.open(io.BytesIO(Path(path).read_bytes())) as image:
        image.draft(None, (512, 512))
        return image.convert("RGB")


def _without(store: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
