from __future__ import annotations

import json

import pyarrow as pa
import pytest

from sightglass.inputs.parquet_layout import class_names, holds_bytes


def metadata(features: object) -> dict[bytes, bytes]:
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def test_class_names_are_those_of_the_column() -> None:
    features = {"label": {"names": ["cat", 7]}, "other": {"names": ["x"]}, "image": {}}
    assert class_names(metadata(features), "label") == ("cat", "7")


@pytest.mark.parametrize(
    "found",
    [
        None,
        {},
        {b"pandas": b"{}"},
        {b"huggingface": b"{"},
        {b"huggingface": b"[]"},
        metadata({"image": {}}),
        metadata({"label": {"dtype": "int64"}}),
        metadata({"label": {"names": "cat"}}),
        metadata([]),
    ],
)
def test_metadata_without_class_names_give_none(found: dict[bytes, bytes] | None) -> None:
    assert class_names(found, "label") == ()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.binary(), True),
        (pa.large_binary(), True),
        (pa.binary_view(), True),
        (pa.struct([("bytes", pa.binary_view())]), True),
        (pa.struct([("bytes", pa.binary()), ("path", pa.string())]), True),
        (pa.struct([("path", pa.string())]), False),
        (pa.struct([("bytes", pa.string())]), False),
        (pa.string(), False),
        (pa.list_(pa.binary()), False),
    ],
)
def test_a_column_of_pictures_is_binary_or_a_struct_with_bytes(
    kind: pa.DataType, expected: bool
) -> None:
    assert holds_bytes(kind) is expected
