"""Each file of the fuzz corpus once more, alone: how long it takes, and what Pillow says of it."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fuzz_corpus import FuzzFile

SHORT_SIDE = 224


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """One file.

    Attributes:
        file: Which.
        seconds: Processor time of opening it as the command does.
        ours: Outcome.
        detail: Why.
        pillow: ``opens``, or the name of what Pillow raises, alone and strict; empty where it
            was not asked: it is what some of the known cases are meant to hurt.
    """

    file: FuzzFile
    seconds: float
    ours: str
    detail: str
    pillow: str


def look_again(corpus: Sequence[FuzzFile]) -> Iterator[SecondLook]:
    """All but what is no file."""
    from sightglass.errors import PictureError
    from sightglass.inputs.images import open_picture

    for one in corpus:
        if one.kind == "no files":
            continue
        data = Path(one.path).read_bytes()
        started = time.thread_time()
        try:
            open_picture(data, short_side=SHORT_SIDE)
            ours, detail = "ok", ""
        except PictureError as error:
            ours, detail = error.status, error.detail
        seconds = time.thread_time() - started
        pillow = "" if one.kind == "known cases" else _pillow(data)
        yield SecondLook(file=one, seconds=seconds, ours=ours, detail=detail, pillow=pillow)


def _pillow(data: bytes) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except Exception as error:  # whatever it is: its name is the answer
            return type(error).__name__
    return "opens"
