"""How fast it is: one table, against what people use instead and against what is possible.

python bench/speed.py               # writes docs/benchmarks/speed.md, .csv and .svg
python bench/speed.py --only mini,store --rounds 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from pictures import machine, make_checkpoint, make_photos
from rounds import Round, agreement, measure, rate_table, ratio_table, write_rounds
from speed_groups import (
    Group,
    clip_group,
    dino_group,
    fused_group,
    large_group,
    mini_group,
    paper_group,
    store_group,
)
from speed_ours import NAMES, TEMPLATE
from speed_plot import plot
from speed_start import start_table
from tables import PAGES, write_csv

PACKAGES = (
    *("sightglass", "numpy", "pillow", "simplejpeg", "onnxruntime", "torch", "transformers"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how fast it is.")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--few", type=int, default=200, help="pictures for the slowest rows")
    parser.add_argument("--stored", type=int, default=100_000, help="embeddings in the full store")
    parser.add_argument("--classes", type=int, default=1000, help="names put to the full store")
    parser.add_argument(
        "--paper", type=int, default=10_000, help="pictures of the group that asks for a GPU"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="groups to measure, by comma; all if empty")
    parser.add_argument("--out", type=Path, default=PAGES)
    options = parser.parse_args()
    n, few = options.pictures, options.few
    groups: dict[str, Callable[[], Group]] = {
        "mini": lambda: mini_group(n),
        "large": lambda: large_group(n, few),
        "fused": lambda: fused_group(n),
        "store": lambda: store_group(options.stored, options.classes),
        "dino": lambda: dino_group(n // 2, few),
        "clip": lambda: clip_group(n, few),
    }
    if torch.cuda.is_available() or "paper" in options.only.split(","):
        groups["paper"] = lambda: paper_group(options.paper)
    chosen = options.only.split(",") if options.only else ["start", *groups]
    options.out.mkdir(parents=True, exist_ok=True)
    sections, measured = [], {}
    if "start" in chosen:
        picture, another = make_photos(2)
        start, seconds = start_table(
            picture, another, make_checkpoint([TEMPLATE.format(name) for name in NAMES])
        )
        write_csv(options.out / "start.csv", ["process", "seconds"], seconds)
        sections.append(f"## Starting\n\n{start.strip()}")
    for name in chosen:
        if name in groups:
            group = groups[name]()
            measured[name] = measure(group.rows, rounds=options.rounds, title=name)
            sections.append(_section(group, measured[name]))
    page = _page(sections, options.rounds)
    (options.out / "speed.md").write_text(page, encoding="utf-8")
    write_rounds(options.out / "speed.csv", measured)
    plot(measured, options.out / "speed.svg")
    print(page)
    return 0


def _section(group: Group, rounds: Sequence[Round]) -> str:
    parts = [f"## {group.title}", rate_table(rounds)]
    if group.ratios:
        parts.append(ratio_table(rounds, group.ratios))
    if group.same is not None:
        parts.append(agreement(rounds[-1], *group.same))
    return "\n\n".join(part.strip("\n") for part in parts)


def _page(sections: Sequence[str], rounds: int) -> str:
    return (
        "\n\n".join(
            [
                "# Speed",
                "Made by `make bench`; what the rows mean is in [benchmarks](../benchmarks.md). "
                f"Medians of {rounds} rounds, in brackets the smallest and the largest.",
                machine(*PACKAGES).strip("\n"),
                "![Pictures per second, ours and others](speed.svg)",
                *sections,
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
