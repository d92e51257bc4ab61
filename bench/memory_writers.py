"""One writer of results alone, on rows that no model made.

    python bench/memory_writers.py report.html 100000 FOLDER

bench/memory.py runs it in a process of its own for each number of rows.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from sightglass.reports.html import write_report
from sightglass.reports.prediction import Row
from sightglass.reports.tables import write_csv, write_jsonl

WRITERS = ("predictions.csv", "predictions.jsonl", "report.html")
CLASSES = ("cat", "dog", "person", "flower", "temple", "coins", "moon", "horse")
# What a thumbnail of a photograph takes.
THUMBNAIL_BYTES = 4_000


def rows(n: int) -> Iterator[Row]:
    """``n`` rows, every tenth a duplicate, every twentieth unknown, every hundredth failed."""
    for number in range(n):
        path = f"photos/album {number // 500:04d}/{number:07d}.jpg"
        if number % 100 == 99:
            yield row(path, "corrupt", detail="the file is empty")
            continue
        copied = number % 10 == 9
        content = hashlib.sha256(b"%d" % (number - copied)).hexdigest()
        share = round(0.2 + 0.8 * (number * 7_919 % 10_007) / 10_007, 6)
        best, second = (CLASSES[(number + at) % len(CLASSES)] for at in (0, 3))
        top = [(best, share), (second, (1 - share) / 2)]
        yield row(path, "duplicate" if copied else "ok", sha256=content) | {
            "label": "unknown" if number % 20 == 7 else best,
            "confidence": share,
            "unknown_score": round(1 - share, 6),
            "margin": round(share - (1 - share) / 2, 6),
            "top": [{"label": label, "probability": round(p, 6)} for label, p in top],
            "width": 500,
            "height": 375,
        }


def row(path: str, outcome: str, *, detail: str = "", sha256: str | None = None) -> Row:
    """A row of a file about which nothing more is known."""
    keys = ("label", "confidence", "unknown_score", "margin", "width", "height")
    return {"path": path, "outcome": outcome, "detail": detail, "sha256": sha256} | {
        **dict.fromkeys(keys),
        **{key: [] for key in ("top", "opinions", "nearest_references")},
    }


def write(writer: str, n: int, folder: Path) -> None:
    """One file of results with ``n`` rows."""
    path = folder / writer
    if writer == "predictions.csv":
        write_csv(path, rows(n))
    elif writer == "predictions.jsonl":
        write_jsonl(path, rows(n))
    else:
        stream = io.BytesIO()
        Image.new("RGB", (160, 120)).save(stream, "JPEG")
        jpeg = stream.getvalue().ljust(THUMBNAIL_BYTES, b"\0")
        run = {"classes": [{"name": name, "names": [name]} for name in CLASSES]}
        # As the store does, new bytes each time.
        write_report(path, lambda: rows(n), run, lambda _: bytes(bytearray(jpeg)))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
