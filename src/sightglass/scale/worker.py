"""One worker of a run on many machines: keeps a process that holds the model, and its answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sightglass.errors import reason
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction
from sightglass.scale.answers import Answer, joined
from sightglass.scale.computing import READY
from sightglass.scale.failures import Failure
from sightglass.scale.frames import receive, send
from sightglass.scale.plan import Plan

# A process can also die of its neighbours (memory); one that dies twice of one picture dies of it.
TRIES = 2


class Worker:
    """Answers shards, whatever its pictures do to the process that reads them.

    Where that process dies, another takes its place, and the sources are cut in halves until the
    one that kills it is alone: its row says so.

    Args:
        plan: For the process.
        processors: How many the process may use.

    Attributes:
        deaths: How many processes died.
    """

    def __init__(self, plan: Plan, *, processors: int = 1) -> None:
        self._plan = plan
        self._processors = processors
        self._process: subprocess.Popen[bytes] | None = None
        self._how = ""
        self.deaths = 0

    def answer(self, sources: Sequence[str], shown: Sequence[int] = ()) -> Answer | Failure:
        """All rows of ``sources``; a failure where the process cannot work at all.

        Args:
            sources: At least one.
            shown: Places of the pictures whose thumbnails are wanted.
        """
        tries = TRIES if len(sources) == 1 else 1
        for _ in range(tries):
            reply = self._ask(sources, shown)
            if reply is not None:
                return reply
        if len(sources) == 1:
            return Answer(rows=[self._died(sources[0])])
        middle = len(sources) // 2
        halves: list[Answer] = []
        for part, places in (
            (sources[:middle], [place for place in shown if place < middle]),
            (sources[middle:], [place - middle for place in shown if place >= middle]),
        ):
            half = self.answer(part, places)
            if isinstance(half, Failure):
                return half
            halves.append(half)
        return joined(halves)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                # What could not be sent to a process that died is of no use to anybody.
                with suppress(BrokenPipeError):
                    if stream is not None:
                        stream.close()

    def _ask(self, sources: Sequence[str], shown: Sequence[int]) -> Answer | Failure | None:
        """What the process replies; None where it died of it."""
        try:
            if self._process is None:
                failure = self._start()
                if failure is not None:
                    return failure
            assert self._process is not None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            send(self._process.stdin, (list(sources), list(shown)))
            reply: Answer | Failure = receive(self._process.stdout)
        except (EOFError, BrokenPipeError):
            self._bury()
            return None
        return reply

    def _start(self) -> Failure | None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sightglass.scale.computing"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(self._processors),
            )
        except OSError as error:
            return self._no_process(f"it cannot ({reason(error)})")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, self._plan)
            reply = receive(self._process.stdout)
        except (EOFError, BrokenPipeError):
            self._bury()
            return self._no_process(f"it died, {self._how}, before it read any picture")
        if reply != READY:
            self.close()
            return reply if isinstance(reply, Failure) else Failure(kind="", message=repr(reply))
        return None

    def _no_process(self, what: str) -> Failure:
        return Failure(
            kind="ModelError",
            message=f"Worker: the process with the model {self._plan.settings.model} must start, "
            f"{what}. See that every machine has memory to spare, or take fewer --workers.",
        )

    def _bury(self) -> None:
        """Remember how the process died: as what follows "it died"."""
        assert self._process is not None
        code = self._process.wait()
        self.close()
        self.deaths += 1
        self._how = f"killed by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"

    def _died(self, source: str) -> dict[str, Any]:
        detail = f"the process that read it died {TRIES} times, {self._how}"
        return Prediction(outcome=Outcome(path=source, status="unreadable", detail=detail)).as_row()


def _environment(processors: int) -> Mapping[str, str]:
    """The process's: libraries that start threads of their own must not fight over processors."""
    count = str(processors)
    return {
        **os.environ,
        "SIGHTGLASS_PROCESSORS": count,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
