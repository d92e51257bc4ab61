"""What must hold of the results of a run over the fuzz corpus; each complaint is one line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from faults_run import WatchedRun
from fuzz_corpus import FuzzFile

_MOST_SHOWN = 5


def complaints(
    run: WatchedRun, corpus: Sequence[FuzzFile], folder: Path, *, most_megabytes: float
) -> Iterator[str]:
    """Everything that is wrong with a run; nothing if all is well.

    Args:
        run: What was seen of it from outside.
        corpus: What lay there, which is what must be in the results, each once.
        folder: The results.
        most_megabytes: Bound of its memory, in units of 1,000,000 bytes.
    """
    if run.hung:
        yield "nothing came for a minute; the stacks of its threads:\n" + "\n".join(run.remarks)
        return
    if run.code != 0:
        yield f"exit code {run.code}: " + "\n".join(run.remarks[-30:])
        return
    if run.remarks:
        shown = "; ".join(run.remarks[:_MOST_SHOWN])
        yield f"{len(run.remarks):,} lines on standard error, such as {shown}"
    if run.megabytes > most_megabytes:
        yield f"peak of {run.megabytes:,.0f} MB; the bound is {most_megabytes:,.0f}"
    rows = rows_of(folder)
    yield from _wrong_paths(rows, corpus)
    yield from _wrong_rows(rows)
    yield from _wrong_outcomes(rows, corpus)
    yield from _wrong_files(rows, folder)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of predictions.jsonl."""
    with (folder / "predictions.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _wrong_paths(rows: Sequence[Mapping[str, Any]], corpus: Sequence[FuzzFile]) -> Iterator[str]:
    expected = Counter(one.path for one in corpus)
    got = Counter(row["path"] for row in rows)
    for word, difference in (("lost", expected - got), ("too many", got - expected)):
        if difference:
            names = ", ".join(ascii(path) for path in sorted(difference)[:_MOST_SHOWN])
            yield f"{difference.total():,} rows {word}: {names}"


def _wrong_rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    from sightglass.inputs.outcome import CLASSIFIED, STATUSES

    for row in rows:
        outcome, label, detail = row["outcome"], row["label"], row["detail"]
        where = ascii(row["path"])
        if outcome not in STATUSES:
            yield f"{where}: unknown outcome {outcome!r}"
        elif outcome in CLASSIFIED:
            if not label or not 0 <= row["confidence"] <= 1 or not row["width"] > 0:
                yield f"{where}: {outcome}, but without label, confidence or size"
        elif label is not None or not detail or not detail.isprintable():
            yield f"{where}: {outcome}, but with a label, or without one printable line why"


def _wrong_outcomes(rows: Sequence[Mapping[str, Any]], corpus: Sequence[FuzzFile]) -> Iterator[str]:
    certain = {one.path: one.must for one in corpus if one.must}
    for row in rows:
        must = certain.get(row["path"])
        if must == "used" and row["outcome"] in ("ok", "duplicate"):
            continue
        if must not in (None, row["outcome"]):
            where = ascii(row["path"])
            yield f"{where}: must be {must}, is {row['outcome']} ({row['detail']!a})"


def _wrong_files(rows: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[str]:
    """The other three results must say what predictions.jsonl says."""
    outcomes = [row["outcome"] for row in rows]
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        table = [row["outcome"] for row in csv.DictReader(stream)]
    if table != outcomes:
        yield f"predictions.csv has {len(table):,} rows that are not those of predictions.jsonl"
    counts = json.loads((folder / "run.json").read_text(encoding="utf-8"))["counts"]
    if {name: count for name, count in counts.items() if count} != dict(Counter(outcomes)):
        yield f"run.json counts {counts}, the tables {dict(Counter(outcomes))}"
    page = _Page()
    with (folder / "report.html").open(encoding="utf-8") as stream:
        while text := stream.read(1 << 20):
            page.feed(text)
    page.close()
    if page.rows != len(rows):
        yield f"report.html holds {page.rows:,} rows, not {len(rows):,}"
    if page.strange:
        yield f"report.html has elements that no template of it has: {sorted(page.strange)}"


class _Page(HTMLParser):
    """Counts the rows in the report's blocks of JSON, and looks for what names may have made."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.strange: set[str] = set()
        self._block: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if any(name.startswith("on") for name in given) or tag in ("img", "iframe", "object"):
            self.strange.add(f"<{tag} {given}>")
        if tag == "script" and given.get("class") == "rows":
            self._block = []

    def handle_data(self, data: str) -> None:
        if self._block is not None:
            self._block.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._block is not None:
            self.rows += len(json.loads("".join(self._block)))
            self._block = None
