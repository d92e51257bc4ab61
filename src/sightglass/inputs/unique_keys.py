"""Mappings in which no key comes twice, from YAML and JSON: the usual readers drop the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from sightglass.errors import InputError


def object_with_unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of one JSON object; for ``object_pairs_hook``.

    Raises:
        InputError: If a key comes twice.
    """
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise InputError(f"the field '{key}' comes twice in one place")
        mapping[key] = value
    return mapping


class UniqueKeyLoader(yaml.BaseLoader):
    """YAML whose scalars are all text: ``no`` and ``1`` are words, not a truth and a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping at ``node``.

        Raises:
            InputError: If a key comes twice.
        """
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            keys = [str(key.value) for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            line = node.start_mark.line + 1
            raise InputError(f"the field '{twice}' comes twice in the entry at line {line}")
        return mapping
