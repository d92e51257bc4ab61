"""Sightglass classifies images by name alone.

Pictures and class names in; a class, an honest confidence, "none of these", and the evidence out.
The public names are imported on first use, so that ``import sightglass`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightglass.encoders.registry import load_encoder
    from sightglass.errors import SightglassError
    from sightglass.inputs.labels import LabelSet
    from sightglass.pipeline import ZeroShotClassifier
    from sightglass.reports.result import Result

__version__ = "0.1.0"

__all__ = [
    "LabelSet",
    "Result",
    "SightglassError",
    "ZeroShotClassifier",
    "__version__",
    "load_encoder",
]

_HOMES = {
    "LabelSet": "sightglass.inputs.labels",
    "Result": "sightglass.reports.result",
    "SightglassError": "sightglass.errors",
    "ZeroShotClassifier": "sightglass.pipeline",
    "load_encoder": "sightglass.encoders.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightglass' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
