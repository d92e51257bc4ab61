"""Rows as parquet: one line per file found, the encoder's card in the schema's metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightglass.checks import require_extra
from sightglass.inputs.valid_text import as_utf8
from sightglass.read_ahead import batches
from sightglass.reports.exports.embedded_pictures import FORMAT, EmbeddedPicture, NamedRows, listed
from sightglass.whole_files import replacing

# Two megabytes of rows of 512 numbers while they wait.
ROWS_PER_GROUP = 1024
METADATA_KEY = b"sightglass"


def parquet_files(out: Path) -> tuple[Path, Path]:
    """Of ``rows.parquet``: the rows, and the classes' rows."""
    return out, out.with_name(f"{out.stem}.classes.parquet")


def require_parquet() -> None:
    """See that parquet can be written, before hours of work.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """
    require_extra("pyarrow.parquet", extra="scale", purpose="Writing embeddings as parquet")


def is_parquet_of_ours(path: Path) -> bool:
    """Whether ``path`` is a parquet file with a card of ours in its metadata."""
    require_parquet()
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        card = json.loads(metadata[METADATA_KEY])
        return bool(card["format"] == FORMAT)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def write_parquet(
    out: Path,
    pictures: Iterable[EmbeddedPicture],
    *,
    dim: int,
    card: dict[str, Any],
    classes: NamedRows | None,
) -> None:
    """Write ``out`` group by group, and the classes' rows beside it.

    Columns: path, outcome, detail, sha256, width, height, norm, and ``embedding``, a list of
    ``dim`` float32 numbers that is null where the file could not be used. Names that are not
    UTF-8 are written as escapes. The metadata's key ``sightglass`` holds the card as JSON.

    Args:
        out: Ends in ``.parquet``.
        pictures: Taken one by one.
        dim: Width of a row.
        card: From ``about``.
        classes: Whose rows are written too: name, names, embedding.

    Raises:
        MissingExtraError: If pyarrow is not installed.
        ResultsError: If something cannot be written.
    """
    require_parquet()
    import pyarrow as pa

    rows_path, classes_path = parquet_files(out)
    text, whole, row = pa.string(), pa.int32(), pa.list_(pa.float32(), dim)
    metadata = {METADATA_KEY: json.dumps(card).encode()}
    columns = [("path", text), ("outcome", text), ("detail", text), ("sha256", text)]
    columns += [("width", whole), ("height", whole), ("norm", pa.float32()), ("embedding", row)]

    def groups() -> Iterator[list[Any]]:
        for some in batches(pictures, ROWS_PER_GROUP):
            yield _group(some, dim)
        # An earlier run's stay until the rows that they belong to go.
        if is_parquet_of_ours(classes_path):
            classes_path.unlink()

    _write(rows_path, pa.schema(columns, metadata=metadata), groups())
    if classes is not None:
        names = [("name", text), ("names", pa.list_(text)), ("embedding", row)]
        group = [
            list(classes.names),
            [list(names) for names in classes.synonyms],
            _rows(list(classes.embeddings.rows), dim),
        ]
        _write(classes_path, pa.schema(names, metadata=metadata), [group])


def _write(path: Path, schema: Any, groups: Iterable[list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        replacing(path) as stream,
        # Rows hardly compress, and have no dictionary.
        pq.ParquetWriter(
            stream.buffer, schema, use_dictionary=["outcome"], compression="zstd"
        ) as writer,
    ):
        for group in groups:
            columns = [
                column if isinstance(column, pa.Array) else pa.array(column, schema.field(i).type)
                for i, column in enumerate(group)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _group(pictures: Sequence[EmbeddedPicture], dim: int) -> list[Any]:
    """The columns of some pictures."""
    lines = [listed(picture) for picture in pictures]
    columns = [[_valid(line[name]) for line in lines] for name in lines[0]]
    return [*columns, _rows([picture.row for picture in pictures], dim)]


def _rows(rows: Sequence[np.ndarray | None], dim: int) -> Any:
    import pyarrow as pa

    numbers = np.zeros((len(rows), dim), np.float32)
    for place, row in enumerate(rows):
        if row is not None:
            numbers[place] = row
    missing = pa.array([row is None for row in rows], pa.bool_())
    values = pa.array(numbers.reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, dim, mask=missing)


def _valid(value: Any) -> Any:
    """The same, as valid UTF-8 where it is text."""
    return as_utf8(value) if isinstance(value, str) else value
