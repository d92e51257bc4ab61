"""The groups of rows with the bundled model."""

from __future__ import annotations

from functools import partial
from itertools import chain

from pictures import FOLDER, make_photos, mean_kilobytes
from sightglass.encoders.registry import load_dual_encoder, load_encoder
from sightglass.store import LAYOUT
from speed_group import (
    BY_NAME,
    DECODE,
    DECODE_ALONE,
    FORWARD,
    FUSED,
    KNOWN,
    LOOP,
    OURS,
    PRODUCT,
    REDUCED,
    WARMING,
    Group,
    best_decoding,
    limits,
    ratio,
    some,
)
from speed_inputs import make_known, make_large, make_references
from speed_ours import NAMES, classify, cold, decoding, forward, known, products
from speed_peers import asked_row, plain_onnx_loop


def mini_group(pictures: int) -> Group:
    """The bundled model on pictures as web sites have them."""
    files = make_photos(pictures)
    paths = [str(path) for path in files]
    encoder = load_dual_encoder("mini")
    full = FOLDER / "full.sqlite"
    full.unlink(missing_ok=True)
    classify(paths, encoder, store=full)
    others = ("animal", "vehicle", "building", "plant", "food", "stone", "sky", "paper")
    decoder, decoded = best_decoding(paths)
    rows = {
        DECODE_ALONE: decoding(paths, threads=1),
        DECODE: decoding(paths),
        decoder: decoded,
        FORWARD: forward(encoder, paths),
        LOOP: asked_row(plain_onnx_loop(encoder), some(paths, pictures // 5)),
        OURS: cold(partial(classify, paths, encoder), pictures),
        KNOWN: known(partial(classify, paths, encoder, names=others), pictures, store=full),
    }
    return Group(
        title=f"mini: {pictures:,} JPEGs of about 500 × 375, {mean_kilobytes(files):.0f} kB each",
        rows=rows,
        ratios=[*limits(decoder, FORWARD), ratio(OURS, LOOP), ratio(KNOWN, OURS)],
        same=(LOOP, (OURS,)),
    )


def large_group(pictures: int, few: int) -> Group:
    """Pictures as cameras make them."""
    files = make_large(pictures)
    paths = [str(path) for path in files]
    mini = load_dual_encoder("mini")
    decoder, decoded = best_decoding(paths, short_side=128)
    rows = {
        DECODE: decoding(paths[:few]),
        REDUCED: decoding(paths, short_side=128),
        decoder: decoded,
        FORWARD: forward(mini, paths[:few]),
        LOOP: asked_row(plain_onnx_loop(mini), some(paths, few // 2)),
        OURS: cold(partial(classify, paths, mini), pictures),
    }
    return Group(
        title=f"mini: {pictures:,} JPEGs of 4000 × 3000, {mean_kilobytes(files):,.0f} kB each",
        rows=rows,
        ratios=[*limits(decoder, FORWARD), ratio(OURS, DECODE), ratio(OURS, LOOP)],
        same=(LOOP, (OURS,)),
        note="The plain loop decodes at full size, ours at a smaller one that the format offers: "
        "where two classes are nearly equal the best may change.",
    )


def fused_group(pictures: int) -> Group:
    """Class names, and references in two spaces, against class names alone."""
    paths = [str(path) for path in make_photos(pictures)]
    encoder, vision = load_dual_encoder("mini"), load_encoder("mini:vision")
    references = make_references(NAMES)
    alone = partial(classify, model=encoder)
    fused = partial(classify, model=encoder, references=references, vision=vision)
    for run in (alone, fused):
        run(some(paths, WARMING), store=None)
    rows = {
        BY_NAME: cold(partial(alone, paths), pictures),
        FUSED: cold(partial(fused, paths), pictures),
    }
    return Group(
        title=f"mini, {len(NAMES) * 8} references: {pictures:,} JPEGs of about 500 × 375",
        rows=rows,
        ratios=[ratio(FUSED, BY_NAME)],
    )


def store_group(pictures: int, classes: int) -> Group:
    """New names on pictures that the store knows."""
    encoder = load_dual_encoder("mini")
    full = FOLDER / f"known-{pictures}-{LAYOUT}-{encoder.fingerprint}.sqlite"
    paths = [str(path) for path in make_known(pictures, full, encoder)]
    names = [f"{adjective} {name}" for adjective in _ADJECTIVES for name in NAMES][:classes]
    run = partial(classify, paths, encoder, names=names)
    rows = {PRODUCT: products(encoder, pictures, names), KNOWN: known(run, pictures, store=full)}
    return Group(
        title=f"From the store: {pictures:,} embeddings, {len(names):,} new class names",
        rows=rows,
        ratios=[ratio(KNOWN, PRODUCT)],
    )


_ADJECTIVES = tuple(
    chain.from_iterable(
        [f"{shade}{colour}" for shade in ("", "light ", "dark ", "pale ", "bright ", "dull ")]
        for colour in (
            "red",
            "green",
            "blue",
            "yellow",
            "black",
            "white",
            "brown",
            "grey",
            "pink",
            "orange",
            "violet",
            "golden",
        )
    )
)
