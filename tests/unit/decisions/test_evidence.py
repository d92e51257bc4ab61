from __future__ import annotations

import numpy as np
import pytest

from sightglass.decisions import Evidence, NearestReference, Opinion, UnknownRule, decide
from sightglass.errors import ShapeError

NAMES = ("cat", "dog")
ROWS = np.array([[0.75, 0.25], [0.25, 0.75]], np.float32)
LOW = np.zeros(2, np.float32)


def evidence(label: str) -> Evidence:
    return Evidence(
        opinions=(Opinion(alignment="text_image", weight=1.0, top=((label, 0.75),)),),
        nearest=(
            NearestReference(
                name="1.png",
                label=label,
                alignment="image_image",
                similarity=0.5,
                sha256="0" * 64,
            ),
        ),
    )


def test_each_decision_carries_the_evidence_of_its_row() -> None:
    said = [evidence("cat"), evidence("dog")]
    decisions = decide(ROWS, LOW, NAMES, rule=UnknownRule(), evidence=said)
    assert [decision.evidence for decision in decisions] == said
    assert [decision.label for decision in decisions] == ["cat", "dog"]


def test_evidence_does_not_change_what_is_decided() -> None:
    # An opinion for the other class: a decision comes from the probabilities alone.
    (plain, _) = decide(ROWS, LOW, NAMES, rule=UnknownRule())
    (other, _) = decide(ROWS, LOW, NAMES, rule=UnknownRule(), evidence=[evidence("dog")] * 2)
    assert plain.evidence is None
    assert (plain.label, plain.confidence, plain.top) == (other.label, other.confidence, other.top)


def test_evidence_of_another_number_of_pictures_is_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        decide(ROWS, LOW, NAMES, rule=UnknownRule(), evidence=[evidence("cat")])
    assert str(caught.value) == "decide: evidence for each of 2 rows is needed, got 1."
