from __future__ import annotations

import dataclasses

import pytest

from sightglass.decisions import OPEN_SET_SCORES, PROTOCOLS, protocol_classes
from sightglass.errors import InputError, UnknownNameError

KNOWN = ["cat", "dog"]
UNKNOWN = ["sea slug", "truck", "fox"]
GUESSED = ["Sea_Slug", "wolf", "  Cat", "WOLF", "lorry"]


def test_there_are_four_protocols_and_they_cannot_be_changed() -> None:
    assert list(PROTOCOLS) == [
        "oracle_names",
        "known_only",
        "virtual_names",
        "oracle_names_no_refs",
    ]
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())
    with pytest.raises(TypeError):
        PROTOCOLS["oracle_names"] = PROTOCOLS["known_only"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROTOCOLS["oracle_names"].references = False  # type: ignore[misc]


def test_every_score_fits_some_protocol_and_oracle_scores_never_known_only() -> None:
    offered = {score for protocol in PROTOCOLS.values() for score in protocol.scores}
    assert offered == {*OPEN_SET_SCORES, "max_cosine", "nearest_reference"}
    assert not any(score.startswith("oracle") for score in PROTOCOLS["known_only"].scores)


def test_only_one_protocol_forbids_reference_pictures() -> None:
    without = [name for name, protocol in PROTOCOLS.items() if not protocol.references]
    assert without == ["oracle_names_no_refs"]


@pytest.mark.parametrize("protocol", ["oracle_names", "oracle_names_no_refs"])
def test_an_oracle_is_told_the_known_names_and_then_the_unknown_ones(protocol: str) -> None:
    names, known, overlap = protocol_classes(protocol, KNOWN, UNKNOWN, GUESSED)
    assert names == ("cat", "dog", "sea slug", "truck", "fox")
    assert known.tolist() == [True, True, False, False, False]
    assert overlap == ()


def test_known_only_is_told_the_known_names_alone() -> None:
    classes = protocol_classes("known_only", KNOWN, UNKNOWN, GUESSED)
    assert classes.names == ("cat", "dog")
    assert classes.known.tolist() == [True, True]
    assert classes.overlap == ()


def test_a_guess_that_is_a_true_unknown_name_is_taken_out_and_reported() -> None:
    # By hand: "Sea_Slug" is an unknown class in another spelling, "Cat" a known one, "WOLF" said
    # before; "lorry" is a truck, which no comparison of names can tell.
    names, known, overlap = protocol_classes("virtual_names", KNOWN, UNKNOWN, GUESSED)
    assert names == ("cat", "dog", "wolf", "lorry")
    assert known.tolist() == [True, True, False, False]
    assert overlap == ("Sea_Slug",)


def test_virtual_names_need_a_guess_that_is_left() -> None:
    with pytest.raises(InputError) as caught:
        protocol_classes("virtual_names", KNOWN, UNKNOWN)
    assert str(caught.value) == (
        "protocol_classes: 'virtual_names' sets other names against the known ones, got none."
    )
    with pytest.raises(InputError) as caught_overlap:
        protocol_classes("virtual_names", KNOWN, UNKNOWN, ["fox", "Truck"])
    assert str(caught_overlap.value) == (
        "protocol_classes: 'virtual_names' sets other names against the known ones, got none that "
        "is not a true unknown name (2 were)."
    )


def test_names_that_make_no_experiment_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        protocol_classes("known_only", ["cat", "Fox"], UNKNOWN)
    assert str(caught.value) == (
        "protocol_classes: known names that are not among the unknown ones are needed, got 'Fox' "
        "among both."
    )
    with pytest.raises(InputError, match=r"are needed, got no known name\."):
        protocol_classes("oracle_names", [], UNKNOWN)
    with pytest.raises(InputError, match="'oracle_names' sets other names against"):
        protocol_classes("oracle_names", KNOWN, [])
    with pytest.raises(UnknownNameError, match="Did you mean 'known_only'"):
        protocol_classes("knownonly", KNOWN, UNKNOWN)
