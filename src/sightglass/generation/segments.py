"""A long list of classes, cut into segments of one kind before look-alikes are asked for.

Asked for look-alikes in a list of 200 names, a language model matches spellings: slug and sea slug,
fly and dragonfly, nail and snail. Within a short list of things of one kind it goes by looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Any

from sightglass.generation.answers import one_line
from sightglass.generation.class_names import ClassNames
from sightglass.generation.conversation import Conversation
from sightglass.generation.questions import parts_question

NAMES_AT_ONCE = 120  # names that are placed by one question


def cut_into_segments(
    names: ClassNames, conversation: Conversation, *, size: int
) -> tuple[list[list[int]], list[str]]:
    """Segments with at most ``size`` classes each; every class is in exactly one.

    A list that is short enough is one segment, and nothing is asked. Small neighbours are put
    together, so there are at most ``2 * n_classes / size + 1`` segments.

    Returns:
        Class indices of each segment, and notes on what the model did not place.

    Raises:
        NotAskedYetError: As for ``Conversation.fill``.
        GenerationError: If the server gives no answer.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis (coarse segments of TinyImageNet).
    """
    everything = list(range(len(names)))
    if len(everything) <= size:
        return [everything], []
    notes: list[str] = []
    parts = _parts(names, everything, conversation, size=size, within="", notes=notes)
    return _packed(parts, size=size), notes


def _parts(
    names: ClassNames,
    classes: Sequence[int],
    conversation: Conversation,
    *,
    size: int,
    within: str,
    notes: list[str],
) -> list[list[int]]:
    """``classes`` in parts of one kind, none larger than ``size``.

    Args:
        names: All classes.
        classes: Those to be cut.
        conversation: Who is asked.
        size: How many a part may hold.
        within: Title of the part that ``classes`` are: it was too large, and is cut by the model
            only this once; "" at the start.
        notes: What the model did not place is added here.
    """
    members: dict[str, list[int]] = {}
    titles: dict[str, str] = {}

    def read(rows: list[Any], missing: Sequence[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for row in rows:
            for index in names.indices(row.classes, among=missing):
                # Known at once: when the missing ones are asked about, this title may be used.
                title = titles.setdefault(one_line(row.title).casefold(), one_line(row.title))
                found.setdefault(index, title)
        return found

    for start in range(0, len(classes), NAMES_AT_ONCE):
        chunk = classes[start : start + NAMES_AT_ONCE]
        filled = conversation.fill(
            chunk,
            question=lambda missing: parts_question(
                names, missing, titles=tuple(titles.values()), most=size, within=within
            ),
            read=read,
        )
        for index, answer in filled.answers.items():
            members.setdefault(answer.value.casefold(), []).append(index)
        left = [index for index in chunk if index not in filled.answers]
        if left:
            which = ", ".join(names.said(index) for index in left)
            notes.append(f"The model placed these in no part of the list: {which}.")
            members.setdefault("", []).extend(left)
    small: list[list[int]] = []
    for key, part in members.items():
        if len(part) <= size:
            small.append(part)
        elif key and not within:
            small += _parts(names, part, conversation, size=size, within=titles[key], notes=notes)
        else:
            small += _evenly(part, size=size)
            notes.append(
                f"A part of {len(part)} classes was cut in the order of the list; look-alikes on "
                f"different sides of a cut are not found."
            )
    return small


def _evenly(part: list[int], *, size: int) -> list[list[int]]:
    """``part`` in as few pieces as ``size`` allows, of nearly one length."""
    count = ceil(len(part) / size)
    ends = [round(len(part) * piece / count) for piece in range(count + 1)]
    return [part[start:end] for start, end in pairwise(ends)]


def _packed(parts: Sequence[list[int]], *, size: int) -> list[list[int]]:
    """Neighbouring parts put together as long as they fit."""
    packed: list[list[int]] = []
    for part in parts:
        if packed and len(packed[-1]) + len(part) <= size:
            packed[-1] = packed[-1] + part
        else:
            packed.append(part)
    return packed
