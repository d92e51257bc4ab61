"""The names of classes that a hub's parquet file has in its metadata, as JSON."""

from __future__ import annotations

from harness import Harness
from sightglass.inputs.parquet_layout import class_names

_SEED = b'{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}'


def one_input(data: bytes) -> None:
    """As the metadata: nothing in it is refused, what makes no sense gives no names."""
    names = class_names({b"huggingface": data}, "label")
    assert all(isinstance(name, str) for name in names)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_SEED],
    words=("info", "features", "label", "names"),
    tree=True,
)
