"""The speed benchmark's rows that are ours, and the limits: decoding alone, network alone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
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
    answers: dict[str, tuple[str, float]] = {}
    work = Work()

    def rows() -> Any:
        for prediction in classifier.stream(paths, work):
            if prediction.decision is not None:
                answers[prediction.path] = prediction.decision.label, prediction.decision.margin
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


def answer_of(logits: np.ndarray) -> tuple[str, float]:
    """The best of ``NAMES``, and how far its probability lies above the second's."""
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    second, best = np.argsort(shares)[-2:]
    return NAMES[best], float(shares[best] - shares[second])


def embed(paths: Sequence[str], encoder: ImageEncoder) -> int:
    """From files to rows in a store: all that an encoder without texts can do."""
    store = open_store(STORE)
    pictures = read_for((encoder,), paths, store=store, max_pixels=10**9, batch_size=BATCH)
    embedded = 0
    for batch in batches(pictures, BATCH):
        embedded += sum(len(one.rows) for one in embed_for((encoder,), batch, store=store))
    store.close()
    return embedded


def cold(run: Callable[[], Answers | int], pictures: int) -> Row:
    """``run`` with an empty store."""
    return Row(run=run, pictures=pictures, before=lambda: forget(STORE))


def known(run: Callable[[], Answers | int], pictures: int, *, store: Path) -> Row:
    """``run`` with a copy of this store in place."""

    def before() -> None:
        forget(STORE)
        shutil.copyfile(store, STORE)

    return Row(run=run, pictures=pictures, before=before)


def decoding(paths: Sequence[str], *, threads: int = 0, short_side: int | None = None) -> Row:
    """Pillow opens and decodes; smaller where the format offers it and ``short_side`` allows."""

    def decode(path: str) -> bool:
        with Image.open(path) as image:
            if short_side is not None:
                image.draft(None, (DRAFT_MARGIN * short_side,) * 2)
            return min(image.convert("RGB").size) > 0

    return Row(run=partial(_in_threads, decode, paths, threads), pictures=len(paths))


def turbo_decoding(paths: Sequence[str], *, short_side: int | None = None) -> Row | None:
    """The same by libjpeg-turbo's own interface; None where simplejpeg is not installed."""
    if find_spec("simplejpeg") is None:
        return None
    from simplejpeg import decode_jpeg

    def decode(path: str) -> bool:
        data = Path(path).read_bytes()
        width, height = 0, 0
        if short_side is not None:
            with Image.open(io.BytesIO(data)) as image:
                image.draft(None, (DRAFT_MARGIN * short_side,) * 2)
                width, height = image.size
        return bool(decode_jpeg(data, min_width=width, min_height=height).size)

    return Row(run=partial(_in_threads, decode, paths), pictures=len(paths))


def forward(encoder: ImageEncoder, paths: Sequence[str]) -> Row:
    """The network alone, on pictures that lie ready."""
    ready = [encoder.prepare(_opened(path)) for path in paths]
    encoder.encode_images(ready[:BATCH])
    return Row(
        run=lambda: sum(len(encoder.encode_images(part).rows) for part in batches(ready, BATCH)),
        pictures=len(ready),
    )


def products(encoder: Any, n: int, names: Sequence[str]) -> Row:
    """The limit of answering from a store: one product of matrices, and the best of each row."""
    rows = np.random.default_rng(0).standard_normal((n, encoder.card.dim)).astype(np.float32)
    texts = encoder.encode_texts([TEMPLATE.format(name) for name in names]).rows

    def run() -> int:
        parts = range(0, n, 1000)
        return sum(len((rows[at : at + 1000] @ texts.T).argmax(axis=1)) for at in parts)

    return Row(run=run, pictures=n)


def _opened(path: str) -> Image.Image:
    with Image.open(io.BytesIO(Path(path).read_bytes())) as image:
        image.draft(None, (512, 512))
        return image.convert("RGB")


def _in_threads(decode: Callable[[str], bool], paths: Sequence[str], threads: int = 0) -> int:
    with ThreadPoolExecutor(threads or usable_processors()) as pool:
        return sum(pool.map(decode, paths))


def forget(store: Path) -> None:
    """Remove a store, so that the next run begins with nothing."""
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
