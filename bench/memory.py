"""Peak memory of the command line against the number of files.

    python bench/memory.py              # writes docs/benchmarks/memory.md and .csv

Each run is a process of its own, and its peak is what the system's account of that process says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pictures import FOLDER, machine, make_small, mean_kilobytes
from tables import PAGES, markdown, spread, write_csv
from throughput import CLASSES

COUNTS = (1_000, 5_000, 10_000)
# getrusage counts in bytes on macOS, in units of 1,024 bytes elsewhere
UNIT = 1 if sys.platform == "darwin" else 1024
# A process counts the memory of the one that started it as its own until it is another program.
# This one is smaller than any run.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One run of ``sightglass classify``; ``known`` if the store knew every picture."""

    files: int
    known: bool
    megabytes: float


def measure(paths: Sequence[Path], *, known: bool, store: Path) -> Peak:
    """The most memory that a run over ``paths`` holds at once, in units of 1,000,000 bytes."""
    command = [sys.executable, "-m", "sightglass", "classify", "-", "--classes", CLASSES]
    command += ["--out", str(FOLDER / "memory"), "--store", str(store)]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"memory: {' '.join(command)} must succeed, it said: {done.stderr.strip()}")
    megabytes = int(done.stdout) * UNIT / 1e6
    return Peak(files=len(paths), known=known, megabytes=megabytes)


def measure_all(counts: Sequence[int], *, rounds: int) -> list[Peak]:
    """In each round every count twice: with an empty store, then with what that left."""
    paths = make_small(max(counts))
    store = FOLDER / "memory.sqlite"
    peaks = []
    for number in range(rounds):
        for count in counts:
            store.unlink(missing_ok=True)
            for known in (False, True):
                peaks.append(measure(paths[:count], known=known, store=store))
                print(f"round {number + 1} of {rounds}: {peaks[-1]}", file=sys.stderr)
    return peaks


def table(peaks: Sequence[Peak], counts: Sequence[int]) -> str:
    """Peaks by number of files, and what 1,000 files more cost from the first to the last."""
    columns = [
        {
            count: [p.megabytes for p in peaks if p.files == count and p.known == known]
            for count in counts
        }
        for known in (False, True)
    ]
    rows = [
        [f"{count:,}", *(spread(column[count], ".1f") for column in columns)] for count in counts
    ]
    thousands = (counts[-1] - counts[0]) / 1000
    growth = [
        spread(
            (
                (last - first) / thousands
                for first, last in zip(column[counts[0]], column[counts[-1]], strict=True)
            ),
            ".2f",
        )
        for column in columns
    ]
    titles = ("files", "new pictures, MB", "known pictures, MB")
    return markdown(titles, "rrr", [*rows, ["1,000 more", *growth]]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure peak memory.")
    parser.add_argument("--files", type=int, nargs="+", default=COUNTS, help="ascending")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=PAGES)
    options = parser.parse_args()
    peaks = measure_all(options.files, rounds=options.rounds)
    small = make_small(max(options.files))
    page = f"""# Memory

Made by `make bench-memory`; how it is measured is in [benchmarks](../benchmarks.md). Medians of
{options.rounds} rounds, in brackets the smallest and the largest. JPEGs of 96 × 72 pixels,
{mean_kilobytes(small):.1f} kB each.

{machine("sightglass", "numpy", "pillow", "onnxruntime")}
{table(peaks, options.files)}"""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "memory.md").write_text(page, encoding="utf-8")
    write_csv(
        options.out / "memory.csv",
        ["files", "known", "peak_megabytes"],
        ([p.files, int(p.known), f"{p.megabytes:.1f}"] for p in peaks),
    )
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
