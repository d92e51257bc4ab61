"""What one picture costs a run on a cluster in bytes and in the command's own time.

    python bench/plan.py                # prints the table of docs/scale.md

Names only, and names with eight references each in two spaces. The rows are those of 1,024
photographs, one shard; with other paths they fill sixty. Times are of this process alone, without
any worker.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from memory_writers import THUMBNAIL_BYTES
from pictures import FOLDER, machine, make_photos
from sightglass.inputs.spooled_texts import SpooledTexts
from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.first_seen import FirstSeen
from sightglass.reports.html import write_report
from sightglass.reports.prediction import Row
from sightglass.reports.tables import read_rows, write_csv, write_jsonl
from sightglass.reports.work import Work
from sightglass.scale.answers import Answer, answer_of
from sightglass.scale.late_thumbnails import late_thumbnails
from sightglass.scale.merging import with_duplicates
from sightglass.scale.shard_folder import ShardFolder
from sightglass.scale.shards import SHARD_SIZE, packed_sources
from speed_inputs import make_references
from speed_ours import NAMES
from tables import markdown

OUT = FOLDER / "plan"
SHARDS = 60
# Rows in a report; the larger one has this many more that it does not show.
SMALL, LARGE = 150_000, 300_000


def answers(
    store: Path, references: Path | None
) -> tuple[list[str], ZeroShotClassifier, list[Answer]]:
    """The photographs, who answered, and answers to as many shards with other paths and bytes."""
    classifier = ZeroShotClassifier(NAMES, store=store, references=references)
    sources = [str(path) for path in make_photos(2_000)[:SHARD_SIZE]]
    classifier.calibrate(sources)
    answer = answer_of(classifier, sources)
    return (
        sources,
        classifier,
        [
            Answer(rows=[_moved(row, shard, place) for place, row in enumerate(answer.rows)])
            for shard in range(SHARDS)
        ],
    )


def _moved(row: Row, shard: int, place: int) -> Row:
    """The row under a path of 43 characters, with gaps as in lists of real files; its own bytes."""
    number = place * 1000 + zlib.crc32(b"%d %d" % (shard, place)) % 1000
    sha256 = None if row["sha256"] is None else f"{shard:08x}{row['sha256'][8:]}"
    return row | {"path": f"photos/archive/{shard:06d}/{number:017d}.jpg", "sha256": sha256}


def command_seconds(made: Sequence[Answer], out: Path) -> float:
    """Processor time of one row: taking it from Ray, keeping it, merging it, writing the tables."""
    replies = [pickle.dumps(answer) for answer in made]
    sources = [[row["path"] for row in answer.rows] for answer in made]
    start = time.process_time()
    folder = ShardFolder(out, "0" * 16)
    for number, reply in enumerate(replies):
        folder.save(number, pickle.loads(reply))
    rows = (row for number, each in enumerate(sources) for row in folder.rows(number, each))
    kept = list(with_duplicates(rows, FirstSeen()))
    write_csv(out / "predictions.csv", kept)
    write_jsonl(out / "predictions.jsonl", kept)
    return (time.process_time() - start) / len(kept)


def report_seconds(made: Sequence[Answer], count: int, run: dict[str, Any], out: Path) -> float:
    """Processor time of the report of so many rows, which it reads from the table."""
    jpeg = b"\xff\xd8".ljust(THUMBNAIL_BYTES, b"\0")
    write_jsonl(out / "rows.jsonl", many(made, count))
    start = time.process_time()
    write_report(
        out / "report.html",
        lambda: read_rows(out / "rows.jsonl"),
        run,
        lambda _: bytes(bytearray(jpeg)),  # as the store does, new bytes each time
    )
    return time.process_time() - start


def choosing_seconds(made: Sequence[Answer], out: Path, classifier: ZeroShotClassifier) -> float:
    """Processor time of one row to find those whose thumbnails are still to be made: none here."""
    folder, labels = ShardFolder(out, "1" * 16), Counter[str]()
    for number, answer in enumerate(made):
        folder.save(number, answer)
        labels.update(row["label"] for row in answer.rows if row["label"] is not None)
    total = len(made) * SHARD_SIZE
    sources = [[row["path"] for row in answer.rows] for answer in made]
    start = time.process_time()
    late_thumbnails(
        (row for number, each in enumerate(sources) for row in folder.rows(number, each)),
        labels=labels,
        failed=total - labels.total(),
        classifier=classifier,
        at_hand=lambda _: b"",
        most_rows=total // 10,
    )
    return (time.process_time() - start) / total


def many(made: Sequence[Answer], count: int) -> Iterator[Row]:
    """So many rows, each with its own path and content."""
    for number in range(count):
        row = made[0].rows[number % SHARD_SIZE]
        yield _moved(row, number // SHARD_SIZE, number % SHARD_SIZE)


def line_bytes(made: Sequence[Answer], run: dict[str, Any], path: Path) -> float:
    """What a row takes in a report: the difference that 10,000 more of them make."""
    sizes = []
    for count in (10_000, 20_000):
        write_report(path, partial(many, made, count), run, lambda _: None)
        sizes.append(path.stat().st_size)
    return (sizes[1] - sizes[0]) / 10_000


def spooled_bytes(paths: Sequence[str]) -> float:
    """What a path takes in the temporary file in which the command sorts all of them."""
    tables = SpooledTexts.sorted(paths)._tables
    pages, size = (tables.one(f"PRAGMA {name}")[0] for name in ("page_count", "page_size"))
    return float(pages * size / len(paths))


def measure(references: Path | None) -> dict[str, str]:
    """Of each line of the table, the number with its unit."""
    store = OUT / f"{'names' if references is None else 'references'}.sqlite"
    before, classifier, made = answers(store, references)
    shard = [row["path"] for row in made[0].rows]
    rows = len(made) * len(shard)
    with tempfile.TemporaryDirectory(dir=OUT) as kept:
        out = Path(kept)
        command = command_seconds(made, out)
        jsonl, csv = (
            (out / f"predictions.{name}").stat().st_size / rows for name in ("jsonl", "csv")
        )
        run = classifier.run_record(Work())
        choosing = choosing_seconds(made, out, classifier)
        line = line_bytes(made, run, out / "report.html")
        small, large = (report_seconds(made, count, run, out) for count in (SMALL, LARGE))
    each = (large - small) / (LARGE - SMALL)
    shas = [row["sha256"] for row in answer_of(classifier, before).rows if row["sha256"]]
    jpegs = [len(classifier.thumbnail(sha256) or b"") for sha256 in shas]
    paths = [row["path"] for one in made for row in one.rows]
    packed = sum(len(packed_sources([row["path"] for row in one.rows])) for one in made)
    sent = len(pickle.dumps(made[0])) / len(shard)
    return {
        "line of predictions.jsonl, and in the shards": f"{jsonl:,.0f} B",
        "line of predictions.csv": f"{csv:,.0f} B",
        "line in the report, which shows at most 100,000": f"{line:,.0f} B",
        "answer sent by a worker, without thumbnails": f"{sent:,.0f} B",
        "thumbnail": f"{sum(jpegs) / len(jpegs):,.0f} B",
        "path sent to a worker, packed": f"{packed / rows:.1f} B",
        "path in the command's temporary file": f"{spooled_bytes(paths):,.0f} B",
        "command: taking, merging, writing tables": f"{command * 1e6:.0f} µs",
        "command: choosing thumbnails, above 100,000 pictures": f"{choosing * 1e6:.0f} µs",
        "command: report of 100,000 rows": f"{small - (SMALL - 100_000) * each:.1f} s",
        "command: each row that the report does not show": f"{each * 1e6:.0f} µs",
        "store": f"{store.stat().st_size / len(shard) / 1e3:.1f} kB",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what one picture costs a cluster.")
    parser.parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    names, fused = measure(None), measure(make_references(NAMES))
    print(f"{machine('sightglass', 'numpy', 'pillow', 'onnxruntime')}")
    rows = [[what, number, fused[what]] for what, number in names.items()]
    print(markdown(("per picture", "names", "names and references"), "lrr", rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
