"""Twenty thousand damaged, odd and hostile files through ``sightglass classify``. Linux only.

    python bench/faults.py              # writes docs/benchmarks/faults.md and .csv

Ends with exit code 1, and the complaints on standard error, where anything is not as it must be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from faults_checks import complaints, rows_of
from faults_run import SECONDS_WITHOUT_PROGRESS, WatchedRun, watched
from faults_second_look import SHORT_SIDE, SecondLook, look_again
from fuzz_corpus import FOLDER, FuzzFile, remove_corpus, write_corpus
from pictures import machine
from tables import PAGES, markdown, write_csv

FILES = 20_000
# Units of 1,000,000 bytes. Libraries, the model and a batch take about 300. The room for large
# pictures is 179 million pixels, of up to 13 bytes each while they are decoded and made RGB.
MOST_MEGABYTES = 300 + 179 * 13
SLOW_SECONDS = 3.0
CLASSES = "cat, dog, plant, building, noise"
_SLOWEST_SHOWN = 5


def run(corpus: Path, out: Path) -> WatchedRun:
    """The real command with the bundled model and a new store."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    arguments = ["classify", os.fspath(corpus), "--classes", CLASSES, "--model", "mini"]
    arguments += ["--out", os.fspath(out), "--store", os.fspath(out / "store.sqlite")]
    return watched(arguments, out=out / "output.txt")


def disagreements(looks: Sequence[SecondLook]) -> Counter[tuple[str, str, str]]:
    """(format, ours, Pillow's) where only one of the two can use the picture, with their number."""
    return Counter(
        (look.file.kind, look.ours, look.pillow)
        for look in looks
        if look.pillow and (look.ours == "ok") != (look.pillow == "opens")
    )


def slow(looks: Sequence[SecondLook]) -> Iterator[str]:
    """A complaint for each file that takes too long alone."""
    for look in looks:
        if look.seconds > SLOW_SECONDS:
            yield f"{look.file.path!a}: {look.seconds:.1f} s of processor time"


def outcome_table(corpus: Sequence[FuzzFile], out: Path) -> tuple[list[str], list[list[str]]]:
    """Titles and cells: files by what they were made from, and by outcome."""
    from sightglass.inputs.outcome import STATUSES

    kinds = {one.path: one.kind for one in corpus}
    counts = Counter((kinds[row["path"]], row["outcome"]) for row in rows_of(out))
    rows = []
    for kind in [*sorted(set(kinds.values())), None]:
        cells = [
            sum(count for (of, what), count in counts.items() if kind in (None, of) and what == one)
            for one in STATUSES
        ]
        rows.append([kind or "all", *(f"{cell:,}" for cell in cells), f"{sum(cells):,}"])
    return ["made from", *STATUSES, "files"], rows


def page(
    options: argparse.Namespace,
    done: WatchedRun,
    outcomes: tuple[list[str], list[list[str]]],
    looks: Sequence[SecondLook],
    wrong: Sequence[str],
) -> str:
    titles, rows = outcomes
    slowest = sorted(looks, key=lambda look: -look.seconds)[:_SLOWEST_SHOWN]
    times = [[look.file.kind, look.file.way, look.ours, f"{look.seconds:.2f}"] for look in slowest]
    apart = [[*key, f"{count:,}"] for key, count in sorted(disagreements(looks).items())]
    asked = sum(bool(look.pillow) for look in looks)
    verdict = "Every check held." if not wrong else f"{len(wrong):,} checks failed."
    return f"""# Faults

Made by `make bench-faults`; what the files are and what is checked is in
[benchmarks](../benchmarks.md). {options.files:,} files of seed {options.seed} in one run of
`sightglass classify`: {done.seconds:.0f} seconds, peak memory {done.megabytes:,.0f} MB (bound:
{MOST_MEGABYTES:,} MB). {verdict}

{machine("sightglass", "numpy", "pillow", "onnxruntime")}
{markdown(titles, "l" + "r" * (len(titles) - 1), rows)}

Slowest files, each opened alone for a network of {SHORT_SIDE} pixels, seconds of processor time:

{markdown(("made from", "damage", "outcome", "seconds"), "lllr", times)}

Pillow itself, alone and strict, was asked about {asked:,} of them. Where it and Sightglass do not
both use or both refuse a picture:

{markdown(("made from", "ours", "Pillow", "files"), "lllr", apart)}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify a corpus of damaged files.")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PAGES)
    parser.add_argument("--keep", action="store_true", help="leave the corpus where it is")
    options = parser.parse_args()
    folder, results = FOLDER / "corpus", FOLDER / "results"
    remove_corpus(folder)
    started = time.monotonic()
    corpus = write_corpus(folder, files=options.files, seed=options.seed)
    print(f"{len(corpus):,} files written in {time.monotonic() - started:.0f} s", file=sys.stderr)
    try:
        done = run(folder, results)
        print(
            f"classified in {done.seconds:.0f} s, peak {done.megabytes:,.0f} MB, exit code "
            f"{done.code} (a hang is {SECONDS_WITHOUT_PROGRESS} s without progress)",
            file=sys.stderr,
        )
        wrong = list(complaints(done, corpus, results, most_megabytes=MOST_MEGABYTES))
        if done.code == 0:
            looks = list(look_again(corpus))
            wrong += slow(looks)
            outcomes = outcome_table(corpus, results)
            text = page(options, done, outcomes, looks, wrong)
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / "faults.md").write_text(text, encoding="utf-8")
            write_csv(options.out / "faults.csv", *outcomes)
            print(text)
    finally:
        if not options.keep:
            remove_corpus(folder)
    for complaint in wrong:
        print(f"faults: {complaint}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
