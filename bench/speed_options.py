"""What the speed benchmark was asked for: sizes, groups, and where the results go."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pictures import FOLDER
from tables import PAGES

SIZES = {"pictures": 2000, "few": 200, "stored": 100_000, "classes": 1000, "paper": 10_000}
ROUNDS = 3
LEAST = {"pictures": 2, "few": 1, "stored": 1, "classes": 2, "paper": 2, "rounds": 1}
MOST = {"classes": 1080}  # so many names are made up
PARTIAL = FOLDER / "speed"
EVERYWHERE = ("start", "single", "mini", "stages", "large", "fused", "store", "dino", "clip")
# On a processor too, if they are asked for by name: so that they can be tried without a GPU.
ON_A_GPU = ("batches", "paper")
_MEANINGS = {
    "pictures": "in a folder",
    "few": "pictures for the slowest rows",
    "stored": "embeddings in the full store",
    "classes": "names put to the full store",
    "paper": "pictures of the group with the paper's networks",
    "rounds": "how often every row is measured",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Checked.

    Attributes:
        sizes: By the names in ``SIZES``.
        rounds: How often every row is measured.
        groups: To measure, in order.
        out: Folder of the results.
    """

    sizes: dict[str, int]
    rounds: int
    groups: tuple[str, ...]
    out: Path


def read_options(arguments: Sequence[str], *, on_a_gpu: bool) -> Options:
    """Read the command line; what cannot be measured ends the program with one sentence.

    Args:
        arguments: Without the program's name.
        on_a_gpu: Whether the groups for one are measured without being asked for.
    """
    parser = argparse.ArgumentParser(description="Measure how fast it is.")
    for name, default in {**SIZES, "rounds": ROUNDS}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=_MEANINGS[name])
    known = (*EVERYWHERE, *ON_A_GPU)
    parser.add_argument("--only", default="", help=f"of {','.join(known)}; all if empty")
    parser.add_argument(
        "--out", type=Path, help=f"default: docs/benchmarks; of a part, .bench/{PARTIAL.name}"
    )
    given = parser.parse_args(arguments)
    numbers = {name: getattr(given, name) for name in (*SIZES, "rounds")}
    for name, number in numbers.items():
        if number < LEAST[name]:
            _refuse(f"--{name} must be {LEAST[name]} or more, got {number}")
        if number > MOST.get(name, number):
            _refuse(f"--{name} must be {MOST[name]:,} or less, got {number:,}")
    if numbers["few"] > numbers["pictures"]:
        _refuse(f"--few must be --pictures or less, got {given.few} of {given.pictures}")
    asked = [name.strip() for name in given.only.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            _refuse(f"--only knows {', '.join(known)}, got {name!r}")
    if given.only and not asked:
        _refuse(f"--only needs a name, of {', '.join(known)}, got {given.only!r}")
    everything = (*EVERYWHERE, *(ON_A_GPU if on_a_gpu else ()))
    rounds = numbers.pop("rounds")
    partial = bool(asked) or numbers != SIZES or rounds != ROUNDS
    return Options(
        sizes=numbers,
        rounds=rounds,
        groups=tuple(name for name in known if name in asked) if asked else everything,
        out=given.out or (PARTIAL if partial else PAGES),
    )


def _refuse(sentence: str) -> None:
    print(f"speed: {sentence}.", file=sys.stderr)
    raise SystemExit(2)
