"""The groups of rows that the speed benchmark measures, and the ratios that it draws from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from pictures import FOLDER, make_checkpoint, make_photos, mean_kilobytes
from rounds import Figure, Row, least, rate, together
from sightglass.checks import usable_processors
from sightglass.encoders.hub import load_hub_encoder
from sightglass.encoders.registry import load_dual_encoder
from sightglass.store import LAYOUT
from speed_inputs import make_dinov2, make_known, make_large, make_references, make_tiny
from speed_ours import (
    NAMES,
    TEMPLATE,
    classify,
    cold,
    decoding,
    embed,
    forward,
    known,
    products,
    turbo_decoding,
)
from speed_peers import (
    BATCH_OF_PIPELINE,
    bare_forward,
    pipeline_rows,
    plain_clip_loop,
    plain_onnx_loop,
    plain_vision_loop,
)

ALL = f"{usable_processors()} threads"
DECODE, REDUCED = f"Pillow decodes, {ALL}", f"Pillow decodes reduced, {ALL}"
TURBO, TURBO_REDUCED = f"libjpeg-turbo decodes, {ALL}", f"libjpeg-turbo decodes reduced, {ALL}"
DECODE_ALONE = "Pillow decodes, 1 thread"
FORWARD = "the network alone"
BARE = "the network alone, torch bf16, batch 32"
OURS, OURS_FP32 = "ours", "ours, fp32"
KNOWN = "ours, pictures known, other names"
PIPELINE = "pipeline, picture by picture"
PIPELINE_BATCHED = f"pipeline, batch_size={BATCH_OF_PIPELINE}"
LOOP = "plain loop"
FUSED, BY_NAME = "ours, three alignments fused", "ours, names alone"
PRODUCT = "numpy: matrix product and argmax"

Ratio = tuple[str, str, Figure, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that are measured in turns.

    Attributes:
        title: Of the section.
        rows: By name.
        ratios: See ``rounds.ratio_table``.
        same: A row, and those whose best classes are compared with its.
    """

    title: str
    rows: dict[str, Row]
    ratios: Sequence[Ratio] = ()
    same: tuple[str, tuple[str, ...]] | None = None


