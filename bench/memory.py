"""Peak memory against the number of files: of the command line, and of each writer of results.

    python bench/memory.py              # writes docs/benchmarks/memory.md, .csv and .svg

Each run is a process of its own, and its peak is what the system's account of that process says.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_writers import WRITERS
from peak_memory import launched, taken
from pictures import FOLDER, machine, make_small, mean_kilobytes
from tables import PAGES, markdown, spread, write_csv

COUNTS = (1_000, 10_000, 100_000)
NEW, KNOWN = "classify, new pictures", "classify, known pictures"
CLASSES = "cat,dog,person,cup of coffee,motorcycle,rocket,flower,temple,coins,moon,brick wall,grass"
# So many pictures are drawn; a drawn one with a number in it is as good as another here.
DRAWN = 1_000
# One run is enough from here on: it takes minutes, and chance weighs little in it.
LONG = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One run: the most memory that it held at once, in units of 1,000,000 bytes."""

    what: str
    files: int
    megabytes: float


def make_many(n: int, folder: Path = FOLDER / "many") -> list[Path]:
    """``n`` JPEGs of 96 x 72 pixels with distinct bytes, 1,000 in a folder; made where absent.

    Each is one of 1,000 drawings with its number as a comment: that is read, decoded, embedded and
    kept like any other, and takes no time to make.
    """
    drawn = [path.read_bytes() for path in make_small(min(n, DRAWN))]
    paths = [folder / f"{number // 1000:03d}" / f"{number:06d}.jpg" for number in range(n)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(_commented(drawn[number % DRAWN], b"%d" % number))
            part.replace(path)
    return paths


def _commented(jpeg: bytes, comment: bytes) -> bytes:
    """The JPEG with a COM segment right behind its start."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def measure(command: Sequence[str], *, given: str = "") -> float:
    """The most memory that ``command``, with ``given`` on standard input, holds at once."""
    done = subprocess.run(
        launched(command, out=Path(os.devnull)),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    code, megabytes = taken(done.stdout.partition("\n")[2])
    if code != 0:
        sys.exit(f"memory: {' '.join(command)} must succeed, it said: {done.stderr.strip()}")
    return megabytes


def measure_all(counts: Sequence[int], *, rounds: int) -> list[Peak]:
    """In each round every count: a new store, the store that this left, then the writers."""
    paths = make_many(max(counts))
    out, store = FOLDER / "memory", FOLDER / "memory.sqlite"
    out.mkdir(exist_ok=True)
    writers = str(Path(__file__).with_name("memory_writers.py"))
    peaks = []
    for number in range(rounds):
        for count in counts:
            if number and count >= LONG:
                continue
            store.unlink(missing_ok=True)
            given = "\n".join(map(str, paths[:count]))
            classify = [sys.executable, "-m", "sightglass", "classify", "-", "--classes", CLASSES]
            classify += ["--out", str(out), "--store", str(store)]
            commands = dict.fromkeys((NEW, KNOWN), classify) | {
                f"{writer} alone": [sys.executable, writers, writer, str(count), str(out)]
                for writer in WRITERS
            }
            for what, command in commands.items():
                used = given if command is classify else ""
                megabytes = measure(command, given=used)
                peaks.append(Peak(what=what, files=count, megabytes=megabytes))
                print(f"round {number + 1} of {rounds}: {peaks[-1]}", file=sys.stderr)
    return peaks


def by_count(peaks: Iterable[Peak]) -> dict[str, dict[int, list[float]]]:
    """Megabytes of every run, by what was run and by the number of files."""
    found: dict[str, dict[int, list[float]]] = {}
    for peak in peaks:
        found.setdefault(peak.what, {}).setdefault(peak.files, []).append(peak.megabytes)
    return found


def table(peaks: Sequence[Peak]) -> str:
    """Peaks by number of files, and what 1,000 files more cost from the first to the last."""
    runs = by_count(peaks)
    counts = sorted({peak.files for peak in peaks})
    rows = []
    for what, found in runs.items():
        cells = [spread(found[count], ".1f") for count in counts]
        if len(counts) > 1:
            first, last = (statistics.median(found[count]) for count in (counts[0], counts[-1]))
            cells.append(f"{(last - first) / (counts[-1] - counts[0]) * 1000:.3f}")
        rows.append([what, *cells])
    titles = ["run", *(f"{count:,}" for count in counts)]
    titles += ["1,000 more"] * (len(counts) > 1)
    return markdown(titles, "l" + "r" * (len(titles) - 1), rows) + "\n"


def plot(runs: Mapping[str, Mapping[int, Sequence[float]]], path: Path) -> None:
    """Median megabytes against the number of files, which stand on a logarithmic axis."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "sightglass"
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(7, 3.5))
    for what, found in runs.items():
        middles = [statistics.median(found[count]) for count in sorted(found)]
        panel.plot(sorted(found), middles, marker="o", markersize=4, label=what)
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    panel.set_xlabel("files")
    panel.set_ylabel("peak memory, MB")
    panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure peak memory.")
    parser.add_argument("--files", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--rounds", type=int, default=3, help=f"one only from {LONG:,} files on")
    parser.add_argument("--out", type=Path, default=PAGES)
    options = parser.parse_args()
    counts = sorted(set(options.files))
    peaks = measure_all(counts, rounds=options.rounds)
    kilobytes = mean_kilobytes(make_many(min(counts)))
    page = f"""# Memory

Made by `make bench-memory`; how it is measured is in [benchmarks](../benchmarks.md). Most memory
at once in MB, by number of files: medians, in brackets the smallest and the largest. Rounds:
{options.rounds}; from {LONG:,} files on one. JPEGs of 96 × 72 pixels, {kilobytes:.1f} kB each.

{machine("sightglass", "numpy", "pillow", "onnxruntime")}
{table(peaks)}
![Peak memory against the number of files](memory.svg)
"""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "memory.md").write_text(page, encoding="utf-8")
    write_csv(
        options.out / "memory.csv",
        ["run", "files", "peak_megabytes"],
        ([p.what, p.files, f"{p.megabytes:.1f}"] for p in peaks),
    )
    plot(by_count(peaks), options.out / "memory.svg")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
