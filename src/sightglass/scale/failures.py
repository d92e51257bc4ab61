"""An error of another process, in a form that travels and ends as the same sentence."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from sightglass import errors
from sightglass.errors import SightglassError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a worker cannot answer at all; what is wrong with a picture is a row instead.

    Attributes:
        kind: Name of the class in ``sightglass.errors``; another where it was no error of ours.
        message: Its sentence; where it was no error of ours, the whole trace.
    """

    kind: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """What was raised."""
        ours = isinstance(error, SightglassError)
        message = str(error) if ours else "".join(traceback.format_exception(error))
        return cls(kind=type(error).__name__, message=message)

    def as_error(self) -> Exception:
        """What to raise for it here."""
        kind = getattr(errors, self.kind, None)
        if isinstance(kind, type) and issubclass(kind, SightglassError):
            return kind(self.message)
        return RuntimeError(f"A worker failed in a way that is not expected:\n{self.message}")
