"""Open-set protocols: what the classifier is told decides what a number means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sightglass.errors import InputError, unknown_name
from sightglass.inputs.labels import name_key

if TYPE_CHECKING:
    from jaxtyping import Bool

_KNOWN_ONLY_SCORES = ("known_only_max", "mcm", "entropy", "max_cosine", "nearest_reference")
_ALL_NAMES_SCORES = ("oracle_minmax", "oracle_sum", "oracle_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One way to run an open-set experiment.

    Attributes:
        name: Stands beside every number made under it.
        told: What the classifier is given, in a few words.
        scores: Which unknown scores fit it: names of ``open_set_scores``, and ``"max_cosine"`` and
            ``"nearest_reference"`` for the functions of those names.
        references: Whether the classes that it is told may have reference pictures.
        meaning: One sentence for a reader of the numbers.
    """

    name: str
    told: str
    scores: tuple[str, ...]
    references: bool
    meaning: str


class ProtocolClasses(NamedTuple):
    """The classes that a protocol gives to the classifier.

    Attributes:
        names: In the order of every ``n_classes`` axis, the known ones first.
        known: Which of them are known, one per name.
        overlap: Virtual names that were true unknown names; left out of ``names``.
    """

    names: tuple[str, ...]
    known: Bool[np.ndarray, " n_classes"]
    overlap: tuple[str, ...]


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            Protocol(
                name="oracle_names",
                told="the names and reference pictures of the known and the unknown classes",
                scores=_ALL_NAMES_SCORES,
                references=True,
                meaning=(
                    "Closed-set classification into two groups of classes, because the unknown "
                    "ones are named and shown beforehand, as in the paper; not comparable with "
                    "methods that never hear of them."
                ),
            ),
            Protocol(
                name="known_only",
                told="the names and reference pictures of the known classes",
                scores=_KNOWN_ONLY_SCORES,
                references=True,
                meaning=(
                    "Open-set recognition proper: nothing about the unknown classes is known, "
                    "neither names nor pictures."
                ),
            ),
            Protocol(
                name="virtual_names",
                told="the known names, and names that a language model guessed for the unknown",
                scores=_ALL_NAMES_SCORES,
                references=True,
                meaning=(
                    "The known classes stand against guessed ones; a guess that is the true name "
                    "of an unknown class is taken out and reported as overlap."
                ),
            ),
            Protocol(
                name="oracle_names_no_refs",
                told="the names of the known and the unknown classes, and no reference picture",
                scores=_ALL_NAMES_SCORES,
                references=False,
                meaning=(
                    "As oracle_names, but nothing was shown: what the true names of the unknown "
                    "classes alone are worth."
                ),
            ),
        )
    }
)


def protocol_classes(
    protocol: str,
    known_names: Sequence[str],
    unknown_names: Sequence[str],
    virtual_names: Sequence[str] = (),
) -> ProtocolClasses:
    """The classes that the classifier is told under a protocol.

    Names are compared as class names are everywhere: case, underscores and spacing aside. Another
    word for the same thing (car, automobile) is not recognised.

    Args:
        protocol: One of ``PROTOCOLS``.
        known_names: Of the known classes.
        unknown_names: True names of the unknown classes. Under ``"virtual_names"`` they only serve
            to find the overlap, under ``"known_only"`` to nothing.
        virtual_names: Guesses; needed by ``"virtual_names"`` and by no other. One that repeats a
            known name or an earlier guess is left out.

    Raises:
        UnknownNameError: If ``protocol`` is unknown.
        InputError: If there is no known name, a known name is also an unknown one, or the protocol
            needs other names of which none is left.

    Example:
        >>> names, known, overlap = protocol_classes(
        ...     "virtual_names", ["cat"], ["sea slug"], ["otter", "Sea_slug"]
        ... )
        >>> names, known.tolist(), overlap
        (('cat', 'otter'), [True, False], ('Sea_slug',))
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("open-set protocol", protocol, PROTOCOLS)
    unknown_keys = {name_key(name) for name in unknown_names}
    both = [name for name in known_names if name_key(name) in unknown_keys]
    if not known_names or both:
        got = f"'{both[0]}' among both" if both else "no known name"
        raise InputError(
            f"protocol_classes: known names that are not among the unknown ones are needed, got "
            f"{got}."
        )
    others: list[str] = []
    overlap: list[str] = []
    if protocol == "virtual_names":
        taken = {name_key(name) for name in known_names}
        for name in virtual_names:
            key = name_key(name)
            if key in taken:
                continue
            taken.add(key)
            (overlap if key in unknown_keys else others).append(name)
    elif protocol != "known_only":
        others = list(unknown_names)
    if protocol != "known_only" and not others:
        raise InputError(
            f"protocol_classes: '{protocol}' sets other names against the known ones, got none"
            f"{f' that is not a true unknown name ({len(overlap)} were)' if overlap else ''}."
        )
    known = np.arange(len(known_names) + len(others)) < len(known_names)
    return ProtocolClasses((*known_names, *others), known, tuple(overlap))
