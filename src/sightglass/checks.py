"""The boundary checks that the stages share; each raises one clear sentence."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

import numpy as np

from sightglass.errors import InputError, MissingExtraError, ShapeError


def check_matrix(array: np.ndarray, *, where: str, name: str) -> None:
    """Raise ShapeError unless ``array`` has exactly two axes."""
    if array.ndim != 2:
        raise ShapeError(f"{where}: {name} needs two axes (rows, width), got shape {array.shape}.")


def check_same_width(
    first: np.ndarray, second: np.ndarray, *, where: str, names: tuple[str, str]
) -> None:
    """Raise ShapeError unless both matrices have rows of one width."""
    check_matrix(first, where=where, name=names[0])
    check_matrix(second, where=where, name=names[1])
    if first.shape[1] != second.shape[1]:
        raise ShapeError(
            f"{where}: {names[0]} and {names[1]} need the same width, got {first.shape} and "
            f"{second.shape}. Were they made by the same encoder?"
        )


def check_positive(value: float, *, where: str, name: str) -> None:
    """Raise InputError unless ``value`` is a finite number above zero."""
    if not np.isfinite(value) or value <= 0:
        raise InputError(f"{where}: {name} must be a finite number above 0, got {value}.")


def require_extra(module: str, *, extra: str, purpose: str) -> ModuleType | Any:
    """Import ``module``, or say in one sentence which extra brings it.

    Args:
        module: Importable name, e.g. ``"torch"``.
        extra: The extra of this package that installs it, e.g. ``"hub"``.
        purpose: What needs it, as the start of a sentence.

    Raises:
        MissingExtraError: If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs the package '{module}', which is not installed. "
            f"Install it with: pip install 'sightglass[{extra}]'"
        ) from error


def usable_processors() -> int:
    """How many processors this process may use: containers often allow fewer than exist.

    The variable ``SIGHTGLASS_PROCESSORS`` says another number, for processes that share a machine.
    """
    told = os.environ.get("SIGHTGLASS_PROCESSORS", "")
    if told.isascii() and told.isdigit() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
