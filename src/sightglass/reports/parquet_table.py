"""predictions.parquet: the rows with their types, for tools that read columns."""

from __future__ import annotations

from typing import Any, Self, TextIO

from sightglass.checks import require_extra
from sightglass.inputs.valid_text import as_utf8
from sightglass.reports.prediction import Row

# Enough that a column compresses well; a few megabytes while they wait.
ROWS_PER_GROUP = 4096

_EXTRA, _PURPOSE = "scale", "Writing predictions.parquet"


def require_parquet() -> None:
    """See that parquet can be written, before hours of work.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """
    require_extra("pyarrow.parquet", extra=_EXTRA, purpose=_PURPOSE)


class ParquetTable:
    r"""A table that grows by a row at a time, written in groups; whole at the end of its context.

    The columns are those of predictions.csv in their order, then ``margin``, ``width``,
    ``height``, ``sha256``, and ``top``, ``opinions`` and ``nearest_references`` as lists of
    structures, as in predictions.jsonl. ``detail`` is that of predictions.jsonl too. Numbers are
    those of predictions.jsonl, bit for bit. Names that are not valid text are written as escapes
    (``\udcff``), as in predictions.csv: parquet takes nothing else.

    Args:
        stream: An open text file; its bytes are written.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._arrow = require_extra("pyarrow", extra=_EXTRA, purpose=_PURPOSE)
        parquet = require_extra("pyarrow.parquet", extra=_EXTRA, purpose=_PURPOSE)
        self._schema = _schema(self._arrow)
        self._waiting: list[Row] = []
        self._writer = parquet.ParquetWriter(
            stream.buffer, self._schema, compression="zstd", write_page_index=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                if self._waiting:
                    self._write_group()
                self._writer.close()
        finally:
            # Else it would write to a closed file when it is collected.
            self._writer.is_open = False

    def write(self, row: Row) -> None:
        """Add one row."""
        self._waiting.append(_flat(row))
        if len(self._waiting) == ROWS_PER_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        self._writer.write_batch(self._batch(), row_group_size=ROWS_PER_GROUP)
        self._waiting = []

    def _batch(self) -> Any:
        make = self._arrow.RecordBatch.from_pylist
        try:
            return make(self._waiting, schema=self._schema)
        except UnicodeEncodeError:
            return make(_escaped(self._waiting), schema=self._schema)


def _flat(row: Row) -> Row:
    """The row with the second and third class in columns of their own, as predictions.csv has."""
    flat = dict(row)
    for rank in (2, 3):
        other = row["top"][rank - 1] if rank <= len(row["top"]) else {}
        flat[f"label_{rank}"] = other.get("label")
        flat[f"confidence_{rank}"] = other.get("probability")
    return flat


def _escaped(value: Any) -> Any:
    """The same value with every text in it as valid UTF-8."""
    if isinstance(value, str):
        return as_utf8(value)
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {name: _escaped(one) for name, one in value.items()}
    return value


def _schema(arrow: Any) -> Any:
    text, number, whole = arrow.string(), arrow.float64(), arrow.int32()
    ranked = arrow.list_(arrow.struct([("label", text), ("probability", number)]))
    opinion = arrow.struct([("alignment", text), ("weight", number), ("top", ranked)])
    reference = arrow.struct(
        [
            ("reference", text),
            ("label", text),
            ("alignment", text),
            ("similarity", number),
            ("sha256", text),
        ]
    )
    columns = [
        arrow.field("path", text, nullable=False),
        arrow.field("outcome", text, nullable=False),
        ("label", text),
        ("confidence", number),
        ("unknown_score", number),
        ("label_2", text),
        ("confidence_2", number),
        ("label_3", text),
        ("confidence_3", number),
        ("detail", text),
        ("margin", number),
        ("width", whole),
        ("height", whole),
        ("sha256", text),
        ("top", ranked),
        ("opinions", arrow.list_(opinion)),
        ("nearest_references", arrow.list_(reference)),
    ]
    return arrow.schema(columns, metadata={"sightglass": "predictions"})
