"""How many requests a class book will take, from what is kept of it already. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from sightglass.generation.answers import DESCRIPTIONS, LOOK_ALIKES
from sightglass.generation.class_names import ClassNames
from sightglass.generation.conversation import Conversation, NotAskedYetError
from sightglass.generation.kept_answers import KeptAnswers
from sightglass.generation.questions import MOST_LOOK_ALIKES, Question
from sightglass.generation.segment_facts import PAIRS_AT_ONCE, ask_about_segment
from sightglass.generation.segments import NAMES_AT_ONCE, cut_into_segments
from sightglass.inputs.labels import LabelSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is still to be asked.

    Attributes:
        certain: Questions that will be asked whatever the answers to others are.
        least: Requests that will be sent at least.
        most: Requests that will be sent at most, if every answer is complete and no request has
            to be sent again.
    """

    certain: tuple[Question, ...]
    least: int
    most: int


def outlook(labels: LabelSet, *, model: str, kept: KeptAnswers, segment_size: int) -> Outlook:
    """What ``describe_classes`` will ask, as far as the kept answers tell.

    Raises:
        GenerationError: As for ``describe_classes``, if kept answers already lead to it.
    """
    names = ClassNames(labels)
    silent = Conversation(model=model, kept=kept, server=None)
    try:
        segments, _ = cut_into_segments(names, silent, size=segment_size)
    except NotAskedYetError:
        return _before_cutting(len(names), tuple(silent.unasked), segment_size)
    least = most = 0
    for classes in segments:
        before = len(silent.unasked)
        try:
            ask_about_segment(names, classes, silent)
        except NotAskedYetError:
            fewest, largest = _in_segment(len(classes), silent.unasked[before:])
            least += fewest
            most += largest
    return Outlook(certain=tuple(silent.unasked), least=least, most=most)


def _before_cutting(n_classes: int, unasked: Sequence[Question], size: int) -> Outlook:
    """Of a list whose segments are not known; each is asked about looks and look-alikes."""
    cuts = 2 * ceil(n_classes / NAMES_AT_ONCE) + n_classes // (size + 1)
    most_segments = 2 * n_classes // size + 1
    features = ceil(n_classes * MOST_LOOK_ALIKES / PAIRS_AT_ONCE) + most_segments
    # A segment of one class has no look-alikes to ask for.
    fewest = 2 * ceil(n_classes / size) - int(n_classes % size == 1)
    return Outlook(
        certain=tuple(unasked),
        least=len(unasked) + fewest,
        most=cuts + 2 * most_segments + features,
    )


def _in_segment(n_classes: int, unasked: Sequence[Question]) -> tuple[int, int]:
    """Least and most requests of a segment of which only ``unasked`` are known so far."""
    all_pairs = n_classes * (n_classes - 1) // 2
    features = ceil(min(n_classes * MOST_LOOK_ALIKES, all_pairs) / PAIRS_AT_ONCE)
    look_alikes = int(n_classes > 1)
    if unasked[0].form is DESCRIPTIONS:
        return 1 + look_alikes, 1 + look_alikes + features
    if unasked[0].form is LOOK_ALIKES:
        return 1, 1 + features
    return len(unasked), len(unasked)
