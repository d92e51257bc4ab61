"""Mutations of a JSON tree: what bytes alone seldom become."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

# Values at the edge of what a field may hold, and far beyond it.
_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, 1e-320),
    *(float("nan"), float("inf"), float("-inf"), [], {}, "", " ", "a", "\0", "\ud800", "\u2028"),
    *("../x", "/", "1", "null", "x" * 300, [[]], [None], {"": None}, [1, 2], ["a", "a"]),
)
_DEPTHS = (5, 200, 1200)
_DEEP, _DEEP_SHARE = "something deep", 0.02

Place = tuple[Any, Any]  # a list or an object, and the index or key within it


def mutated(data: bytes, random: Random, words: Sequence[str]) -> bytes | None:
    """``data``, a JSON text, with one to four changes of its tree; None where it is no JSON."""
    try:
        return _changed([json.loads(data)], random, words)
    except (ValueError, RecursionError, OverflowError):  # no JSON, or a tree beyond what it holds
        return None


def _changed(root: list[Any], random: Random, words: Sequence[str]) -> bytes:
    for _ in range(random.randint(1, 4)):
        places = _places(root)
        random.choice(_CHANGES)(random, random.choice(places), places, words)
    deep = random.random() < _DEEP_SHARE
    if deep:
        node, key = random.choice(_places(root))
        node[key] = _DEEP
    text = json.dumps(root[0], ensure_ascii=random.random() < 0.5)
    if deep:  # too deep for the library to write
        depth = random.choice(_DEPTHS)
        text = text.replace(json.dumps(_DEEP), "[" * depth + "]" * depth)
    return text.encode("utf-8", "surrogatepass")


def _places(root: list[Any]) -> list[Place]:
    """Every place of the tree, the whole of it first."""
    found: list[Place] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found or [(root, 0)]


def _replace(random: Random, place: Place, _: Sequence[Place], words: Sequence[str]) -> None:
    node, key = place
    node[key] = _copy(random.choice(_ODD if random.random() < 0.6 or not words else tuple(words)))


def _remove(random: Random, place: Place, places: Sequence[Place], words: Sequence[str]) -> None:
    node, key = place
    if node is places[0][0]:
        _replace(random, place, places, words)
    else:
        del node[key]


def _graft(random: Random, place: Place, places: Sequence[Place], _: Sequence[str]) -> None:
    node, key = place
    other, its = random.choice(places)
    node[key] = _copy(other[its])


def _grow(random: Random, place: Place, places: Sequence[Place], words: Sequence[str]) -> None:
    node, key = place
    inner = node[key]
    new = _copy(random.choice(_ODD))
    if isinstance(inner, list):
        inner.insert(random.randint(0, len(inner)), _copy(random.choice(inner)) if inner else new)
    elif isinstance(inner, dict):
        inner[random.choice(words) if words else "x"] = new
    else:
        _edit(random, place, places, words)


def _rename(random: Random, place: Place, places: Sequence[Place], words: Sequence[str]) -> None:
    node, key = place
    if isinstance(node, dict):
        node[random.choice(words) if words else "x"] = node.pop(key)
    else:
        _graft(random, place, places, words)


def _edit(random: Random, place: Place, places: Sequence[Place], words: Sequence[str]) -> None:
    node, key = place
    inner = node[key]
    if isinstance(inner, str):
        at = random.randint(0, len(inner))
        new = random.choice((*words, "\n", "\t", "\x85", '"', "\\", "{}", "_", " ", "É", "\u200b"))
        node[key] = inner[:at] + new + inner[at + random.randint(0, 2) :]
    elif isinstance(inner, int | float):
        node[key] = random.choice((-inner, inner + 1, inner - 1, inner * 1000, inner / 3))
    else:
        _replace(random, place, places, words)


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


_CHANGES = (_replace, _replace, _remove, _graft, _grow, _rename, _edit, _edit)
