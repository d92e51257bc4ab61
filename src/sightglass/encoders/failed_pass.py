"""What a torch network's failure means for a person: one sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sightglass.errors import ModelError, SightglassError, first_line


@contextmanager
def failing_in_one_sentence(name: str) -> Iterator[None]:
    """Errors of building and running the network of the model ``name`` become ``ModelError``.

    Raises:
        ModelError: If the network fails, whose settings may come from anybody, or memory lacks.
    """
    try:
        yield
    except SightglassError:
        raise
    except Exception as error:  # torch's and transformers' have no common root
        said = f"{type(error).__name__}: {first_line(error)}"
        if _lacks_memory(error):
            raise ModelError(
                f"{name}: the network needs more memory than is free ({said}). Close other "
                f"programs, or choose a smaller model."
            ) from error
        raise ModelError(
            f"{name}: a network whose settings fit its weights is needed, this one fails "
            f"({said}). Fetch it again."
        ) from error


def _lacks_memory(error: Exception) -> bool:
    """Whether the machine is too small, rather than the model damaged."""
    said = str(error)
    # On a processor torch says it in a plain RuntimeError.
    return isinstance(error, MemoryError) or "can't allocate" in said or "out of memory" in said
