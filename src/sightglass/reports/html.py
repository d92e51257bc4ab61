"""report.html: one page that shows the answers of a run and needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import shlex
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sightglass.decisions.decide import UNKNOWN
from sightglass.reports.json_block import json_block
from sightglass.reports.manifest import WORKING_FOLDER
from sightglass.reports.packed_rows import numbers_of, packed_row
from sightglass.reports.shown_rows import MOST_ROWS
from sightglass.reports.shown_thumbnails import shown_thumbnails
from sightglass.reports.survey import Survey, survey_rows
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from jinja2 import Template

Rows = Callable[[], Iterator[dict[str, Any]]]
Thumbnails = Callable[[str], bytes | None]

SIZE_LIMIT = 24_000_000
_ROWS_PER_BLOCK = 250
# What the digits of the notices can add to the page beyond the page that was measured.
_RESERVE = 200
_STYLES = ("report", "opinions")
_SCRIPTS = (
    "text",
    "rows",
    "whole_run",
    "near",
    "opinions",
    "cards",
    "references",
    "details",
    "sections",
    "histogram",
    "mixing",
    "making",
    "page",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummary:
    """What the page holds.

    Attributes:
        files: Rows of the run.
        rows: How many of them are in the page: all, or a sample of too many.
        thumbnails: Classified files among ``rows`` that are shown with a thumbnail.
        without_room: Classified files among ``rows`` whose thumbnail was left out to keep the
            size limit.
        bytes: Size of the page.
    """

    files: int
    rows: int
    thumbnails: int
    without_room: int
    bytes: int


def write_report(
    path: Path,
    rows: Rows,
    run: Mapping[str, Any],
    thumbnails: Thumbnails,
    *,
    size_limit: int = SIZE_LIMIT,
    most_rows: int | None = MOST_ROWS,
) -> ReportSummary:
    """``render_report`` into a file, which takes ``path``'s place only when it is complete."""
    with replacing(path) as out:
        return render_report(rows, run, thumbnails, out, size_limit=size_limit, most_rows=most_rows)


