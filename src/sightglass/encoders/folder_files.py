"""A model's folder from anybody: what may be opened in it, by us and by the model libraries."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sightglass.errors import ModelError, PictureError
from sightglass.inputs.file_bytes import read_bytes

# Three times the largest vocabulary that we know of, 34 MB.
LARGEST_TEXT = 100_000_000
# Read to their end by the tokenizer's library; our own reader has this limit for all others.
_READ_ELSEWHERE = (
    *("added_tokens.json", "merges.txt", "special_tokens_map.json", "spiece.model"),
    *("sentencepiece.bpe.model", "tokenizer.json", "tokenizer.model", "tokenizer_config.json"),
    *("vocab.json", "vocab.txt"),
)
_ADAPTER = "adapter_config.json"
_OTHER_WEIGHTS = "transformers_weights"
_NOT_FILES = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_small(path: Path, *, max_bytes: int = LARGEST_TEXT) -> bytes | None:
    """What is in a file of settings or words; None where there is no such file.

    Args:
        path: The file.
        max_bytes: More are not read.

    Raises:
        ModelError: If it is no regular file, too large, or cannot be read.
    """
    if not os.path.exists(path):  # noqa: PTH110  (answers for names that no file can have, too)
        return None
    try:
        return read_bytes(path, max_bytes=max_bytes)[0]
    except PictureError as error:
        raise ModelError(
            f"{path}: a file of settings or words is needed, this cannot be read "
            f"({error.detail}). Fetch it again."
        ) from error


def check_files(folder: Path) -> None:
    """Refuse a folder in which a model library would wait for ever or read without end.

    Raises:
        ModelError: If something in it is a pipe, a socket or a device, or a tokenizer's file is
            too large.
    """
    for path, status in _entries(folder):
        kind = next((words for test, words in _NOT_FILES if test(status.st_mode)), None)
        if kind is not None:
            raise ModelError(
                f"{path}: a model's folder holds files, this is {kind}. Fetch the model again."
            )
        is_read = path.name in _READ_ELSEWHERE or path.match("tokenizer.*.json")
        if is_read and status.st_size > LARGEST_TEXT:
            raise ModelError(
                f"{path}: {LARGEST_TEXT:,} bytes at most are read of a tokenizer's file, it has "
                f"{status.st_size:,}. Fetch the model again."
            )


def check_weights_are_whole(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a folder whose weights a library would take from files that nobody hashed.

    Args:
        folder: Of the model.
        config: What its ``config.json`` holds.

    Raises:
        ModelError: If the settings name other weights, or an adapter lies beside them.
    """
    parts = (config, *(part for part in config.values() if isinstance(part, dict)))
    if any(part.get(_OTHER_WEIGHTS) is not None for part in parts):
        raise ModelError(
            f"{folder}: weights are needed as model.safetensors, config.json names others "
            f"('{_OTHER_WEIGHTS}'). Rename them and remove this setting."
        )
    if os.path.lexists(folder / _ADAPTER):
        raise ModelError(
            f"{folder}: a model's own weights are needed, {_ADAPTER} lies beside them. Merge the "
            f"adapter into the model, or remove the file."
        )


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What lies in ``folder`` itself, links followed; links to nothing are left out."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # whoever opens a file there says it better
        return
    for path in paths:
        try:
            yield path, path.stat()
        except OSError:
            continue
