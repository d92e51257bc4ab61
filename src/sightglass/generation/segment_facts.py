"""What a language model says of the classes of one segment: looks, look-alikes, shared features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightglass.errors import GenerationError
from sightglass.generation.answers import one_line, phrases
from sightglass.generation.class_names import ClassNames
from sightglass.generation.conversation import (
    ROUNDS,
    Answer,
    Conversation,
    Filled,
    NotAskedYetError,
)
from sightglass.generation.questions import (
    MOST_FEATURES,
    MOST_LOOK_ALIKES,
    appearance_question,
    look_alikes_question,
    shared_features_question,
)
from sightglass.inputs.class_book import Origin

PAIRS_AT_ONCE = 10

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLook:
    """A pair of classes that look alike, the lower index first, and what they share."""

    pair: Pair
    features: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """What is known of one segment.

    Attributes:
        descriptions: By class index; every class of the segment has one.
        shared: Each pair once, in the order of its classes.
        notes: What the model did not say.
    """

    descriptions: dict[int, Answer[str]]
    shared: tuple[SharedLook, ...]
    notes: tuple[str, ...]


def ask_about_segment(
    names: ClassNames, classes: Sequence[int], conversation: Conversation
) -> SegmentFacts:
    """The three questions, one after the other, about ``classes``.

    Raises:
        NotAskedYetError: As for ``Conversation.fill``.
        GenerationError: If the server gives no answer, a class has no description after all
            rounds, or nothing usable came about look-alikes.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis.
    """
    descriptions = _descriptions(names, classes, conversation)
    notes: list[str] = []
    pairs: dict[Pair, Origin] = {}
    if len(classes) > 1:
        pairs = _pairs(names, classes, descriptions, conversation, notes)
    return SegmentFacts(
        descriptions=descriptions,
        shared=_shared(names, pairs, conversation, notes),
        notes=tuple(notes),
    )


def _descriptions(
    names: ClassNames, classes: Sequence[int], conversation: Conversation
) -> dict[int, Answer[str]]:
    def read(rows: list[Any], missing: Sequence[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for row in rows:
            for index in names.indices([row.name], among=missing):
                if one_line(row.description):
                    found.setdefault(index, one_line(row.description))
        return found

    filled: Filled[int, str] = conversation.fill(
        classes,
        question=lambda missing: appearance_question(names, missing),
        read=read,
    )
    missing = [index for index in classes if index not in filled.answers]
    if missing:
        raise _nothing_usable(
            conversation,
            appearance_question(names, missing).about,
            "a description of each",
            filled.last_fault,
        )
    return filled.answers


def _pairs(
    names: ClassNames,
    classes: Sequence[int],
    descriptions: dict[int, Answer[str]],
    conversation: Conversation,
    notes: list[str],
) -> dict[Pair, Origin]:
    """Pairs of which at least one class was said to look like the other, in order."""

    def read(rows: list[Any], missing: Sequence[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row in rows:
            partners = names.indices(row.looks_like, among=classes)
            for index in names.indices([row.name], among=missing):
                # A row that names only what is not in the list says nothing about this class.
                if partners or not row.looks_like:
                    others = [one for one in partners if one != index]
                    found.setdefault(index, others[:MOST_LOOK_ALIKES])
        return found

    said = {index: answer.value for index, answer in descriptions.items()}
    filled: Filled[int, list[int]] = conversation.fill(
        classes,
        question=lambda missing: look_alikes_question(
            names, missing, among=classes, descriptions=said
        ),
        read=read,
    )
    missing = [index for index in classes if index not in filled.answers]
    if len(missing) == len(classes):
        raise _nothing_usable(
            conversation,
            f"which of {len(classes)} classes look alike ({names.said(classes[0])}, …)",
            "a list for each class, empty or with names of the others",
            filled.last_fault,
        )
    if missing:
        which = ", ".join(names.said(index) for index in missing)
        notes.append(f"The model did not say what these look like among the others: {which}.")
    pairs: dict[Pair, Origin] = {}
    for index, answer in filled.answers.items():
        for other in answer.value:
            pairs.setdefault((min(index, other), max(index, other)), answer.origin)
    return dict(sorted(pairs.items()))


def _shared(
    names: ClassNames, pairs: dict[Pair, Origin], conversation: Conversation, notes: list[str]
) -> tuple[SharedLook, ...]:
    def read(rows: list[Any], missing: Sequence[Pair]) -> dict[Pair, tuple[str, ...]]:
        found: dict[Pair, tuple[str, ...]] = {}
        for row in rows:
            first, second = names.index(row.first), names.index(row.second)
            features = phrases(row.shared_features)[:MOST_FEATURES]
            if first is not None and second is not None and features:
                pair = (min(first, second), max(first, second))
                if pair in missing:
                    found.setdefault(pair, features)
        return found

    shared: list[SharedLook] = []
    listed = list(pairs)
    unasked: NotAskedYetError | None = None
    for start in range(0, len(listed), PAIRS_AT_ONCE):
        some = listed[start : start + PAIRS_AT_ONCE]
        try:
            filled: Filled[Pair, tuple[str, ...]] = conversation.fill(
                some,
                question=lambda missing: shared_features_question(names, missing),
                read=read,
            )
        except NotAskedYetError as error:
            unasked = error  # the other pairs do not depend on these: they are certain as well
            continue
        for pair in some:
            answer = filled.answers.get(pair)
            if answer is None:
                first, second = (names.said(index) for index in pair)
                notes.append(f"The model did not say what {first} and {second} have in common.")
                shared.append(SharedLook(pair=pair, features=(), origin=pairs[pair]))
            else:
                shared.append(SharedLook(pair=pair, features=answer.value, origin=answer.origin))
    if unasked is not None:
        raise unasked
    return tuple(shared)


def _nothing_usable(
    conversation: Conversation, about: str, wanted: str, fault: str
) -> GenerationError:
    return GenerationError(
        f"Asking {conversation.model} {about}: {wanted} is needed, and {ROUNDS} rounds of asking "
        f"did not bring it ({fault or 'it leaves out some each time'}). Try another model with "
        f"--llm-model; what it did answer is kept in '{conversation.kept.folder}', and the same "
        f"command goes on from there."
    )
