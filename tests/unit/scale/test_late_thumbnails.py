"""Thumbnails of the rows that a report shows of many."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from colour_photos import classifier, save
from sightglass.reports.shown_rows import ShownRows
from sightglass.scale.late_thumbnails import late_thumbnails

COUNT = 60


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    """Sixty files of which each sixth is no picture; no two pictures have the same bytes."""
    for number in range(COUNT):
        path = tmp_path / f"{number:02d}.png"
        if number % 6 == 3:
            path.write_text("no picture")
        else:
            save(path, f"#{number * 4:02x}{255 - number:02x}28")
    paths = sorted(str(path) for path in tmp_path.glob("*.png"))
    return [one.as_row() for one in classifier().stream(paths)]


def late(rows: list[dict[str, Any]], **options: Any) -> dict[str, bytes]:
    labels = Counter(row["label"] for row in rows if row["label"] is not None)
    settings = {"at_hand": lambda _: None, "most_rows": 30, "most": 8} | options
    return late_thumbnails(
        iter(rows),
        labels=labels,
        failed=COUNT - labels.total(),
        classifier=classifier(),
        **settings,
    )


def shown(rows: list[dict[str, Any]]) -> set[str]:
    """Contents of the rows that a report of 30 shows."""
    labels = Counter(row["label"] for row in rows if row["label"] is not None)
    of = ShownRows(labels=labels, failed=COUNT - labels.total(), most=30).of(rows)
    return {row["sha256"] for row in of if row["label"] is not None}


def test_as_many_as_are_wanted_are_of_rows_that_the_report_shows(
    rows: list[dict[str, Any]],
) -> None:
    alone = classifier()
    list(alone.stream([row["path"] for row in rows]))
    made = late(rows)
    assert len(made) == 8
    assert made.keys() <= shown(rows)
    assert all(jpeg == alone.thumbnail(sha256) for sha256, jpeg in made.items())
    assert late(rows, most=1000).keys() == shown(rows)


def test_what_is_at_hand_is_not_made_again(rows: list[dict[str, Any]]) -> None:
    made = late(rows)
    first = min(made)
    assert late(rows, at_hand=made.get) == {}
    assert late(rows, at_hand=lambda sha256: b"" if sha256 == first else None).keys() == (
        made.keys() - {first}
    )


def test_what_has_gone_or_changed_is_left_out(rows: list[dict[str, Any]]) -> None:
    made = late(rows)
    gone, changed = sorted(made)[:2]
    paths = {row["sha256"]: Path(row["path"]) for row in rows}
    paths[gone].unlink()
    save(paths[changed], "#010203")
    again = late(rows)
    assert again.keys() >= made.keys() - {gone, changed}
    assert not again.keys() & {gone, changed}
