"""Where the parquet files of model hubs keep what, as their schema tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sightglass.checks import require_extra

# In the order in which they are taken. CIFAR-100 on the hub has "img" and "fine_label".
PICTURE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "fine_label", "labels")


def holds_bytes(kind: Any) -> bool:
    """Whether a column's type is binary, or a struct with a binary field ``bytes``."""
    types = require_extra("pyarrow.types", extra="eval", purpose="Reading a parquet data set")
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    tests = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(test(kind) for test in tests)


def class_names(metadata: Mapping[bytes, bytes] | None, column: str) -> tuple[str, ...]:
    """The names that the schema's metadata, under ``huggingface``, gives to a column's numbers.

    Empty where it gives none, or makes no sense.
    """
    try:
        record = json.loads((metadata or {})[b"huggingface"])
        names = record["info"]["features"][column]["names"]
    except (TypeError, KeyError, ValueError, RecursionError):
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()
