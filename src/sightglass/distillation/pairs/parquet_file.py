"""One parquet file: its footer, and its row groups read one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sightglass.checks import require_extra
from sightglass.distillation.pairs.parquet_columns import PURPOSE
from sightglass.errors import InputError, first_line

_READ_BUFFER = 1 << 20


class ParquetFile:
    """A file that is opened for each reading, with the footer that was parsed once.

    pyarrow's own open file may not be used from several threads.

    Attributes:
        path: As spelled.
        schema: pyarrow's.
        rows: Of each row group.

    Raises:
        InputError: If it cannot be read as a parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pyarrow = require_extra("pyarrow", extra="train", purpose=PURPOSE)
        try:
            self._size = path.stat().st_size
            with self._opened(None) as file:
                self._footer, self.schema = file.metadata, file.schema_arrow
        except (self._pyarrow.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        groups = range(self._footer.num_row_groups)
        self.rows = [int(self._footer.row_group(group).num_rows) for group in groups]

    def costs(self, columns: Sequence[str]) -> list[int]:
        """Bytes of these columns in memory, of each row group, as the footer tells them."""
        leaves = [self._footer.schema.column(at).path for at in range(self._footer.num_columns)]
        chosen = [at for at, leaf in enumerate(leaves) if leaf.split(".")[0] in columns]
        return [
            sum(self._footer.row_group(group).column(at).total_uncompressed_size for at in chosen)
            for group in range(len(self.rows))
        ]

    def column(self, name: str) -> Any:
        """A whole column, as pyarrow's chunked array.

        Raises:
            InputError: If it cannot be read.
        """
        try:
            with self._opened(self._footer) as file:
                return file.read(columns=[name], use_threads=False).column(0)
        except (self._pyarrow.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def group(self, number: int, columns: Sequence[str]) -> Any:
        """These columns of one row group, as a pyarrow table.

        Raises:
            InputError: If the file has gone or changed.
            ValueError: If the row group is damaged; the others may well not be.
        """
        if not self._unchanged():
            raise InputError(
                f"{self.path}: a run needs the same files from its first step to its last, this "
                f"one has gone or changed meanwhile. Put the old one back and run the same "
                f"command to go on, or begin anew with another --out."
            )
        try:
            with self._opened(self._footer) as file:
                # The threads are ours: each loads a row group of its own.
                return file.read_row_group(number, columns=list(columns), use_threads=False)
        except (self._pyarrow.ArrowException, OSError) as error:
            raise ValueError(_reason(error)) from error

    def _unchanged(self) -> bool:
        try:
            return self.path.stat().st_size == self._size
        except OSError:
            return False

    @contextmanager
    def _opened(self, footer: Any) -> Iterator[Any]:
        parquet = require_extra("pyarrow.parquet", extra="train", purpose=PURPOSE)
        with parquet.ParquetFile(
            self.path, metadata=footer, buffer_size=_READ_BUFFER, pre_buffer=False
        ) as file:
            yield file

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path}: a parquet file is needed, this cannot be read as one "
            f"({_reason(error)}). Fetch it again."
        )


def _reason(error: Exception) -> str:
    return first_line(error, otherwise=type(error).__name__)
