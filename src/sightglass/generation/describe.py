"""The whole conversation about a label set, made into a class book."""

from __future__ import annotations

from collections.abc import Sequence

from sightglass.generation.budget import BudgetReached
from sightglass.generation.class_names import ClassNames
from sightglass.generation.conversation import Conversation
from sightglass.generation.outlook import outlook
from sightglass.generation.segment_facts import SegmentFacts, ask_about_segment
from sightglass.generation.segments import cut_into_segments
from sightglass.inputs.class_book import ClassBook, ClassEntry, Confusable
from sightglass.inputs.labels import LabelSet


def describe_classes(
    labels: LabelSet, conversation: Conversation, *, segment_size: int
) -> ClassBook:
    """A class book written by the model of ``conversation``.

    What is answered is kept at once, so a run that was cut off, or that failed, goes on from there.

    Args:
        labels: The classes.
        conversation: Has a server.
        segment_size: A longer list of classes is cut into segments of at most so many.

    Raises:
        BudgetReached: If the next request would be one too many; says how many are left to do.
        GenerationError: If the server gives no answer, or none that is of use.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, feature analysis.
    """
    names = ClassNames(labels)
    try:
        segments, notes = cut_into_segments(names, conversation, size=segment_size)
        facts = [ask_about_segment(names, classes, conversation) for classes in segments]
    except BudgetReached as error:
        left = outlook(
            labels,
            model=conversation.model,
            kept=conversation.kept,
            segment_size=segment_size,
        )
        raise BudgetReached(
            f"{error} Requests left to do: at least {left.least:,} and, if every answer is "
            f"complete, at most {left.most:,}."
        ) from error
    return _book(labels, facts, notes)


def _book(labels: LabelSet, facts: Sequence[SegmentFacts], notes: Sequence[str]) -> ClassBook:
    described = {index: answer for one in facts for index, answer in one.descriptions.items()}
    shared = sorted((look for one in facts for look in one.shared), key=lambda look: look.pair)
    return ClassBook(
        source="language_model",
        classes=tuple(
            ClassEntry(
                name=names[0],
                synonyms=names[1:],
                description=described[index].value,
                origin=described[index].origin,
            )
            for index, names in enumerate(labels.synonyms)
        ),
        confusable=tuple(
            Confusable(
                classes=tuple(labels.names[index] for index in look.pair),
                shared_features=look.features,
                origin=look.origin,
            )
            for look in shared
        ),
        notes=(*notes, *(note for one in facts for note in one.notes)),
    )
