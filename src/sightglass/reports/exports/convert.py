"""One finished run, exported for one tool."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, Literal, get_args

from sightglass.errors import InputError, unknown_name
from sightglass.inputs.remote import is_url
from sightglass.reports.exports.chosen_rows import Choice, ChosenRows
from sightglass.reports.exports.coco_json import write_coco
from sightglass.reports.exports.export_folder import export_folder
from sightglass.reports.exports.fiftyone_labels import write_fiftyone
from sightglass.reports.exports.finished_run import FinishedRun
from sightglass.reports.exports.image_folder_tree import How, write_image_folder
from sightglass.reports.exports.label_studio import write_label_studio
from sightglass.reports.prediction import Row

Target = Literal["imagefolder", "label-studio", "fiftyone", "coco"]
TARGETS: tuple[Target, ...] = get_args(Target)
# So many pictures are looked for before a folder is believed to have none.
_LOOKED_AT = 100

Shown = Callable[[Iterable[tuple[int, Row]]], Iterable[tuple[int, Row]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How pictures are put or named, as far as the target asks.

    Attributes:
        to: For which tool.
        how: imagefolder: links or copies; None is links.
        root: label-studio, coco: what paths are relative to.
        prefix: label-studio: URL in front of paths below ``root``.

    Raises:
        UnknownNameError: If there is no such target.
        InputError: If something is given that the target does not ask.
    """

    to: str
    how: How | None = None
    root: Path | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        """Check, once, where the value is made."""
        if self.to not in TARGETS:
            raise unknown_name("export", self.to, TARGETS)
        asked = {
            "--link/--copy": (self.how, ("imagefolder",)),
            "--root": (self.root, ("label-studio", "coco")),
            "--prefix": (self.prefix, ("label-studio",)),
        }
        for option, (given, targets) in asked.items():
            if given is not None and self.to not in targets:
                raise InputError(
                    f"convert: {option} is for {' and '.join(targets)}, got it with {self.to}. "
                    f"Leave it out."
                )
        if self.prefix is not None and self.root is None:
            raise InputError(
                "convert: --prefix needs --root, the folder that this URL serves. Give both."
            )

    @property
    def names_places(self) -> bool:
        """Whether it names pictures by where they are, without looking whether they are there."""
        return self.to in ("fiftyone", "label-studio") or (
            self.to == "coco" and self.root is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was exported.

    Attributes:
        pictures: How many.
        left_out: How many rows were not, by reason.
        record: What the target's writer says of it.
    """

    pictures: int
    left_out: dict[str, int]
    record: dict[str, Any]


def convert(
    run: FinishedRun, out: Path, layout: Layout, choice: Choice, *, shown: Shown = iter
) -> Converted:
    """Export ``run`` into the folder ``out``, which is put in place whole.

    Memory does not grow with the number of rows. What was stopped can be run again: it goes on,
    and ends as if it had not been stopped.

    Args:
        run: From ``read_run``.
        out: See ``export_folder``.
        layout: For which tool, and how.
        choice: Which rows.
        shown: Passes rows through and may show how far they are.

    Raises:
        InputError: If the results are damaged, ``out`` holds other files, or a picture cannot be
            put or named as the layout asks, or pictures seem to be relative to another folder, or
            nothing is left to export.
        ResultsError: If something cannot be written.
    """
    chosen = ChosenRows(run, choice)
    if layout.names_places and not run.base_named:
        _require_some_there(chosen)
    plan = {
        "to": layout.to,
        "results": run.digest,
        "base": str(run.base),
        "how": layout.how,
        "root": None if layout.root is None else os.path.abspath(layout.root),
        "prefix": layout.prefix,
        "min_confidence": choice.min_confidence,
        "unknown": choice.unknown,
        "duplicates": choice.duplicates,
    }
    with export_folder(out, plan) as (folder, record):

        def numbered() -> Iterable[tuple[int, Row]]:
            return shown(_outside_of(out, chosen))

        special = _writer(layout)(folder, chosen, numbered)
        left_out = dict(sorted(chosen.left_out.items()))
        if not chosen.taken:
            raise _nothing_left(run, left_out)
        record.update({"pictures": chosen.taken, "left_out": left_out} | special)
    return Converted(pictures=chosen.taken, left_out=left_out, record=special)


Numbered = Callable[[], Iterable[tuple[int, Row]]]
Writer = Callable[[Path, ChosenRows, Numbered], dict[str, Any]]


def _writer(layout: Layout) -> Writer:
    def once(write: Callable[..., dict[str, Any]], **options: Any) -> Writer:
        return lambda folder, chosen, numbered: write(folder, chosen, numbered(), **options)

    writers: dict[str, Writer] = {
        "imagefolder": once(write_image_folder, how=layout.how or "link"),
        "label-studio": once(write_label_studio, root=layout.root, prefix=layout.prefix),
        "fiftyone": once(write_fiftyone),
        "coco": partial(write_coco, root=layout.root),
    }
    return writers[layout.to]


def _outside_of(out: Path, chosen: ChosenRows) -> Iterator[tuple[int, Row]]:
    """The rows; a picture in ``out`` itself would be gone once that is replaced."""
    top = Path(os.path.realpath(out))
    there = top.exists()

    @lru_cache(maxsize=1024)  # a folder's pictures come one after another
    def lies_in_it(folder: str) -> bool:
        return PurePath(os.path.realpath(folder)).is_relative_to(top)

    for number, row in chosen:
        place = chosen.run.place_of(row)
        if there and not is_url(place) and lies_in_it(os.path.dirname(place)):  # noqa: PTH120
            raise InputError(
                f"{out}: the export must lie outside of the pictures' folders, '{row['path']}' "
                f"lies in it. Choose another folder with --out."
            )
        yield number, row


def _require_some_there(chosen: ChosenRows) -> None:
    """Refuse a base that nobody named and from which no picture is found.

    Pictures come and go, so that one which is there is enough; a folder that was moved, or results
    of another machine, have none.
    """
    run = chosen.run
    relative = (run.place_of(row) for _, row in chosen if run.is_relative(row))
    places = list(islice(relative, _LOOKED_AT))
    if places and not any(map(os.path.lexists, places)):
        raise InputError(
            f"{run.folder}: the folder that its relative paths are relative to is needed, "
            f"'{run.base}' has none of the first {len(places):,} pictures. If they "
            f"were moved, name it with --base."
        )


def _nothing_left(run: FinishedRun, left_out: dict[str, int]) -> InputError:
    counts = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items()) or "no rows"
    return InputError(
        f"{run.folder}: nothing is left to export ({counts}). If the pictures were moved, name "
        f"with --base the folder that relative paths are relative to."
    )
