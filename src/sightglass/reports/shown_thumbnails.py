"""Which thumbnails a report keeps when it cannot hold them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sightglass.reports.sampling import Candidate, fitting, sample_evenly
from sightglass.reports.survey import Survey

# A reference is looked at from many pictures, a picture from one card: references go first. With
# thousands of them they must still not crowd the pictures out of the page.
_SHARE_OF_REFERENCES = 0.25


def shown_thumbnails(survey: Survey, sizes: Sequence[int], *, budget: int) -> list[int]:
    """Ascending numbers, in ``survey.contents``, of the thumbnails to show.

    References go first, those that most rows name before the others, up to a quarter of the
    budget; an even sample of the pictures fills what is left. A thumbnail that serves as both is
    there once.

    Args:
        survey: Of all rows.
        sizes: Bytes that each thumbnail takes in the page; 0 where there is none.
        budget: Bytes for all of them.
    """
    times = Counter[str]()
    for reference in survey.references:
        times[reference.sha256] += reference.times
    wanted = (survey.contents.number(sha256) for sha256, _ in times.most_common())
    first = fitting(
        ((number, sizes[number]) for number in wanted if number is not None and sizes[number]),
        budget=int(budget * _SHARE_OF_REFERENCES),
    )
    taken = set(first)
    candidates = (
        Candidate(
            group=picture.label,
            confidence=picture.confidence,
            size=0 if number in taken else sizes[number],
        )
        for number, picture in enumerate(survey.contents.pictures())
    )
    room = budget - sum(sizes[number] for number in first)
    return sorted(first + sample_evenly(candidates, budget=room))
