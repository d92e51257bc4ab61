"""Rows as they stand in predictions.jsonl, for the tests of the report."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from PIL import Image

CLASSES = ("cat", "dog", "teapot")
RUN: dict[str, Any] = {
    "sightglass": "0.1.0",
    "created": "2026-11-20T10:12:44+00:00",
    "command": ["sightglass", "classify", "my photos", "--classes", "cat,dog,teapot"],
    "classes": [{"name": name, "names": [name]} for name in CLASSES],
    "prompts": "single",
    "model": {"name": "mini", "licence": "Apache-2.0", "dim": 512},
    "templates": ["a photo of a {}."],
    "unknown": {
        "enabled": True,
        "threshold": 0.9,
        "rule": "the simple one",
        "meaning": "Above 0.9 is unknown.",
    },
    "timings": {"read": 1.5, "decide": 0.001},
    "platform": {"python": "3.11", "libraries": {"numpy": "2.9.9"}},
}


def jpeg(colour: tuple[int, int, int] = (200, 80, 40)) -> bytes:
    """A real JPEG of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", (160, 120), colour).save(stream, "JPEG")
    return stream.getvalue()


def classified(
    path: str, label: str = "cat", confidence: float = 0.9, **changes: object
) -> dict[str, Any]:
    """A file that was classified; its best class is ``label`` or, if unknown, the first class."""
    best = CLASSES[0] if label == "unknown" else label
    second = next(name for name in CLASSES if name != best)
    return {
        "path": path,
        "outcome": "ok",
        "detail": "",
        "label": label,
        "confidence": confidence,
        "unknown_score": 1 - confidence,
        "margin": confidence - (1 - confidence) / 2,
        "top": [
            {"label": best, "probability": confidence},
            {"label": second, "probability": (1 - confidence) / 2},
        ],
        "width": 640,
        "height": 480,
        "sha256": hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest(),
    } | changes


def failed(
    path: str, outcome: str = "corrupt", detail: str = "the file is empty"
) -> dict[str, Any]:
    """A file that could not be classified."""
    nothing = dict.fromkeys(
        ("label", "confidence", "unknown_score", "margin", "width", "height", "sha256")
    )
    return {"path": path, "outcome": outcome, "detail": detail, "top": []} | nothing


def many(n: int) -> list[dict[str, Any]]:
    """``n`` rows over all classes and the whole range of confidence, some unknown, some failed."""
    rows = []
    for i in range(n):
        path = f"photos/{i:06d}.jpg"
        if i % 50 == 49:
            rows.append(failed(path))
        elif i % 20 == 19:
            rows.append(classified(path, "unknown", 0.34))
        else:
            rows.append(classified(path, CLASSES[i % 3], 0.35 + (i * 37 % 650) / 1000))
    return rows
