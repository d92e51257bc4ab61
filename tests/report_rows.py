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
        "meaning": "Above 0.9 is unknown. The hard case are near misses.",
    },
    "timings": {"read": 1.5, "decide": 0.001},
    "platform": {"python": "3.11", "libraries": {"numpy": "2.9.9"}},
}


FUSION: dict[str, Any] = {
    "weighting": "inverse_entropy",
    "mode": "paper_formula",
    "calibration": {"pictures": 2000, "note": "Scales follow the text."},
    "alignments": [
        {
            "name": "text_image",
            "encoder": "mini",
            "logit_scale": 20.0,
            "scale_source": "card",
            "used": True,
            "why": "Names are always asked.",
            "leave_one_out": None,
        },
        {
            "name": "image_image",
            "encoder": "mini",
            "logit_scale": 18.5,
            "scale_source": "leave-one-out",
            "used": True,
            "why": "Far better than chance.",
            "leave_one_out": {"accuracy": 0.41, "chance": 0.005, "n": 398},
        },
        {
            "name": "vision_only",
            "encoder": "mini:vision",
            "logit_scale": 9.0,
            "scale_source": "default",
            "used": False,
            "why": "No better than chance.",
            "leave_one_out": {"accuracy": 0.006, "chance": 0.005, "n": 398},
        },
    ],
    "references": {
        "folder": "my references",
        "pictures": 199,
        "classes": 2,
        "without": ["teapot"],
        "origins": {"imagined": 150, "harvested": 49},
    },
    "warnings": ["One class has no reference."],
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
        "sha256": hash_of(path),
        "opinions": [],
        "nearest_references": [],
    } | changes


def hash_of(path: str) -> str:
    """What stands in for the hash of a file's bytes."""
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()


def weighed(row: dict[str, Any], says: dict[str, str], *references: str) -> dict[str, Any]:
    """``row`` with opinions of equal weight, each sure by 0.8, and nearest references.

    Args:
        row: A classified one.
        says: Best class by alignment.
        references: Names, from the nearest on, as both kinds of references find them; the folder
            is the class.
    """
    opinions = [
        {
            "alignment": alignment,
            "weight": 1 / len(says),
            "top": [{"label": label, "probability": 0.8}, {"label": "dog", "probability": 0.1}],
        }
        for alignment, label in says.items()
    ]
    nearest = [
        {
            "reference": name,
            "label": name.split("/")[0],
            "alignment": alignment,
            "similarity": 0.75 - rank / 8,
            "sha256": hash_of(name),
        }
        for alignment in ("image_image", "vision_only")
        for rank, name in enumerate(references)
    ]
    return row | {"opinions": opinions, "nearest_references": nearest}


def failed(
    path: str, outcome: str = "corrupt", detail: str = "the file is empty"
) -> dict[str, Any]:
    """A file that could not be classified."""
    nothing = dict.fromkeys(
        ("label", "confidence", "unknown_score", "margin", "width", "height", "sha256")
    )
    lists: dict[str, Any] = {"top": [], "opinions": [], "nearest_references": []}
    return {"path": path, "outcome": outcome, "detail": detail} | lists | nothing


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
