"""Folders as classify leaves them, with pictures that are there, for the tests of exports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from report_rows import CLASSES, RUN, classified

FINGERPRINT = "0123456789abcdef0123456789abcdef"


def write_run(
    folder: Path, rows: Sequence[dict[str, Any]], *, classes: Sequence[str] = CLASSES, **more: Any
) -> Path:
    """``folder`` with run.json, which says ``more`` if asked to, and predictions.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    record = RUN | {
        "classes": [{"name": name, "names": [name]} for name in classes],
        "model": {"name": "mini", "fingerprint": FINGERPRINT},
        "counts": {"ok": len(rows)},
        **more,
    }
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "predictions.jsonl").write_text(lines, encoding="utf-8")
    return folder


def picture(
    path: Path, label: str = "cat", *, shade: int = 0, kind: str = "PNG", **changes: Any
) -> dict[str, Any]:
    """Write a picture at ``path``; its row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (shade % 256, 7, 9)).save(path, kind)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return classified(str(path), label, width=40, height=30, sha256=sha256, **changes)


def files_in(folder: Path) -> dict[str, bytes]:
    """Bytes by path within, hidden files aside."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
