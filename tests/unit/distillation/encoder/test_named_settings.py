from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sightglass.distillation.encoder.named_settings import named_teacher
from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.errors import InputError
from sightglass.store import Store

IMAGE = {"kind": "convolutional", "size": 32, "stages": [[8, 2, 1, 1], [16, 2, 1, 1]]}


@dataclass
class Pictures:
    """A source that can be counted and must not be read."""

    count: int
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.count


def recipe(*named: dict[str, Any]) -> Recipe:
    return recipe_of(
        {
            "name": "mine",
            "data": [{"path": "a.parquet"}],
            "student": {"dim": 16, "image": IMAGE, "text": {"kind": "word_table"}},
            "teachers": {"named": list(named)},
            "phases": [{"name": "all", "pictures": 2, "size": 32, "losses": {"named": 1}}],
            "batch_size": 2,
        },
        where="test",
    )


def teacher(counts: list[int], names: int, *named: dict[str, Any]) -> None:
    store = Store(None)
    try:
        named_teacher(
            recipe(*named),
            [Pictures(count) for count in counts],  # type: ignore[misc]
            [f"name {number}" for number in range(names)],
            store,
        )
    finally:
        store.close()


def test_distributions_that_would_fill_the_memory_are_refused_before_any_is_made(
    tmp_path: Path,
) -> None:
    fused = {"model": str(tmp_path / "absent"), "references": str(tmp_path)}
    # 3 million pictures times 1,000 names times 4 bytes.
    with pytest.raises(InputError) as caught:
        teacher([2_000_000, 1_000_000], 1000, fused)
    assert str(caught.value) == (
        "Recipe: what named teachers with references say of every picture needs at most 2 GB of "
        "memory, got 3000000 pictures x 1000 names = 12.0 GB. Give fewer names or pictures, or "
        "leave out references: the encoder is then asked batch by batch."
    )
    with pytest.raises(InputError, match=r"250001 pictures x 1000 names x 2 teachers = 2\.0 GB"):
        teacher([250_001], 1000, fused, fused)
