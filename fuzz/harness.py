"""Harness: one reader, what to feed it, and how to tell a finding from a refusal."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sightglass.errors import PictureError

# By name, as a module in the folder ``harnesses`` bears it: the modules beside sightglass whose
# branches guide the search. Those written in C have none to see.
FOLLOWED: dict[str, tuple[str, ...]] = {
    "class_book_json": (),
    "class_book_yaml": ("yaml",),
    "references": (),
    "line_file": (),
    "manifest": (),
    "pairs_table": (),
    "pairs_tar": ("tarfile",),
    "pairs_parquet": (),
    "parquet_names": (),
    "caption_json": (),
    "ledgers": (),
    "card": (),
    "onnx_whole": (),
    "hub_folder": (),
    "safetensors_header": (),
    "prompt_file": (),
    "student_about": (),
    "tokenizer": (),
    "recipe": ("yaml",),
    "npz": ("zipfile", "numpy.lib"),
    "store_rows": (),
    "answers": (),
    "kept_answer": (),
    "idx": (),
    "pickles": (),
    "svhn": (),
    "split_file": (),
    "picture_structure": (),
    "picture": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """One reader under test.

    Attributes:
        one_input: Feeds the reader. Returns where it read or refused in a documented way; any
            error that leaves it is a finding, a broken promise (``AssertionError``) among them.
        seeds: Small inputs to begin with, good ones and nearly good ones.
        words: What the format is made of.
        longest: Bytes of an input at most.
        tree: Whether inputs are JSON, so that trees are mutated as well as bytes.
    """

    one_input: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[str, ...] = ()
    longest: int = 4096
    tree: bool = False


def load_harness(name: str) -> Harness:
    """The harness called ``name``, one of ``FOLLOWED``."""
    found = import_module(f"harnesses.{name}").HARNESS
    assert isinstance(found, Harness)
    return found


@functools.cache
def scratch() -> Path:
    """A folder of this process, gone at its end."""
    folder = Path(tempfile.mkdtemp(prefix="sightglass-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def written(name: str, data: bytes) -> Path:
    """A scratch file with these bytes."""
    path = scratch() / name
    path.write_bytes(data)
    return path


def check_sentence(error: Exception) -> None:
    """What every refusal promises: a sentence. Who prints it makes printable what it quotes."""
    said = str(error)
    if isinstance(error, PictureError):
        assert error.detail.isprintable(), f"not printable: {said!r}"
    else:
        assert said.endswith("."), f"no whole sentence: {said!r}"
