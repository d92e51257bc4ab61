from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from report_rows import RUN, classified, jpeg
from sightglass.reports.folder import write_results
from sightglass.reports.prediction import Row
from sightglass.reports.work import Work

PICTURE = jpeg()


def rows(n: int) -> Iterator[Row]:
    return (classified(f"photos/{number:07d}.jpg", "cat", number / n) for number in range(n))


def peak_of(n: int, folder: Path) -> int:
    folder.mkdir()
    tracemalloc.start()
    write_results(
        folder,
        rows(n),
        run=lambda: RUN,
        thumbnails=lambda _: bytes(bytearray(PICTURE)),
        work=Work(),
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_tables_and_report_of_many_files_take_the_memory_of_few(tmp_path: Path) -> None:
    peak_of(1, tmp_path / "first")  # the template is compiled once; that is not what grows
    # Blocks of rows and of thumbnails are full at 600.
    few, many = peak_of(600, tmp_path / "few"), peak_of(2_000, tmp_path / "many")
    # Sizes of thumbnails and which are shown: 40 bytes for each. A row as Python holds it: 2 kB.
    assert many - few < 1_400 * 150
