"""The losses of a run by step, in a table and, where asked for, for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.checks import require_extra
from sightglass.errors import ResultsError
from sightglass.inputs.spreadsheet_cells import inert_cell, plain_cell
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from sightglass.distillation.trainer import Step

LOG = "log.csv"
BOARD = "tensorboard"
_ROWS = 5_000  # about, of a whole run


class StepLog:
    """Writes a row for every so many steps, so that a table has some thousands of rows at most.

    A row is what one step had, not a mean since the row before: a run that was cut off and went on
    then writes the same table, to the byte.

    Args:
        out: Folder of the run.
        phases: Their names.
        losses: Names of all that a loss may consist of.
        steps: Of the whole run.
        board: Write for TensorBoard too.

    Raises:
        MissingExtraError: If TensorBoard is asked for and not installed.
    """

    def __init__(
        self, out: Path, *, phases: Sequence[str], losses: Sequence[str], steps: int, board: bool
    ) -> None:
        if board:
            require_extra("tensorboard", extra="train", purpose="Writing for TensorBoard")
        self._path, self._out = out / LOG, out
        self._phases, self._losses = phases, losses
        self._every = max(1, steps // _ROWS)
        self._last = steps - 1
        self._wants_board = board
        self._board: Any = None
        self._stream: Any = None

    def begin(self, step: int) -> None:
        """Take away what was written of ``step`` and later ones, which are done once more."""
        kept: list[list[str]] = []
        if step and self._path.is_file():
            with self._path.open(encoding="utf-8", newline="") as stream:
                rows = csv.reader(stream)
                next(rows, None)
                # A line that a kill cut short is no number, or is of a step that comes again.
                kept = [
                    row
                    for row in rows
                    if len(row) == len(self._header())
                    and row[0].isdecimal()
                    and int(row[0]) <= step
                ]
        # In one go: a kill between two lines of it would lose rows that are not done once more.
        with replacing(self._path) as stream:
            csv.writer(stream, lineterminator="\n").writerows([self._header(), *kept])
        with self._told():
            self._stream = self._path.open("a", encoding="utf-8", newline="")
        self._rows = csv.writer(self._stream, lineterminator="\n")
        if self._wants_board:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self._out / BOARD), purge_step=step + 1)

    def _header(self) -> list[str]:
        return ["step", "phase", "lr", "loss", *self._losses]

    def add(self, step: Step) -> None:
        """Note a step that is done; steps are counted from 1 in the table."""
        if step.of_run % self._every and step.of_run != self._last:
            return
        number = step.of_run + 1
        parts = [repr(step.parts[name]) if name in step.parts else "" for name in self._losses]
        phase = inert_cell(self._phases[step.epoch])
        with self._told():
            self._rows.writerow([number, phase, repr(step.lr), repr(step.loss), *parts])
            self._stream.flush()
            if self._board is not None:
                for name, value in {"loss": step.loss, "lr": step.lr, **step.parts}.items():
                    self._board.add_scalar(name, value, number)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say which file it is when the disk is full."""
        try:
            yield
        except OSError as error:
            raise ResultsError(
                f"{self._path}: cannot be written ({error.strerror}). Make room or choose another "
                f"--out, then run the same command to go on."
            ) from error

    def close(self) -> None:
        """Put everything on the disk."""
        for one in (self._stream, self._board):
            if one is not None:
                # What could not be written was told when it was added.
                with suppress(OSError):
                    one.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of a log, by the names of its columns."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return [{name: plain_cell(cell) for name, cell in row.items()} for row in rows]
