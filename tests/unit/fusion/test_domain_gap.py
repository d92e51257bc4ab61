from __future__ import annotations

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE
from sightglass.fusion.agreement import Hits
from sightglass.fusion.domain_gap import domain_gap


def gap(names: tuple[int, int], own: tuple[int, int], found: tuple[int, int]) -> bool:
    hits = [Hits(hits=right, n=n, chance=0.1) for right, n in (names, own, found)]
    return bool(domain_gap({TEXT_IMAGE: hits[0], IMAGE_IMAGE: hits[1]}, {IMAGE_IMAGE: hits[2]}))


def test_a_gap_needs_more_than_the_noise_of_few_references() -> None:
    # 0.8 * 0.8 = 0.64 is promised and 0.52 found: by hand, with n = 1000 the standard error is
    # about 0.024, five of which are 0.12; with 30 references it is about 0.09, and 0.12 no news.
    assert gap((800, 1000), (800, 1000), (520, 1000))
    assert not gap((24, 30), (24, 30), (520, 1000))


def test_few_perfect_references_promise_no_perfect_agreement() -> None:
    # Rule of succession: 31/32 squared is 0.94. 95 of 100 is more.
    assert not gap((30, 30), (30, 30), (95, 100))


def test_more_agreement_than_promised_is_no_gap() -> None:
    assert not gap((500, 1000), (500, 1000), (999, 1000))
    assert not gap((0, 0), (0, 0), (0, 0))