def mini_group(pictures: int) -> Group:
    """The bundled model on pictures as web sites have them."""
    files = make_photos(pictures)
    paths = [str(path) for path in files]
    encoder = load_dual_encoder("mini")
    full = FOLDER / "full.sqlite"
    full.unlink(missing_ok=True)
    classify(paths, encoder, store=full)
    others = ("animal", "vehicle", "building", "plant", "food", "stone", "sky", "paper")
    rows = {
        DECODE_ALONE: decoding(paths, threads=1),
        DECODE: decoding(paths),
        TURBO: turbo_decoding(paths),
        FORWARD: forward(encoder, paths),
        LOOP: plain_onnx_loop(paths[: pictures // 5]),
        OURS: cold(partial(classify, paths, encoder), pictures),
        KNOWN: known(partial(classify, paths, encoder, names=others), pictures, store=full),
    }
    return Group(
        title=f"mini: {pictures:,} JPEGs of about 500 × 375, {mean_kilobytes(files):.0f} kB each",
        rows=rows,
        ratios=[*_limits(TURBO, FORWARD), _ratio(OURS, LOOP), _ratio(KNOWN, OURS)],
    )


def clip_group(pictures: int, few: int) -> Group:
    """A checkpoint of ViT-B/32's size, and transformers' pipeline with the same files."""
    paths = [str(path) for path in make_photos(pictures)]
    folder = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    encoder = load_hub_encoder(str(folder))
    exact = load_hub_encoder(str(folder), precision="fp32")
    for one in (encoder, exact):
        classify(paths[:2], one, store=None)
    one_by_one, batched = pipeline_rows(folder, paths[:few])
    rows = {
        TURBO: turbo_decoding(paths),
        BARE: bare_forward(folder, few * 2, clip=True),
        FORWARD: forward(encoder, paths[: few * 2]),
        PIPELINE: one_by_one,
        PIPELINE_BATCHED: batched,
        LOOP: plain_clip_loop(folder, paths[:few]),
        OURS: cold(partial(classify, paths, encoder), pictures),
        OURS_FP32: cold(partial(classify, paths[: few * 2], exact), few * 2),
    }
    return Group(
        title=f"ViT-B/32's size: {pictures:,} JPEGs of about 500 × 375",
        rows=rows,
        ratios=[
            *_limits(TURBO, BARE),
            *(_ratio(OURS, other) for other in (PIPELINE, PIPELINE_BATCHED, LOOP, FORWARD)),
            *(_ratio(OURS_FP32, other) for other in (PIPELINE, PIPELINE_BATCHED)),
        ],
        same=(PIPELINE, (PIPELINE_BATCHED, LOOP, OURS_FP32, OURS)),
    )


def dino_group(pictures: int, few: int) -> Group:
    """A vision-only checkpoint: reading and embedding are all there is."""
    paths = [str(path) for path in make_photos(pictures)]
    folder = make_dinov2(384)
    encoder = load_hub_encoder(str(folder))
    rows = {
        TURBO: turbo_decoding(paths),
        BARE: bare_forward(folder, few * 2, clip=False),
        FORWARD: forward(encoder, paths[: few * 2]),
        LOOP: plain_vision_loop(folder, paths[:few]),
        OURS: cold(partial(embed, paths, encoder), pictures),
    }
    return Group(
        title=f"DINOv2-S's size: {pictures:,} JPEGs of about 500 × 375, embedded and stored",
        rows=rows,
        ratios=[*_limits(TURBO, BARE), _ratio(OURS, LOOP), _ratio(OURS, FORWARD)],
    )


def large_group(pictures: int, few: int) -> Group:
    """Pictures as cameras make them."""
    files = make_large(pictures)
    paths = [str(path) for path in files]
    mini = load_dual_encoder("mini")
    rows = {
        DECODE: decoding(paths[:few]),
        REDUCED: decoding(paths, short_side=128),
        TURBO_REDUCED: turbo_decoding(paths, short_side=128),
        FORWARD: forward(mini, paths[:few]),
        LOOP: plain_onnx_loop(paths[: few // 2]),
        OURS: cold(partial(classify, paths, mini), pictures),
    }
    return Group(
        title=f"mini: {pictures:,} JPEGs of 4000 × 3000, {mean_kilobytes(files):,.0f} kB each",
        rows=rows,
        ratios=[*_limits(TURBO_REDUCED, FORWARD), _ratio(OURS, DECODE), _ratio(OURS, LOOP)],
    )


def fused_group(pictures: int) -> Group:
    """Class names, and references in two spaces, against class names alone."""
    paths = [str(path) for path in make_photos(pictures)]
    encoder = load_dual_encoder("mini")
    references = make_references(NAMES)
    rows = {
        BY_NAME: cold(partial(classify, paths, encoder), pictures),
        FUSED: cold(partial(classify, paths, encoder, references=references), pictures),
    }
    return Group(
        title=f"mini, {len(NAMES) * 8} references: {pictures:,} JPEGs of about 500 × 375",
        rows=rows,
        ratios=[_ratio(FUSED, BY_NAME)],
    )


def paper_group(pictures: int) -> Group:
    """What Yin & Jiang timed: CIFAR-10's test set, three alignments, 232 seconds on a GPU."""
    paths = [str(path) for path in make_tiny(pictures)]
    folder = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    encoder = load_hub_encoder(str(folder))
    vision = load_hub_encoder(str(make_dinov2(768)))
    references = make_references(NAMES)
    run = partial(classify, paths, encoder, references=references, vision=vision)
    return Group(
        title=f"ViT-B/32's and DINOv2-B/14's sizes, fused: {pictures:,} PNGs of 32 × 32",
        rows={FUSED: cold(run, pictures)},
        ratios=[(FUSED, "the paper's 10,000 in 232 s", rate(FUSED), lambda _: 10_000 / 232)],
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
        ratios=[_ratio(KNOWN, PRODUCT)],
    )


def _limits(decode: str, network: str) -> list[Ratio]:
    """Against the slower of the two stages, and against both on the same processors."""
    stages = rate(decode), rate(network)
    return [
        (
            OURS,
            "the slower of decoding and network, each with all processors",
            rate(OURS),
            least(*stages),
        ),
        (OURS, "decoding, then the network, on the same processors", rate(OURS), together(*stages)),
    ]


def _ratio(one: str, other: str) -> Ratio:
    return one, other, rate(one), rate(other)


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
