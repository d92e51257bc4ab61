"""The failure model, in one place.

    SightglassError
      InputError          what you gave us cannot be used          (also a ValueError)
        PictureError      one picture cannot be used; becomes an Outcome row
      ShapeError          an array is not the documented shape     (also a ValueError)
      UnknownNameError    a name that we do not know               (also a LookupError)
      MissingExtraError   an optional installation is needed       (also an ImportError)
      ModelError          a model file is absent, damaged or lies  (also a RuntimeError)
      StoreError          the store cannot be read or written      (also a RuntimeError)
      ResultsError        the results cannot be written            (also a RuntimeError)
      EvaluationError     there is nothing to measure              (also a RuntimeError)
      GenerationError     a language model or image generator failed  (also a RuntimeError)

Every message has the same form: where: what is needed, what arrived. What to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightglass.inputs.outcome import Status


class SightglassError(Exception):
    """Root of every error that this package raises on purpose."""


class InputError(SightglassError, ValueError):
    """What the caller gave cannot be used."""


class PictureError(InputError):
    """One picture cannot be used. Folder runs turn it into an ``Outcome`` and go on.

    Args:
        status: Which kind of failure; one of the words of ``Status``.
        detail: One line for a person: what was wrong with the file.
    """

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class ShapeError(SightglassError, ValueError):
    """An array does not have the documented shape."""


class UnknownNameError(SightglassError, LookupError):
    """A name that is not in the list of known ones."""


class MissingExtraError(SightglassError, ImportError):
    """Something needs an optional installation that is not there."""


class ModelError(SightglassError, RuntimeError):
    """A model's files are absent, damaged, or not what their card says."""


class StoreError(SightglassError, RuntimeError):
    """The store of embeddings cannot be read or written any more."""


class ResultsError(SightglassError, RuntimeError):
    """A file of results cannot be written."""


class EvaluationError(SightglassError, RuntimeError):
    """There is nothing to measure."""


class GenerationError(SightglassError, RuntimeError):
    """A language model or an image generator failed."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None where nothing comes near."""
    candidates = list(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    matches = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    return folded[matches[0]] if matches else None


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for an unknown ``name``: says the closest known one, then all of them."""
    candidates = sorted(known)
    near = closest(name, candidates)
    hint = f" Did you mean '{near}'?" if near else ""
    return UnknownNameError(f"Unknown {what} '{name}'.{hint} Known: {', '.join(candidates)}.")


def first_line(error: Exception, *, otherwise: str = "no reason given") -> str:
    """What another library's error says first; ``otherwise`` where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else otherwise


def reason(error: Exception) -> str:
    """What the system says of a failed call, else what the error says first, else its kind."""
    said = getattr(error, "strerror", None)
    return str(said) if said else first_line(error, otherwise=type(error).__name__)
