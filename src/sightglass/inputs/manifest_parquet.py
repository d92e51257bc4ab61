"""Manifests in parquet: one column, a batch of rows in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightglass.checks import require_extra
from sightglass.errors import InputError, first_line
from sightglass.inputs.manifest_tables import OURS, choose_column, from_escapes

_ROWS_AT_ONCE = 8192
_READ_BUFFER = 1 << 20


def parquet_cells(path: Path, *, column: str | None, where: str) -> Iterator[str]:
    """The cells of one column; absent values are empty.

    Raises:
        InputError: If the file is damaged, has no such column, or it holds no text.
        MissingExtraError: If pyarrow is not installed.
    """
    purpose = "Reading a parquet manifest"
    pyarrow = require_extra("pyarrow", extra="scale", purpose=purpose)
    parquet = require_extra("pyarrow.parquet", extra="scale", purpose=purpose)
    try:
        with parquet.ParquetFile(path, buffer_size=_READ_BUFFER, pre_buffer=False) as file:
            schema = file.schema_arrow
            chosen = choose_column(schema.names, column=column, where=where)
            kind = schema.field(chosen).type
            if pyarrow.types.is_dictionary(kind):
                kind = kind.value_type
            if kind not in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()):
                raise InputError(
                    f"{where} must have text in its column '{chosen}', got {kind}. Name another "
                    f"with --manifest-column."
                )
            ours = tuple(schema.names[:3]) == OURS
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[chosen]):
                for cell in batch.column(0).to_pylist():
                    yield from_escapes(cell) if ours and cell else cell or ""
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{where} must be whole parquet, but cannot be read as that ({first_line(error)}). "
            f"Fetch it again."
        ) from error
