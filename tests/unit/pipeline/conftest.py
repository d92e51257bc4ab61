from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import sightglass.reading
from colour_photos import save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a red, a lime and a blue picture, in this order and in three formats."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in {"a.png": "red", "b.jpg": "lime", "c.webp": "blue"}.items():
        save(folder / name, colour)
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often files were read and pictures decoded so far."""
    counted: Counter[str] = Counter()

    def count(name: str) -> None:
        original = getattr(sightglass.reading, name)

        def counting(*args: Any, **options: Any) -> Any:
            counted[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(sightglass.reading, name, counting)

    count("read_bytes")
    count("open_picture")
    return counted
