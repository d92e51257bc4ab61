"""Pictures per second on Ray with one and two workers, against the same command on its own.

    python bench/cluster.py             # writes docs/benchmarks/cluster.md and .csv

Each run is the whole command in a process of its own, with an empty store. Every round runs every
row once, beginning with another. What the runs answer is compared: a run that differs ends it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pictures import FOLDER, machine, make_photos, mean_kilobytes
from speed_ours import NAMES
from tables import PAGES, markdown, spread, write_records

OUT = FOLDER / "cluster"
SHARD_SIZE = 64
LOCAL, ONE, TWO = "one process, no Ray", "Ray, 1 worker", "Ray, 2 workers"
ENGINES: Mapping[str, Sequence[str]] = {
    LOCAL: (),
    ONE: ("--engine", "ray", "--workers", "1", "--shard-size", str(SHARD_SIZE)),
    TWO: ("--engine", "ray", "--workers", "2", "--shard-size", str(SHARD_SIZE)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the command.

    Attributes:
        seconds: Of the whole process.
        steady: Pictures per second once the first answer is there; of the whole work, without the
            start of the process, where there is no Ray.
        waited: Seconds until the first shard's answer; 0 where there is no Ray.
    """

    pictures: int
    seconds: float
    steady: float
    waited: float

    @property
    def whole(self) -> float:
        """Pictures per second, from the start of the process to its end."""
        return self.pictures / self.seconds


def measure(paths: Sequence[Path], engine: str) -> tuple[Run, bytes]:
    """One run, and its predictions.csv."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    command = [sys.executable, "-m", "sightglass", "classify", "-", "--classes", ",".join(NAMES)]
    command += ["--out", str(OUT / "results"), "--store", str(OUT / "store.sqlite")]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *ENGINES[engine]],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"cluster: {engine}: the command must succeed, it said: {done.stderr.strip()}")
    record = json.loads((OUT / "results" / "run.json").read_text(encoding="utf-8"))
    timings = record["timings"]
    if engine == LOCAL:
        waited, rate = 0.0, len(paths) / sum(timings[stage] for stage in ("read", "encode"))
    else:
        waited = record["engine"]["seconds_to_first_answer"]
        rate = (len(paths) - SHARD_SIZE) / (timings["cluster"] - waited)
    run = Run(pictures=len(paths), seconds=seconds, steady=rate, waited=waited)
    return run, (OUT / "results" / "predictions.csv").read_bytes()


def measure_all(paths: Sequence[Path], *, rounds: int) -> list[dict[str, Run]]:
    """Per round, one run of each engine."""
    names, measured = list(ENGINES), []
    expected: bytes | None = None
    for number in range(rounds):
        turn = number % len(names)
        runs = {}
        for name in names[turn:] + names[:turn]:
            runs[name], table = measure(paths, name)
            expected = expected or table
            if table != expected:
                sys.exit(f"cluster: {name} answers differently; its table is in {OUT}.")
        measured.append(runs)
        shown = ", ".join(
            f"{name} {run.whole:.0f} ({run.steady:.0f})" for name, run in runs.items()
        )
        print(f"round {number + 1} of {rounds}, pictures/s: {shown}", file=sys.stderr)
    return measured


def table(measured: Sequence[Mapping[str, Run]]) -> str:
    """A line per engine; ratios are taken within a round."""
    rows = []
    for name in ENGINES:
        runs = [each[name] for each in measured]
        rows.append(
            [
                name,
                spread(run.whole for run in runs),
                spread(run.steady for run in runs),
                spread((each[name].steady / each[LOCAL].steady for each in measured), ".2f"),
                spread((each[name].steady / each[ONE].steady for each in measured), ".2f"),
                spread((run.waited for run in runs), ".1f") if name != LOCAL else "",
            ]
        )
    titles = (
        "engine",
        "pictures/s, whole command",
        "pictures/s, once it runs",
        "× no Ray",
        "× 1 worker",
        "s to the first answer",
    )
    return markdown(titles, "lrrrrr", rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure throughput on Ray.")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=PAGES)
    options = parser.parse_args()
    paths = make_photos(max(2000, options.files))[: options.files]
    measured = measure_all(paths, rounds=options.rounds)
    page = f"""# Cluster

Made by `make bench-cluster`: `sightglass classify` with `mini` on {len(paths):,} JPEGs of about
500 × 375 pixels, {mean_kilobytes(paths):.0f} kB each; medians of {options.rounds} rounds, in
brackets the smallest and the largest. A worker has one processor; without Ray, one process uses
all. Shards of {SHARD_SIZE}; "once it runs" leaves out the start of Ray and the first shard. The
tables that the runs wrote were equal to the byte.

{machine("sightglass", "numpy", "pillow", "onnxruntime", "ray")}
{table(measured)}
"""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "cluster.md").write_text(page, encoding="utf-8")
    write_records(
        options.out / "cluster.csv",
        [
            {
                "round": number + 1,
                "engine": name,
                "pictures": run.pictures,
                "seconds": f"{run.seconds:.2f}",
                "pictures_per_second": f"{run.whole:.1f}",
                "pictures_per_second_steady": f"{run.steady:.1f}",
                "seconds_to_first_answer": f"{run.waited:.2f}",
            }
            for number, runs in enumerate(measured)
            for name, run in runs.items()
        ],
    )
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
