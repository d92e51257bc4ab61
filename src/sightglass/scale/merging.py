"""From shards that arrive in any order to the rows of one run in the order of its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sightglass.errors import ResultsError
from sightglass.inputs.outcome import CLASSIFIED
from sightglass.reports.first_seen import FirstSeen
from sightglass.reports.prediction import Row
from sightglass.scale.answers import Answer


def in_order(
    count: int,
    done: set[int],
    arriving: Iterator[tuple[int, Answer]],
    keep: Callable[[int, Answer], None],
) -> Iterator[int]:
    """The numbers of all shards, ascending, each as soon as it and all before it are kept.

    Args:
        count: Of shards, numbered from 0.
        done: Those that are kept from before; others are added.
        arriving: The others, in any order; one that came before is dropped.
        keep: Called once for each that arrives.

    Raises:
        ResultsError: If ``arriving`` ends too soon.
    """
    for number in range(count):
        while number not in done:
            arrived, answer = next(arriving, (None, None))
            if arrived is None or answer is None:
                raise ResultsError(
                    f"Ray: {count} shards are needed, the cluster gave {len(done)} and ended. "
                    f"These are kept; run the same command to go on from there."
                )
            if arrived not in done:
                keep(arrived, answer)
                done.add(arrived)
        yield number


def with_duplicates(rows: Iterable[Row], first_seen: FirstSeen) -> Iterator[Row]:
    """Rows as one run gives them: a duplicate is one of any file before it, not of its shard.

    Args:
        rows: In the order of their sources; ``duplicate`` as each shard sees it.
        first_seen: What came before; added to.
    """
    for row in rows:
        if row["outcome"] in CLASSIFIED:
            first = first_seen.setdefault(bytes.fromhex(row["sha256"]), row["path"])
            if first == row["path"]:
                row["outcome"], row["detail"] = "ok", ""
            else:
                row["outcome"], row["detail"] = "duplicate", f"same bytes as {first}"
        yield row
