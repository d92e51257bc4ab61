"""What every source of pairs promises of a row, whatever its files hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import check_sentence
from sightglass.errors import PictureError

if TYPE_CHECKING:
    from sightglass.distillation.pairs.row import Row
    from sightglass.distillation.pairs.source import PairSource


def read_row(source: PairSource, index: int) -> Row | None:
    """The row, whose label is one of the source's; None where it is refused in a sentence."""
    try:
        row = source.read(index)
    except PictureError as error:
        check_sentence(error)
        return None
    assert row.label >= -1
    assert not source.classes or row.label < len(source.classes)
    return row
