"""Parquet files of pairs, with columns and metadata that nobody foresaw.

Their bytes are sound: pyarrow reads those, and a damaged footer can make it end the process.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from harness import Harness, check_sentence, written
from pair_rows import read_row
from sightglass.distillation.pairs.parquet_source import ParquetSource
from sightglass.errors import InputError

_NAMES = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
_STRUCTS = {
    "metadata": {"huggingface": json.dumps(_NAMES)},
    "columns": {
        "image": [{"bytes": "PNG", "path": "a.png"}, None],
        "caption": [["A cat.", "A pet."], None],
        "label": [0, 1],
    },
}
_PLAIN = {
    "metadata": {},
    "binary": ["img"],
    "columns": {"img": ["JPEG", ""], "text": ["A", " "], "label": ["b", None]},
}


def one_input(data: bytes) -> None:
    """As JSON: columns, which of them are binary, and metadata."""
    content = _file(data)
    if content is None:
        return
    try:
        source = ParquetSource(str(written("pairs.parquet", content)))
        for index in range(min(len(source), 8)):
            source.where(index)
            source.captions(index)
            read_row(source, index)
    except InputError as error:
        check_sentence(error)


def _file(data: bytes) -> bytes | None:
    """The file; None where the JSON describes none."""
    stream = io.BytesIO()
    try:
        described = json.loads(data)
        binary = described.get("binary", [])
        table = pa.table(
            {
                name: [_binary(value, encoded=name in binary) for value in values]
                for name, values in described["columns"].items()
            }
        )
        parquet.write_table(table.replace_schema_metadata(described["metadata"]), stream)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    except pa.ArrowException:
        return None
    return stream.getvalue()


def _binary(value: Any, *, encoded: bool) -> Any:
    if isinstance(value, dict) and isinstance(value.get("bytes"), str):
        return {**value, "bytes": value["bytes"].encode()}
    return value.encode() if encoded and isinstance(value, str) else value


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(one).encode() for one in (_STRUCTS, _PLAIN)],
    words=(
        *("metadata", "binary", "columns", "huggingface", "image", "img", "caption", "captions_2"),
        *("text", "label", "fine_label", "bytes", "path", "info", "features", "names"),
    ),
    tree=True,
)
