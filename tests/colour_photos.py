"""Plain pictures of one colour each, and a classifier that knows colours, for the tests of runs."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from PIL import Image

from sightglass import ZeroShotClassifier

COLOURS = ["red", "lime", "blue"]
LONG_AGO = 1_000_000_000_000_000_000  # nanoseconds; in 2001


def save(path: Path, colour: str, *, mtime_ns: int = LONG_AGO) -> Path:
    """A real picture that was last changed long ago, so that the store may trust its time."""
    Image.new("RGB", (40, 30), colour).save(path)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def encoded(colour: str, kind: str = "PNG") -> bytes:
    """The bytes of such a picture's file."""
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(stream, kind)
    return stream.getvalue()


def classifier(classes: Any = COLOURS, **options: Any) -> ZeroShotClassifier:
    """One that forgets everything at the end, unless ``options`` say otherwise."""
    return ZeroShotClassifier(classes, **{"model": "synthetic:colours", "store": None} | options)
