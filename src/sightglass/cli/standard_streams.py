"""Standard input, output and error as a shell leaves them: closed, full, or of another encoding."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress


def make_usable() -> None:
    """Stand in for streams that were closed; let no name that the encoding lacks end a run.

    Python has None for a closed stream, and the system gives its number to the next file that is
    opened: what a library writes to standard error would land in the results.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def failure_of_output(*, attempt: str = "") -> OSError | None:
    """What keeps standard output from taking what was printed; None where all of it is out.

    Args:
        attempt: Printed as well. Python keeps what it could not write unless it was told not to
            (``PYTHONUNBUFFERED``); then only a further line shows that none can be written.
    """
    try:
        if attempt:
            sys.stdout.write(attempt)
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def is_closed_pipe(error: OSError) -> bool:
    """Whether nobody reads any more, as behind ``| head``: that is no failure to speak of."""
    return error.errno == errno.EPIPE


def forget_what_waits() -> None:
    """Keep Python from complaining at its end of what a stream did not take."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
