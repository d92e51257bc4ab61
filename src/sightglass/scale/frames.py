"""Values between a worker and the process that computes for it: a length, then a pickle.

Both ends are this package on one machine, and the pipe between them has no name that others could
write to.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import IO, Any

# What the process says on its way to an answer, each time that its work has got on.
BEAT = "beat"
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Ready:
    """What the process says once the model is loaded.

    Attributes:
        seconds: That one small picture takes from now on.
    """

    seconds: float


def framed(value: Any) -> bytes:
    """One value as it is written."""
    data = pickle.dumps(value)
    return _LENGTH.pack(len(data)) + data


def send(stream: IO[bytes], value: Any) -> None:
    """Write one value.

    Raises:
        OSError: If nobody reads.
    """
    stream.write(framed(value))
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one value.

    Raises:
        EOFError: If the other end has gone.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, length))


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
