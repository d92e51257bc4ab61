"""What can teach a text tower: rows that somebody published, and encoders of texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix, require_extra
from sightglass.distillation.npz_file import npz_arrays
from sightglass.errors import InputError, ShapeError, closest, first_line
from sightglass.inputs.labels import name_key

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from sightglass.encoders.contract import TextEncoder
    from sightglass.encoders.towers.contract import TextTower

_TEXTS_PER_PASS = 64
Rows = Callable[[Sequence[str]], "Float[np.ndarray, 'n dim']"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TableTeacher:
    """Rows of some texts: a larger model's, where only its vectors are at hand.

    Attributes:
        name: For messages.
        by_key: Rows by ``name_key`` of their text.
    """

    name: str
    by_key: dict[str, Float64[np.ndarray, " dim"]] = field(repr=False)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        rows: Float[np.ndarray, "n dim"],
        *,
        name: str,
        first_name: bool = True,
    ) -> TableTeacher:
        """The teacher of ``names`` and their rows, made unit length.

        A name that is there twice, for two things or in two wordings, has the unit mean of its
        rows.

        Args:
            names: One per row.
            rows: Of any length but 0.
            name: For messages.
            first_name: Whether of "goldfish, Carassius auratus" only what stands before the first
                comma is the name.

        Raises:
            InputError: If numbers differ, a name is empty, or a row is zeros or not finite.
            ShapeError: If ``rows`` does not have two axes.
        """
        wide = np.asarray(rows, np.float64)
        check_matrix(wide, where=name, name="rows")
        if len(names) != len(wide) or not len(wide):
            raise InputError(
                f"{name}: one name per row and at least one row are needed, got {len(names)} names "
                f"and {len(wide)} rows."
            )
        lengths = np.linalg.norm(wide, axis=1)
        if wrong := np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0))).tolist():
            raise InputError(
                f"{name}: every row must be finite and have a length, got one that has not for "
                f"'{names[wrong[0]]}'. Leave it out."
            )
        sums: dict[str, Float64[np.ndarray, " dim"]] = {}
        for text, row in zip(names, wide / lengths[:, None], strict=True):
            key = name_key(text.split(", ")[0] if first_name else text)
            if not key:
                raise InputError(f"{name}: every row needs a name, got an empty one.")
            sums[key] = sums[key] + row if key in sums else row
        return cls(name=name, by_key={key: _unit_row(total) for key, total in sums.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The texts that it knows, in the table's order, case folded."""
        return tuple(self.by_key)

    def knows(self, text: str) -> bool:
        """Whether the text is in the table, case, underscores and spacing aside."""
        return name_key(text) in self.by_key

    def rows(self, texts: Sequence[str]) -> Float64[np.ndarray, "n dim"]:
        """Unit rows of texts that are all in the table."""
        return np.stack([self.by_key[name_key(text)] for text in texts])


@dataclass(frozen=True, kw_only=True, eq=False)
class EncoderTeacher:
    """Rows of any text.

    Attributes:
        name: For messages.
        encode: From texts to rows in their order, of any length but 0.
    """

    name: str
    encode: Rows = field(repr=False)

    @classmethod
    def of_encoder(cls, encoder: TextEncoder) -> EncoderTeacher:
        """The text side of an encoder; texts go in as they stand, without a template."""
        return cls(name=encoder.card.name, encode=lambda texts: encoder.encode_texts(texts).rows)

    @classmethod
    def of_tower(cls, tower: TextTower, *, name: str) -> EncoderTeacher:
        """A tower, such as a sentence encoder with its own weights; put into ``eval`` mode."""
        import torch

        tower.eval()

        def encode(texts: Sequence[str]) -> Float[np.ndarray, "n dim"]:
            rows = np.empty((len(texts), tower.dim), np.float32)
            # Texts of one length together: padding is computed like everything else.
            order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
            for start in range(0, len(order), _TEXTS_PER_PASS):
                part = order[start : start + _TEXTS_PER_PASS]
                device = next(tower.parameters()).device
                with torch.inference_mode():
                    ids = tower.tokenise([texts[index] for index in part]).to(device)
                    rows[part] = tower(ids).cpu().numpy()
            return rows

        return cls(name=name, encode=encode)

    def rows(self, texts: Sequence[str]) -> Float64[np.ndarray, "n dim"]:
        """Unit rows of texts.

        Raises:
            ShapeError: If the encoder gives another number of rows.
        """
        made = np.asarray(self.encode(texts), np.float64)
        if made.ndim != 2 or len(made) != len(texts):
            raise ShapeError(
                f"{self.name}: {len(texts)} texts need as many rows, got shape {made.shape}."
            )
        return unit(made)


TextTeacher = TableTeacher | EncoderTeacher


def read_table(
    path: Path, *, rows: str = "rows", names: str = "names", first_name: bool = True
) -> TableTeacher:
    """The table in a file.

    Args:
        path: A ``.npz`` with an array of rows and an array of names; or a ``.safetensors`` with a
            tensor of rows and, among its metadata, the names as a JSON list.
        rows: Key of the rows.
        names: Key of the names.
        first_name: As for ``TableTeacher.of``.

    Raises:
        InputError: If the file cannot be read, a key is absent, or the table is none.
        MissingExtraError: If safetensors is needed and not installed.
    """
    if path.suffix == ".npz":
        listed, values = _read_npz(path, rows, names)
    elif path.suffix == ".safetensors":
        listed, values = _read_safetensors(path, rows, names)
    else:
        raise InputError(
            f"Text table: a .npz or .safetensors file is needed, got '{path}'. Save names and rows "
            "in one of them."
        )
    return TableTeacher.of(listed, values, name=f"{path}, '{rows}'", first_name=first_name)


def unit(rows: Float[np.ndarray, "n dim"]) -> Float64[np.ndarray, "n dim"]:
    """Rows at length 1, in float64; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Float64[np.ndarray, "n dim"] = rows / np.where(lengths > 0, lengths, 1.0)
    return scaled


def _unit_row(row: Float64[np.ndarray, " dim"]) -> Float64[np.ndarray, " dim"]:
    scaled: Float64[np.ndarray, " dim"] = unit(row[None])[0]
    return scaled


def _read_npz(path: Path, rows: str, names: str) -> tuple[list[str], np.ndarray]:
    try:
        found, known = npz_arrays(path, rows, names)
    except ValueError as error:
        raise _unreadable(path, error) from error
    for key in (rows, names):
        _check_key(path, key, known)
    return [str(name) for name in found[names].tolist()], found[rows]


def _read_safetensors(path: Path, rows: str, names: str) -> tuple[list[str], np.ndarray]:
    require_extra("safetensors", extra="train", purpose=f"Text table: '{path}'")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as file:
            _check_key(path, rows, list(file.keys()))
            metadata = file.metadata() or {}
            _check_key(path, names, list(metadata))
            listed = json.loads(metadata[names])
            values = file.get_tensor(rows)
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(listed, list):
        raise InputError(
            f"Text table: '{path}' needs a JSON list of names under '{names}', got a "
            f"{type(listed).__name__}."
        )
    return [str(name) for name in listed], values


def _check_key(path: Path, key: str, known: Sequence[str]) -> None:
    if key not in known:
        near = closest(key, known)
        hint = f" Did you mean '{near}'?" if near else ""
        raise InputError(
            f"Text table: '{path}' needs '{key}', it holds {', '.join(sorted(known)) or 'nothing'}."
            f"{hint}"
        )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"Text table: '{path}' cannot be read ({first_line(error)}). Check the file.")
