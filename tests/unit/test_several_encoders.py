from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightglass import several_encoders
from sightglass.checks import usable_processors
from sightglass.encoders.registry import load_encoder
from sightglass.several_encoders import THREADS_FOR_URLS, read_for
from sightglass.store import Store


def read(sources: list[str], *, batch_size: int) -> tuple[list[str], list[int]]:
    """What was read, in order, and how many threads each stretch had."""
    threads: list[int] = []

    def ahead(
        function: Callable[[str], Any], items: Iterable[str], *, threads: int, window: int
    ) -> Generator[str]:
        used.append(threads)
        yield from items

    used = threads
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(several_encoders, "ahead", ahead)
        found: Any = read_for(
            [load_encoder("synthetic:colours")],
            sources,
            store=Store(None),
            max_pixels=1,
            batch_size=batch_size,
        )
        return list(found), threads


def test_files_here_are_read_by_a_thread_per_processor_and_urls_by_many() -> None:
    here, far = [f"{n}.jpg" for n in range(7)], [f"https://host/{n}.jpg" for n in range(7)]
    few, many = usable_processors(), THREADS_FOR_URLS
    assert read(here, batch_size=2) == (here, [few])
    assert read(far, batch_size=2) == (far, [many])
    assert read(here + far, batch_size=2) == (here + far, [few, many])
    assert read([], batch_size=2) == ([], [])


@given(
    far=st.lists(st.booleans(), max_size=40),
    batch_size=st.integers(1, 5),
)
def test_the_order_is_the_sources_wherever_they_lie(far: list[bool], batch_size: int) -> None:
    sources = [f"s3://bucket/{n}" if one else f"{n}" for n, one in enumerate(far)]
    assert read(sources, batch_size=batch_size)[0] == sources


def test_closing_stops_the_threads(tmp_path: Path) -> None:
    pictures = read_for(
        [load_encoder("synthetic:colours")],
        [str(tmp_path / f"{n}.png") for n in range(50)],
        store=Store(None),
        max_pixels=10**6,
        batch_size=4,
    )
    assert next(pictures).outcome.status == "unreadable"
    assert _readers()
    pictures.close()
    assert not _readers()


def _readers() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("sightglass-read")]