def render_report(
    rows: Rows,
    run: Mapping[str, Any],
    thumbnails: Thumbnails,
    out: TextIO,
    *,
    size_limit: int = SIZE_LIMIT,
    most_rows: int | None = MOST_ROWS,
) -> ReportSummary:
    """The report as one HTML page, written to ``out`` piece by piece.

    The page opens from disk, asks the network for nothing, and treats every name in it as text.
    Of more than ``most_rows`` rows it holds a sample, see ``ShownRows``, and says so; what it
    counts of the run it counts of all rows.
    Where not all thumbnails fit, an even sample of every class is kept and the page says so;
    references come before pictures, within a quarter of the room.
    Memory holds five bytes per picture shown, never the page, the thumbnails or the rows.

    Args:
        rows: Gives the lines of predictions.jsonl, in sorted path order; called several times.
        run: What run.json holds. Whatever is missing is left out of "How this run was made".
        thumbnails: Gives a JPEG by the sha256 of a picture or a reference, or None; called up to
            twice for each.
        out: Where the page goes, as UTF-8.
        size_limit: Bytes. No row is dropped for it: many without thumbnails can exceed it.
        most_rows: How many rows the page may hold; None for all.
    """
    survey = survey_rows(rows, _class_names(run), most_rows=most_rows)
    contents = survey.contents
    sizes = array("I", (_thumbnail_size(thumbnails, n, sha) for n, sha in enumerate(contents)))
    page = _Page(survey=survey, run=run)

    bare = sum(len(piece.encode()) for piece in page.pieces(iter(()), iter(()), missing=(1, 1)))
    bare += sum(len(block) for block in _row_blocks(rows, survey, sizes))
    kept = shown_thumbnails(survey, sizes, budget=size_limit - bare - _RESERVE)

    shown = bytearray(len(contents))
    for number in kept:
        shown[number] = True
    n_available = _files_with(sizes, survey)
    n_shown = _files_with(shown, survey)
    missing = (n_available - n_shown, survey.shown_classified - n_available)
    blocks = (_thumbnail_block(n, thumbnails(contents[n]) or b"") for n in kept)
    size = 0
    for piece in page.pieces(_row_blocks(rows, survey, shown), blocks, missing=missing):
        out.write(piece)
        size += len(piece.encode())
    return ReportSummary(
        files=survey.files,
        rows=survey.shown_files,
        thumbnails=n_shown,
        without_room=missing[0],
        bytes=size,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The template and what it says whichever thumbnails are shown."""

    survey: Survey
    run: Mapping[str, Any]

    def pieces(
        self, rows: Iterator[str], thumbnails: Iterator[str], *, missing: tuple[int, int]
    ) -> Iterator[str]:
        """The page; ``missing`` are files without thumbnail: for want of room, of a thumbnail."""
        style, script = _joined(_STYLES, ".css"), _joined(_SCRIPTS, ".js")
        survey = self.survey
        yield from _template().generate(
            policy=(
                f"default-src 'none'; img-src data:; style-src {_source(style)}; "
                f"script-src {_source(script)}; base-uri 'none'; form-action 'none'; "
                "require-trusted-types-for 'script'"
            ),
            style=style,
            script=script,
            survey=survey,
            fusion_mode=(self.run.get("fusion") or {}).get("mode"),
            without_room=missing[0],
            without_thumbnail=missing[1],
            facts=json_block(self._facts()),
            row_blocks=rows,
            thumbnail_blocks=thumbnails,
        )

    def _facts(self) -> dict[str, Any]:
        """What the script needs beside the rows."""
        command = self.run.get("command")
        facts = {
            "names": self.survey.names,
            "n_classes": self.survey.n_classes,
            "unknown": UNKNOWN,
            "alignments": self.survey.alignments,
            "references": self._references(),
            "command": shlex.join(map(str, command)) if isinstance(command, list) else command,
            # The page is passed on; where its maker's folders are is nobody's business.
            "run": {key: value for key, value in self.run.items() if key != WORKING_FOLDER},
        }
        if self.survey.shown.sampled:
            facts["whole_run"] = self._whole_run()
        return facts

    def _whole_run(self) -> dict[str, Any]:
        """Counts of all rows, which the script cannot make from those on the page."""
        tally = self.survey.tally
        return {
            "classified": self.survey.classified,
            "failed": self.survey.failed,
            "labels": [tally.labels[name] for name in self.survey.names],
            "bins": tally.bins,
            "unknown_bins": tally.unknown_bins,
            "heard": tally.heard,
            "disputed": tally.disputed,
        }

    def _references(self) -> list[tuple[str, int, int | None]]:
        """Name, number of the class, number of the thumbnail; the page may not hold that one."""
        number = self.survey.contents.number
        return [(one.name, one.label, number(one.sha256)) for one in self.survey.references]


def _class_names(run: Mapping[str, Any]) -> list[str]:
    return [entry["name"] for entry in run.get("classes", ())]


def _row_blocks(rows: Rows, survey: Survey, shown: Sequence[int]) -> Iterator[str]:
    """Script elements that hold the rows of the page, a few hundred in each.

    Args:
        rows: Gives the lines of predictions.jsonl.
        survey: Of them.
        shown: By number of the content, whether the page has a thumbnail of it.
    """
    numbers = numbers_of(survey)
    on_page = survey.shown.of(rows())
    while chunk := list(islice(on_page, _ROWS_PER_BLOCK)):
        packed = []
        for row in chunk:
            number = survey.contents.number(row["sha256"])
            thumbnail = number if number is not None and shown[number] else None
            packed.append(packed_row(row, numbers, thumbnail))
        yield f'<script type="application/json" class="rows">{json_block(packed)}</script>\n'


def _files_with(shown: Sequence[int], survey: Survey) -> int:
    """How many classified files on the page have a thumbnail that is ``shown``."""
    pictures = enumerate(survey.contents.pictures())
    return sum(picture.files for number, picture in pictures if shown[number])


def _thumbnail_block(number: int, jpeg: bytes) -> str:
    """A script element that holds one thumbnail; text until the page needs it as a picture."""
    text = base64.b64encode(jpeg).decode("ascii")
    return f'<script type="application/json" id="thumbnail-{number}">"{text}"</script>\n'


def _thumbnail_size(thumbnails: Thumbnails, number: int, sha256: str) -> int:
    """Bytes of its block, or 0 where there is no thumbnail."""
    jpeg = thumbnails(sha256)
    return len(_thumbnail_block(number, jpeg)) if jpeg else 0


def _source(text: str) -> str:
    """How a Content-Security-Policy names the one inline text that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _asset(name: str) -> str:
    folder = resources.files("sightglass.reports") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _joined(names: tuple[str, ...], suffix: str) -> str:
    return "".join(_asset(name + suffix) for name in names)


def _counted(number: int, noun: str, nouns: str = "") -> str:
    """As in "1 file", "2,000 files"."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["counted"] = _counted
    return environment.from_string(_asset("report.html.j2"))
