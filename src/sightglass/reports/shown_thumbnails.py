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
    numbers = {sha256: number for number, sha256 in enumerate(survey.contents)}
    wanted = [numbers[sha256] for sha256, _ in times.most_common()]
    first = fitting(
        [number for number in wanted if sizes[number]],
        sizes,
        budget=int(budget * _SHARE_OF_REFERENCES),
    )
    taken = set(first)
    left = [n for n in range(len(survey.pictures)) if sizes[n] and n not in taken]
    candidates = [
        Candidate(
            group=survey.pictures[number].label,
            confidence=survey.pictures[number].confidence,
            size=sizes[number],
        )
        for number in left
    ]
    room = budget - sum(sizes[number] for number in first)
    return sorted(first + [left[index] for index in sample_evenly(candidates, budget=room)])
