"""Thumbnails of a report that cannot show every row, made when it is known which ones it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sightglass.pipeline import ZeroShotClassifier
from sightglass.reports.prediction import Row
from sightglass.reports.shown_rows import MOST_ROWS, ShownRows
from sightglass.several_encoders import read_for

# Of thumbnails of photographs a page with 100,000 rows holds some 1,400: enough to choose from.
MOST_LATE = 3_000


def late_thumbnails(
    rows: Iterable[Row],
    *,
    labels: Mapping[str, int],
    failed: int,
    classifier: ZeroShotClassifier,
    at_hand: Callable[[str], bytes | None],
    most_rows: int = MOST_ROWS,
    most: int = MOST_LATE,
) -> dict[str, bytes]:
    """JPEG bytes by sha256, of pictures among the rows that the report shows.

    Which rows these are follows from all of them: no worker can know it. So the pictures are read
    once more, here. One that cannot be read any more, or has changed, is left out.

    Args:
        rows: All of the run.
        labels: How many files each label has.
        failed: How many could not be used.
        classifier: Says how pictures are read.
        at_hand: Gives a thumbnail that need not be made.
        most_rows: How many rows the report shows.
        most: How many thumbnails are wanted; drawn from those rows as the rows are from all.
    """
    shown: list[dict[str, Any]] = [
        {key: row[key] for key in ("label", "path", "sha256")}
        for row in ShownRows(labels=labels, failed=failed, most=most_rows).of(rows)
        if row["label"] is not None
    ]
    labels_shown = Counter(row["label"] for row in shown)
    wanted = {
        row["sha256"]: row["path"]
        for row in ShownRows(labels=labels_shown, failed=0, most=most).of(shown)
    }
    missing = [path for sha256, path in wanted.items() if at_hand(sha256) is None]
    pictures = read_for(
        (classifier.encoder,),
        missing,
        store=classifier.store,
        max_pixels=classifier.max_pixels,
        batch_size=classifier.batch_size,
    )
    return {
        picture.content.hex(): picture.fresh.stored.thumbnail
        for picture in pictures
        if picture.fresh is not None and picture.content is not None
    }
