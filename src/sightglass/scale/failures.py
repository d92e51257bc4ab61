"""An error of another process, in a form that travels and ends as the same sentence."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from sightglass import errors
from sightglass.errors import SightglassError

# Those that are made of a sentence alone, as all are but PictureError.
_KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, SightglassError) and "__init__" not in vars(kind)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a worker cannot answer at all; what is wrong with a picture is a row instead.

    Attributes:
        kind: Name of the class in ``sightglass.errors``, or of the nearest one above it that is
            made of a sentence alone; empty where it was no error of ours.
        message: Its sentence; where it was no error of ours, the whole trace.
    """

    kind: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """What was raised."""
        for kind in type(error).__mro__:
            if _KINDS.get(kind.__name__) is kind:
                return cls(kind=kind.__name__, message=str(error))
        return cls(kind="", message="".join(traceback.format_exception(error)))

    def as_error(self) -> Exception:
        """What to raise for it here."""
        if self.kind in _KINDS:
            return _KINDS[self.kind](self.message)
        return RuntimeError(f"A worker failed in a way that is not expected:\n{self.message}")
