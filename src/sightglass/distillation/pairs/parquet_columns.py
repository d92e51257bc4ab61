"""Which columns of a parquet file hold pictures, captions and labels, by name and type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.checks import require_extra
from sightglass.distillation.pairs.table_columns import (
    caption_columns,
    label_column,
    named_column,
    picture_column,
)
from sightglass.errors import InputError
from sightglass.inputs.parquet_layout import class_names, holds_bytes

PURPOSE = "Reading parquet files"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetColumns:
    """The columns that are read, equal for all files of a source.

    Attributes:
        picture: Binary, or a struct with a field ``bytes``.
        captions: Texts, or lists of texts.
        label: Whole numbers or texts; None for none.
        classes: What the numbers mean; empty where the file does not say.
    """

    picture: str
    captions: tuple[str, ...]
    label: str | None
    classes: tuple[str, ...]


def parquet_columns(
    schema: Any,
    *,
    image: str | None,
    caption: str | Sequence[str] | None,
    label: str | None,
    where: str,
) -> ParquetColumns:
    """What ``schema``, pyarrow's, holds under the given names, or under usual ones.

    Raises:
        InputError: If a given column does not exist or holds something else, or there is no
            column of encoded pictures.
    """
    picture = _picture(schema, image, where)
    names = schema.names if caption is not None else _of(schema, _holds_texts)
    captions = caption_columns(caption, names, where=where)
    for name in captions:
        _require(schema, name, _holds_texts, "texts or lists of texts", where)
    names = schema.names if label is not None else _of(schema, _holds_labels)
    labels = label_column(label, names, where=where)
    if labels is not None:
        _require(schema, labels, _holds_labels, "class numbers or names", where)
    return ParquetColumns(
        picture=picture,
        captions=captions,
        label=labels,
        classes=() if labels is None else class_names(schema.metadata, labels),
    )


def holds_texts(kind: Any) -> bool:
    """Whether a column's type is text."""
    types = require_extra("pyarrow.types", extra="train", purpose=PURPOSE)
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _holds_texts(kind: Any) -> bool:
    types = require_extra("pyarrow.types", extra="train", purpose=PURPOSE)
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
    return holds_texts(kind)


def _holds_labels(kind: Any) -> bool:
    types = require_extra("pyarrow.types", extra="train", purpose=PURPOSE)
    return bool(types.is_integer(kind)) or holds_texts(kind)


def _picture(schema: Any, given: str | None, where: str) -> str:
    encoded = _of(schema, holds_bytes)
    if given is not None:
        _require(
            schema, named_column(given, schema.names, where=where), holds_bytes, "pictures", where
        )
        return given
    if not encoded:
        raise InputError(
            f"{where}: a column with encoded pictures is needed, got the columns "
            f"{', '.join(schema.names)}. Save the data set with its pictures embedded."
        )
    return encoded[0] if len(encoded) == 1 else picture_column(None, encoded, where=where)


def _of(schema: Any, holds: Any) -> list[str]:
    return [name for name in schema.names if holds(schema.field(name).type)]


def _require(schema: Any, name: str, holds: Any, what: str, where: str) -> None:
    if not holds(schema.field(name).type):
        raise InputError(
            f"{where}: column '{name}' must hold {what}, got {schema.field(name).type}. Name "
            f"another or convert it."
        )
