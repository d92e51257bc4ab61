from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation_server import CHAT, GenerationServer, Received, chat_reply
from knowing_model import KnowingModel, kind, listed, plain
from sightglass.generation.class_names import ClassNames
from sightglass.generation.conversation import Conversation
from sightglass.generation.describe import describe_classes
from sightglass.generation.outlook import outlook
from sightglass.generation.segments import _evenly, _packed, cut_into_segments
from sightglass.inputs.labels import LabelSet

Talk = Callable[..., Conversation]

SEA = ["sea slug", "sea horse", "jellyfish"]
LAND = ["slug", "snail", "horse"]
THINGS = ["nail", "pole", "maypole"]
NAMES = ClassNames(LabelSet.of([*SEA, *LAND, *THINGS]))


def spoken(segments: Sequence[Sequence[int]]) -> list[list[str]]:
    return [[NAMES.said(index) for index in segment] for segment in segments]


def test_a_short_list_is_one_segment_and_nothing_is_asked(
    talk: Talk, server: GenerationServer
) -> None:
    segments, notes = cut_into_segments(NAMES, talk(), size=9)
    assert segments == [list(range(9))]
    assert notes == []
    assert server.received == []


def test_a_long_list_is_cut_as_the_model_says(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    knowing.kinds = {"land": LAND, "things": THINGS, "sea": SEA}
    segments, notes = cut_into_segments(NAMES, talk(), size=3)
    assert spoken(segments) == [LAND, THINGS, SEA]
    assert notes == []
    assert len(server.received) == 1


def test_small_neighbours_are_put_together(talk: Talk, knowing: KnowingModel) -> None:
    knowing.kinds = {"sea": SEA, "slugs": LAND[:2], "horses": LAND[2:], "things": THINGS}
    segments, _ = cut_into_segments(NAMES, talk(), size=5)
    assert spoken(segments) == [[*SEA, *LAND[:2]], [*LAND[2:], *THINGS]]


def test_classes_that_were_left_out_are_asked_for_again_alone_and_keep_their_parts(
    talk: Talk, server: GenerationServer
) -> None:
    answers = iter(
        [
            {"Sea": [*SEA, "kraken"], "Land": ["slug", "sea slug"], "Things": THINGS},
            {"LAND": ["snail"], "castles": ["sea snail"]},
            {"Land": ["horse"]},
        ]
    )

    def say(_: Received) -> object:
        parts = [{"title": t, "classes": names} for t, names in next(answers).items()]
        return chat_reply(json.dumps({"parts": parts}))

    server.handlers[CHAT] = say  # type: ignore[assignment]
    segments, notes = cut_into_segments(NAMES, talk(), size=4)
    assert spoken(segments) == [SEA, LAND, THINGS]
    assert notes == []
    assert [listed(request) for request in server.asked()[1:]] == [["snail", "horse"], ["horse"]]
    again = server.asked()[1].body["messages"][1]["content"]
    assert "These parts exist already; use them where they fit: Sea; Land; Things." in again


def test_what_is_never_placed_becomes_a_segment_of_its_own_and_a_note(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    knowing.kinds = {"sea": SEA, "things": THINGS}
    segments, notes = cut_into_segments(NAMES, talk(), size=3)
    assert spoken(segments) == [SEA, THINGS, LAND]
    assert notes == ["The model placed these in no part of the list: slug, snail, horse."]
    assert len(server.received) == 3


def test_a_part_that_is_too_large_is_cut_once_more_by_the_model(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    def in_two_steps(request: Received) -> object:
        whole = len(listed(request)) == 9
        again = "One part, animals, would be too large: cut it finer." in str(request.body)
        assert again != whole
        kinds = {"animals": [*SEA, *LAND], "things": THINGS} if whole else {"b": LAND, "a": SEA}
        return KnowingModel(kinds=kinds)(request)

    server.handlers[CHAT] = in_two_steps  # type: ignore[assignment]
    segments, notes = cut_into_segments(NAMES, talk(), size=3)
    assert spoken(segments) == [LAND, SEA, THINGS]
    assert notes == []
    assert len(server.received) == 2


def test_a_part_that_stays_too_large_is_cut_by_counting_and_noted(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    knowing.kinds = {"all": [*SEA, *LAND, *THINGS]}
    segments, notes = cut_into_segments(NAMES, talk(), size=4)
    assert spoken(segments) == [SEA, LAND, THINGS]
    assert notes == [
        "A part of 9 classes was cut in the order of the list; look-alikes on different sides of a "
        "cut are not found."
    ]
    assert len(server.received) == 2


def test_a_very_long_list_is_placed_in_pieces_that_share_their_parts(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    names = ClassNames(LabelSet.of([f"thing {number}" for number in range(250)]))
    knowing.kinds = {
        "even": [names.said(i) for i in range(0, 250, 2)],
        "odd": [names.said(i) for i in range(1, 250, 2)],
    }
    segments, notes = cut_into_segments(names, talk(), size=130)
    assert segments == [list(range(0, 250, 2)), list(range(1, 250, 2))]
    assert notes == []
    assert [len(listed(request)) for request in server.asked()] == [120, 120, 10]
    assert "already; use them where they fit: even; odd." in str(server.asked()[2].body)


def test_look_alikes_are_asked_for_within_a_segment_only(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    knowing.kinds = {"sea": SEA, "land": LAND, "things": THINGS}
    knowing.look_alikes = {
        "sea slug": ["slug"],
        "slug": ["snail", "sea slug"],
        "nail": ["snail"],
        "pole": ["maypole"],
    }
    book = describe_classes(NAMES.labels, talk(), segment_size=3)
    assert [group.classes for group in book.confusable] == [("slug", "snail"), ("pole", "maypole")]
    for request in server.asked():
        if kind(request) == "look_alikes":
            assert [plain(line) for line in listed(request)] in (SEA, LAND, THINGS)


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=7), max_size=30), st.integers(7, 20))
def test_packing_loses_nothing_and_leaves_few_segments(parts: list[list[int]], size: int) -> None:
    packed = _packed(parts, size=size)
    assert [one for part in packed for one in part] == [one for part in parts for one in part]
    assert all(len(part) <= size for part in packed)
    assert len(packed) <= 2 * sum(map(len, parts)) / size + 1


@given(st.integers(1, 300), st.integers(1, 50))
def test_cutting_by_counting_gives_the_fewest_pieces_of_nearly_one_length(
    count: int, size: int
) -> None:
    pieces = _evenly(list(range(count)), size=size)
    assert [one for piece in pieces for one in piece] == list(range(count))
    assert len(pieces) == -(-count // size)
    assert max(map(len, pieces)) <= size
    assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


@pytest.mark.parametrize(("count", "size"), [(9, 3), (9, 4), (10, 3), (31, 10), (61, 20), (7, 6)])
def test_a_run_stays_within_the_outlook_that_was_given_before_it(
    talk: Talk, server: GenerationServer, knowing: KnowingModel, count: int, size: int
) -> None:
    labels = LabelSet.of([f"thing {number}" for number in range(count)])
    everything = list(labels.names)
    # As many look-alikes as are allowed, and kinds of very different sizes.
    knowing.look_alikes = {name: [n for n in everything if n != name] for name in everything}
    ends = [0, 1, 2, count // 4, count // 2, count]
    knowing.kinds = {
        f"kind {number}": everything[start:end]
        for number, (start, end) in enumerate(pairwise(ends))
    }
    conversation = talk()
    ahead = outlook(labels, model="scripted", kept=conversation.kept, segment_size=size)
    describe_classes(labels, conversation, segment_size=size)
    assert ahead.least <= len(server.received) <= ahead.most
    after = outlook(labels, model="scripted", kept=conversation.kept, segment_size=size)
    assert (after.certain, after.least, after.most) == ((), 0, 0)


def test_the_least_of_an_outlook_can_be_reached(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    # 7 classes in parts of 6: one question cuts, two describe, one asks the six for look-alikes.
    labels = LabelSet.of([f"thing {number}" for number in range(7)])
    knowing.look_alikes = {}
    knowing.kinds = {"six": labels.names[:6], "one": labels.names[6:]}
    ahead = outlook(labels, model="scripted", kept=talk().kept, segment_size=6)
    describe_classes(labels, talk(), segment_size=6)
    assert ahead.least == len(server.received) == 4
