"""The text teachers that a recipe's lessons of words name, and what decides their rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.distillation.words.text_teachers import (
    EncoderTeacher,
    TableTeacher,
    TextTeacher,
    read_table,
)
from sightglass.encoders.registry import load_encoder
from sightglass.encoders.towers.building import build_text_tower
from sightglass.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sightglass.distillation.encoder import teacher_settings
    from sightglass.encoders.towers.contract import TextTower


def read_text_teacher(settings: teacher_settings.TextTeacher) -> TextTeacher:
    """A teacher that the recipe names.

    Raises:
        InputError: If a table cannot be read.
        ModelError: If a model cannot be loaded.
    """
    if settings.tables:
        tables = [
            read_table(Path(one.path), rows=one.rows, names=one.names) for one in settings.tables
        ]
        # Of a name that is in several, the first table's row stays.
        merged: dict[str, Any] = {}
        for table in tables:
            for key, row in table.by_key.items():
                merged.setdefault(key, row)
        return TableTeacher(name=" and ".join(one.name for one in tables), by_key=merged)
    model = str(settings.model)
    if model.startswith("hf:"):
        return EncoderTeacher.of_tower(_sentence_encoder(model), name=model)
    return EncoderTeacher.of_encoder(load_encoder(model))  # type: ignore[arg-type]


def digest_of_text_teachers(teachers: Sequence[teacher_settings.TextTeacher]) -> str:
    """Hex digest of what decides their rows: a table written anew is another teacher.

    It covers every byte of a table's file; of a sentence encoder its weights and its vocabulary;
    of another encoder its fingerprint. All encoders are loaded for it, no text goes in.

    Raises:
        InputError: If a table cannot be read.
        ModelError: If a model cannot be loaded.
    """
    found = []
    for one in teachers:
        found += [digest_of_file(Path(table.path)) for table in one.tables]
        if one.model is not None:
            own = one.model.startswith("hf:")
            found.append(
                _digest_of_tower(one.model) if own else load_encoder(one.model).fingerprint
            )
    return hashlib.sha256(" ".join(found).encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """Hex SHA-256 of its bytes.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: a file that can be read is needed, but: {error.strerror or error}. Check "
            f"the path."
        ) from error


def _sentence_encoder(model: str) -> TextTower:
    return build_text_tower({"kind": "transformers", "checkpoint": model, "dim": None})


def _digest_of_tower(model: str) -> str:
    tower = _sentence_encoder(model)
    total = hashlib.sha256(tower.vocabulary_file()[1])
    for name, tensor in sorted(tower.state_dict().items()):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
