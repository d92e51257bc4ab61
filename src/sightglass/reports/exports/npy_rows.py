"""Rows as ``.npy``, for whatever reads numpy's arrays, and beside it which row is whose."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from sightglass.reports.exports.embedded_pictures import FORMAT, EmbeddedPicture, NamedRows, listed
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from jaxtyping import Float


def npy_files(out: Path) -> tuple[Path, Path, Path, Path]:
    """Of ``rows.npy``: the rows, their list, the card, and the classes' rows."""
    endings = (".npy", ".jsonl", ".card.json", ".classes.npy")
    rows, listing, card, classes = (out.with_name(out.stem + ending) for ending in endings)
    return rows, listing, card, classes


def npy_files_of_ours(out: Path) -> frozenset[Path]:
    """Those of ``npy_files`` that their card names; none where there is no card of ours."""
    files = npy_files(out)
    _, _, card_path, _ = files
    try:
        card = json.loads(card_path.read_bytes())
        if card["format"] != FORMAT:
            return frozenset()
        return frozenset(path for path in files if path.name in {card_path.name, *card["files"]})
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return frozenset()


def write_npy(
    out: Path,
    pictures: Iterable[EmbeddedPicture],
    *,
    dim: int,
    card: dict[str, Any],
    classes: NamedRows | None,
) -> None:
    """Write ``out`` row by row, and the files of ``npy_files`` beside it.

    Until all rows are there, an earlier run's files stay as they are. The card is put in place
    last: before that, one that has no encoder says that the files are not whole, and whose they
    are.

    Args:
        out: Ends in ``.npy``: float32, shape (pictures that could be used, ``dim``).
        pictures: Taken one by one. Each gets a line in the list; ``row`` in it is the number of
            its row, or null.
        dim: Width of a row.
        card: From ``about``; ``files``, the names of all that was written, are added.
        classes: Whose rows are written too.

    Raises:
        ResultsError: If something cannot be written.
    """
    rows_path, listing, card_path, classes_path = npy_files(out)
    files = [path.name for path in (rows_path, listing, card_path)]
    files += [] if classes is None else [classes_path.name]
    with replacing(listing) as lines, _growing(rows_path, dim) as rows:
        for picture in pictures:
            number = None if picture.row is None else rows.append(picture.row)
            lines.write(json.dumps({**listed(picture), "row": number}) + "\n")
        lines.flush()
        rows.flush()  # a full disk is known before anything is replaced
        before = npy_files_of_ours(out)
        named = dict.fromkeys([*files, *sorted(path.name for path in before)])
        _put_card(card_path, {"format": FORMAT, "whole": False, "files": list(named)})
        if classes_path in before:
            classes_path.unlink(missing_ok=True)
    if classes is not None:
        with _growing(classes_path, dim) as rows:
            for row in classes.embeddings.rows:
                rows.append(row)
        both = zip(classes.names, classes.synonyms, strict=True)
        card = card | {
            "classes": [{"name": name, "names": list(names)} for name, names in both],
        }
    _put_card(card_path, card | {"files": files})


def _put_card(path: Path, card: dict[str, Any]) -> None:
    with replacing(path) as stream:
        stream.write(json.dumps(card, indent=1) + "\n")


class _Rows:
    def __init__(self, stream: BinaryIO, dim: int) -> None:
        self._stream, self._dim = stream, dim
        self.count = 0

    def append(self, row: Float[np.ndarray, " dim"]) -> int:
        """Write one row; its number."""
        self._stream.write(np.ascontiguousarray(row, "<f4").tobytes())
        self.count += 1
        return self.count - 1

    def flush(self) -> None:
        """Hand all of it to the system."""
        self._stream.flush()

    def write_header(self) -> None:
        """What numpy writes for so many rows. It leaves room in it for the number to grow."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.count, self._dim)}
        np.lib.format.write_array_header_1_0(self._stream, header)


@contextmanager
def _growing(path: Path, dim: int) -> Iterator[_Rows]:
    with replacing(path) as text:
        stream = text.buffer
        rows = _Rows(stream, dim)
        rows.write_header()
        begin = stream.tell()
        yield rows
        stream.seek(0)
        rows.write_header()
        assert stream.tell() == begin
