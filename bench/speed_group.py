"""What a group of the speed benchmark's rows consists of: rows, ratios, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rounds import Figure, Row, fastest, least, rate, together
from sightglass.checks import usable_processors
from speed_ours import decoding, turbo_decoding
from speed_peers import BATCH_OF_PIPELINE

ALL = f"{usable_processors()} threads"
DECODE, REDUCED = f"Pillow decodes, {ALL}", f"Pillow decodes reduced, {ALL}"
TURBO, TURBO_REDUCED = f"libjpeg-turbo decodes, {ALL}", f"libjpeg-turbo decodes reduced, {ALL}"
DECODE_ALONE = "Pillow decodes, 1 thread"
FORWARD = "the network alone"
OURS, OURS_FP32 = "ours", "ours, fp32"
KNOWN = "ours, pictures known, other names"
PIPELINE = "pipeline, picture by picture"
PIPELINE_BATCHED = f"pipeline, batch_size={BATCH_OF_PIPELINE}"
BF16, BF16_BATCHED = (
    f"pipeline, bf16, {way.partition(', ')[2]}" for way in (PIPELINE, PIPELINE_BATCHED)
)
LOOP = "plain loop"
FUSED, BY_NAME = "ours, three alignments fused", "ours, names alone"
PRODUCT = "numpy: matrix product and argmax"
SLOWER_STAGE = "the slower of decoding and network, each with all processors"
BOTH_STAGES = "decoding, then the network, on the same processors"
WARMING = 8  # pictures that are classified before the clock starts

Ratio = tuple[str, str, Figure, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that are measured in turns.

    Attributes:
        title: Of the section.
        rows: By name.
        ratios: See ``rounds.ratio_table``.
        same: A row, and those whose best classes are compared with its.
        must: Of these, the ones that may not differ.
        seconds: Rows of which the page tells the seconds of the whole.
        note: What the page says below the title.
    """

    title: str
    rows: dict[str, Row]
    ratios: Sequence[Ratio] = ()
    same: tuple[str, tuple[str, ...]] | None = None
    must: tuple[str, ...] = ()
    seconds: tuple[str, ...] = ()
    note: str = ""


def best_decoding(paths: Sequence[str], *, short_side: int | None = None) -> tuple[str, Row]:
    """Libjpeg-turbo's own interface; where simplejpeg is not installed, Pillow. Name and row."""
    turbo = turbo_decoding(paths, short_side=short_side)
    reduced = short_side is not None
    if turbo is not None:
        return (TURBO_REDUCED if reduced else TURBO), turbo
    return (REDUCED if reduced else DECODE), decoding(paths, short_side=short_side)


def limits(decode: str, *networks: str) -> list[Ratio]:
    """Against the slower of the two stages, and against both on the same processors.

    Args:
        decode: Row of the best decoder.
        networks: Rows of the network alone, of which the faster one counts.
    """
    stages = rate(decode), fastest(*map(rate, networks))
    return [
        (OURS, SLOWER_STAGE, rate(OURS), least(*stages)),
        (OURS, BOTH_STAGES, rate(OURS), together(*stages)),
    ]


def ratio(one: str, other: str) -> Ratio:
    """Of two rows' rates."""
    return one, other, rate(one), rate(other)


def some(paths: Sequence[str], number: int) -> Sequence[str]:
    """The first ones, at least one."""
    return paths[: max(1, number)]
