"""onnxruntime, told to report to nobody before it is loaded."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any


def load_onnxruntime() -> ModuleType | Any:
    """The module.

    Its builds since 1.29 send what they run to their makers unless this variable is set when they
    are loaded; the function that switches it off comes too late for the first events. Whoever set
    the variable to something else, or loaded onnxruntime before, is left alone.

    Source:
        onnxruntime, docs/Privacy.md; what a session left in the cache folder with and without it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module("onnxruntime")
