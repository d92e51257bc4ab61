"""The process that holds the model, as its worker sees it: told, heard within a time, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any

from sightglass.scale.frames import framed, receive

# Seconds to end in, for a process that was killed or has closed its pipe. One that waits for a
# disk does not end before the disk answers: it is left behind.
_LAST_MOMENT = 10.0


class ModelProcess:
    """Runs ``sightglass.scale.computing``.

    Two threads own the pipes, so that nothing the process does or does not do holds up its worker:
    neither one that does not read, nor one that stops in the middle of a value, nor one that
    cannot be killed.

    Args:
        processors: How many it may use.

    Raises:
        OSError: If it cannot begin.
    """

    def __init__(self, processors: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sightglass.scale.computing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(processors),
        )
        self._to_tell: SimpleQueue[bytes | None] = SimpleQueue()
        self._heard: SimpleQueue[tuple[Any] | None] = SimpleQueue()
        for carry, pipe, values in (
            (_tell, self._process.stdin, self._to_tell),
            (_listen, self._process.stdout, self._heard),
        ):
            threading.Thread(target=carry, args=(pipe, values), daemon=True).start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def tell(self, value: Any) -> None:
        """Send one value; whether it arrives shows in what is heard."""
        self._to_tell.put(framed(value))

    def hear(self, seconds: float) -> Any:
        """The next value that it sends.

        Raises:
            EOFError: If it has gone.
            TimeoutError: If it sends nothing for so many ``seconds``.
        """
        try:
            value = self._heard.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None
        if value is None:
            raise EOFError
        return value[0]

    def last_words(self) -> str:
        """How one that has gone died, as what follows "it died"."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_MOMENT)
        self.kill()
        code = self._process.returncode
        if code is None:
            return "without an exit code"
        return f"killed by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"

    def kill(self) -> None:
        """End it, and do not leave a zombie behind."""
        self._process.kill()
        self._to_tell.put(None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_MOMENT)


def _tell(pipe: IO[bytes], to_tell: SimpleQueue[bytes | None]) -> None:
    """Write what is to be told, until nothing is any more."""
    # What cannot be sent to a process that died is of no use to anybody.
    with suppress(OSError), pipe:
        while (data := to_tell.get()) is not None:
            pipe.write(data)
            pipe.flush()


def _listen(pipe: IO[bytes], heard: SimpleQueue[tuple[Any] | None]) -> None:
    """Hand on what comes, until nobody is there to send more; a part of a value is none."""
    try:
        with suppress(EOFError, OSError), pipe:
            while True:
                heard.put((receive(pipe),))
    finally:
        heard.put(None)


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
