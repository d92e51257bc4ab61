"""How fast it is: one table, against what people use instead and against what is possible.

python bench/speed.py               # writes docs/benchmarks/speed.md, .csv and .svg
python bench/speed.py --only mini,store --rounds 1      # a part of it, into .bench/speed
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from pictures import make_checkpoint, make_photos
from rounds import CountError, measure, write_rounds
from speed_group import Group
from speed_groups import fused_group, large_group, mini_group, store_group
from speed_groups_hub import batches_group, clip_group, dino_group, paper_group
from speed_options import Options, read_options
from speed_ours import NAMES, TEMPLATE
from speed_page import differences, group_section, page, start_section, target_section
from speed_plot import plot
from speed_single import single_section, single_times
from speed_stages import STAGED, stage_lines, stage_section, stage_times
from speed_start import RATIOS, start_times
from tables import write_csv

SINGLE_PICTURES = 10  # per round


def main() -> int:
    options = read_options(sys.argv[1:], on_a_gpu=torch.cuda.is_available())
    sections, measured, groups, wrong = [], {}, [], []
    alone = {"start": _start, "single": _single, "stages": _stages}
    builders = _builders(options)
    for name in options.groups:
        if name in alone:
            sections.append(alone[name](options))
            continue
        group = builders[name]()
        try:
            rounds = measure(group.rows, rounds=options.rounds, title=name)
        except CountError as error:
            print(f"speed: {error}", file=sys.stderr)
            return 1
        groups.append(group)
        measured[name] = rounds
        sections.append(group_section(group, rounds))
        wrong += differences(group, rounds)
    target = target_section(groups, list(measured.values()))
    text = page(
        [*([target] if target else []), *sections], rounds=options.rounds, plotted=bool(measured)
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "speed.md").write_text(text, encoding="utf-8")
    if measured:
        write_rounds(options.out / "speed.csv", measured)
        plot(measured, options.out / "speed.svg")
    print(text)
    print(f"speed: results are in {options.out}", file=sys.stderr)
    for sentence in wrong:
        print(f"speed: {sentence}.", file=sys.stderr)
    return 1 if wrong else 0


def _builders(options: Options) -> dict[str, Callable[[], Group]]:
    sizes = options.sizes
    n, few = sizes["pictures"], sizes["few"]
    return {
        "mini": lambda: mini_group(n),
        "large": lambda: large_group(n, few),
        "fused": lambda: fused_group(n),
        "store": lambda: store_group(sizes["stored"], sizes["classes"]),
        "dino": lambda: dino_group(n // 2, few),
        "clip": lambda: clip_group(n, few),
        "batches": lambda: batches_group(few),
        "paper": lambda: paper_group(sizes["paper"]),
    }


def _start(options: Options) -> str:
    picture, another = make_photos(2)
    checkpoint = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    seconds = start_times(picture, another, checkpoint)
    write_csv(options.out / "start.csv", ["process", "seconds"], seconds)
    return start_section(seconds, RATIOS)


def _single(options: Options) -> str:
    found = single_times(SINGLE_PICTURES * options.rounds)
    lines = [(name, round(value, 3)) for name, values in found.items() for value in values]
    write_csv(options.out / "single.csv", ["row", "milliseconds"], lines)
    return single_section(found)


def _stages(options: Options) -> str:
    pictures = min(STAGED, options.sizes["pictures"])
    found = stage_times(pictures, options.rounds)
    lines = stage_lines(found)
    write_csv(options.out / "stages.csv", ["stage", "round", "milliseconds"], lines)
    return stage_section(found, pictures)


if __name__ == "__main__":
    sys.exit(main())
