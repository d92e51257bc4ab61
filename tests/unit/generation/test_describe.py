from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from generation_server import CHAT, GenerationServer, Received, Reply, chat_reply, failure
from knowing_model import KnowingModel, kind, listed
from sightglass.errors import GenerationError
from sightglass.generation.budget import BudgetReached
from sightglass.generation.conversation import Conversation
from sightglass.generation.describe import describe_classes
from sightglass.generation.kept_answers import KeptAnswers
from sightglass.generation.outlook import outlook
from sightglass.inputs.class_book import ClassBook
from sightglass.inputs.labels import LabelSet

Talk = Callable[..., Conversation]

ANIMALS = LabelSet.of(["cat", "dog", "horse", ["deer", "roe"], "cattle"])


def pairs(book: ClassBook) -> list[tuple[str, ...]]:
    return [group.classes for group in book.confusable]


def kinds(server: GenerationServer) -> list[str]:
    return [kind(request) for request in server.asked()]


def erring(knowing: KnowingModel, which: str, *answers: object) -> Callable[[Received], Reply]:
    """Gives ``answers`` to the first questions of this kind, then what the model knows."""
    left = list(answers)

    def answer(request: Received) -> Reply:
        if kind(request) != which or not left:
            return knowing(request)
        said = left.pop(0)
        return said if isinstance(said, Reply) else chat_reply(json.dumps(said))

    return answer


def test_a_book_holds_what_the_model_said_and_who_said_it(
    talk: Talk, server: GenerationServer
) -> None:
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert book.source == "language_model"
    assert [entry.name for entry in book.classes] == ["cat", "dog", "horse", "deer", "cattle"]
    assert book.classes[3].synonyms == ("roe",)
    assert book.classes[0].description == "What a cat looks like."
    assert pairs(book) == [("cat", "dog"), ("horse", "deer")]
    assert book.confusable[0].shared_features == ("four legs", "fur")
    assert kinds(server) == ["looks", "look_alikes", "features"]
    origins = [book.classes[0].origin, book.confusable[0].origin]
    for origin, request in zip(origins, (server.asked()[0], server.asked()[2]), strict=True):
        assert origin is not None
        assert origin.by == "scripted"
        assert origin.prompt
        assert origin.prompt in request.body["messages"][1]["content"]
        assert origin.date
        assert origin.date.startswith("20")
    assert book.notes == ()


def test_the_question_about_look_alikes_says_what_they_look_like(
    talk: Talk, server: GenerationServer
) -> None:
    describe_classes(ANIMALS, talk(), segment_size=40)
    assert listed(server.asked()[1])[3] == "deer (also called roe): What a deer looks like."


def test_a_second_run_asks_nothing_and_makes_the_same_book(
    talk: Talk, server: GenerationServer
) -> None:
    first = describe_classes(ANIMALS, talk(), segment_size=40)
    asked = len(server.received)
    assert describe_classes(ANIMALS, talk(), segment_size=40) == first
    assert len(server.received) == asked


def test_other_classes_or_another_model_are_asked_about_anew(
    talk: Talk, server: GenerationServer
) -> None:
    describe_classes(LabelSet.of(["cat", "dog"]), talk(), segment_size=40)
    asked = len(server.received)
    describe_classes(LabelSet.of(["cat", "wolf"]), talk(), segment_size=40)
    assert len(server.received) > asked
    asked = len(server.received)
    other = talk()
    other.model = "another"
    describe_classes(LabelSet.of(["cat", "dog"]), other, segment_size=40)
    assert len(server.received) == asked + 3


def test_a_missing_description_is_asked_for_again_alone(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    some = [{"name": n, "description": f"A {n}."} for n in ("dog", "Roe", "cattle")]
    server.handlers[CHAT] = erring(knowing, "looks", {"classes": some})
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert listed(server.asked()[1]) == ["cat", "horse"]
    assert [entry.description for entry in book.classes] == [
        "What a cat looks like.",
        "A dog.",
        "What a horse looks like.",
        "A Roe.",
        "A cattle.",
    ]


def test_a_list_that_is_too_long_is_cut_down_to_what_was_asked(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    names = ["cat", "dog", "horse", "deer", "cattle", "wolf", "cat", "caterpillar"]
    rows = [
        {"name": n, "description": f"What a {n} has, {number}."} for number, n in enumerate(names)
    ]
    server.handlers[CHAT] = erring(knowing, "looks", {"classes": rows})
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert [entry.description for entry in book.classes] == [
        f"What a {n} has, {number}." for number, n in enumerate(names[:5])
    ]
    assert kinds(server) == ["looks", "look_alikes", "features"]


def test_look_alikes_are_symmetric_different_and_from_the_list(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    said = {
        "cat": ["cat", "DOG", "caterpillar", "dog"],
        "dog": ["cat", "wolf"],
        "horse": ["cattle", "roe"],
        "deer": ["Roe", "deer"],
        "cattle": [],
    }
    rows = [{"name": name, "looks_like": others} for name, others in said.items()]
    server.handlers[CHAT] = erring(knowing, "look_alikes", {"classes": rows})
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert pairs(book) == [("cat", "dog"), ("horse", "deer"), ("horse", "cattle")]
    assert kinds(server).count("look_alikes") == 1
    assert book.notes == ()


def test_a_row_that_names_only_strangers_is_asked_for_again(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    said = {"cat": ["lynx"], "dog": [], "horse": ["deer"], "deer": [], "cattle": []}
    rows = [{"name": name, "looks_like": others} for name, others in said.items()]
    server.handlers[CHAT] = erring(knowing, "look_alikes", {"classes": rows})
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert pairs(book) == [("cat", "dog"), ("horse", "deer")]
    assert "For these classes: cat, name" in server.asked()[2].body["messages"][1]["content"]


def test_what_stays_unsaid_about_look_alikes_is_noted(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    rows = [{"name": n, "looks_like": []} for n in ("dog", "horse", "deer", "cattle")]
    server.handlers[CHAT] = erring(knowing, "look_alikes", *[{"classes": rows}] * 3)
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert pairs(book) == []
    assert book.notes == ("The model did not say what these look like among the others: cat.",)
    assert kinds(server) == ["looks", *["look_alikes"] * 3]


def test_a_pair_without_features_is_kept_and_noted(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    rows = [
        {"first": "dog", "second": "cat", "shared_features": ["Four legs.", "four legs", "fur"]},
        {"first": "deer", "second": "deer", "shared_features": ["antlers"]},
        {"first": "horse", "second": "deer", "shared_features": [""]},
        {"first": "horse", "second": "cattle", "shared_features": ["hooves"]},
    ]
    server.handlers[CHAT] = erring(knowing, "features", *[{"pairs": rows}] * 3)
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert pairs(book) == [("cat", "dog"), ("horse", "deer")]
    assert [group.shared_features for group in book.confusable] == [("Four legs", "fur"), ()]
    assert book.notes == ("The model did not say what horse and deer have in common.",)
    assert kinds(server) == ["looks", "look_alikes", *["features"] * 3]
    assert listed(server.asked()[3]) == [
        "horse and deer (also called roe): both horse and deer have …"
    ]


def test_an_answer_cut_off_is_used_as_far_as_it_goes(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    whole = json.dumps({"classes": [{"name": n, "description": f"A {n}."} for n in ANIMALS.names]})
    cut = chat_reply(whole[: whole.index("horse")], finish_reason="length")
    server.handlers[CHAT] = erring(knowing, "looks", cut)
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert [entry.description for entry in book.classes][1:3] == [
        "A dog.",
        "What a horse looks like.",
    ]
    assert listed(server.asked()[1]) == ["horse", "deer (also called roe)", "cattle"]


NONSENSE = [
    (chat_reply("ßq vhj 7 {{"), "no JSON of the wanted form is in it, it begins 'ßq vhj 7 {{'"),
    (chat_reply(""), "it is empty"),
    (chat_reply('{"animals": ["cat"]}'), "no JSON of the wanted form is in it"),
    (
        chat_reply('{"classes": [{"name": "lynx", "description": "A cat."}]}'),
        "no entry is about what was asked, by a name from the list",
    ),
    (chat_reply('{"classes": [', finish_reason="length"), "the answer was cut off"),
    (chat_reply(None, refusal="No."), "the model refused: No."),
]


@pytest.mark.parametrize(("reply", "reason"), NONSENSE)
def test_nonsense_three_times_ends_in_one_sentence(
    talk: Talk, server: GenerationServer, reply: Reply, reason: str, tmp_path: Path
) -> None:
    server.handlers[CHAT] = lambda _: reply
    with pytest.raises(GenerationError) as caught:
        describe_classes(ANIMALS, talk(), segment_size=40)
    message = str(caught.value)
    assert message.startswith("Asking scripted what 5 classes (cat, dog, horse, …) look like: a ")
    assert "description of each is needed, and 3 rounds of asking did not bring it" in message
    assert reason in message
    assert f"kept in '{tmp_path / 'answers'}'" in message
    assert message.endswith("the same command goes on from there.")
    assert len(server.received) == 3
    assert list((tmp_path / "answers").iterdir()) == []


def test_after_nonsense_the_model_is_told_and_the_answer_is_kept_for_the_next_run(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    server.handlers[CHAT] = erring(knowing, "looks", chat_reply("as you wish"))
    first = describe_classes(ANIMALS, talk(), segment_size=40)
    assert server.asked()[1].body["messages"][-1]["content"] == (
        "An earlier answer to this could not be used: no JSON of the wanted form is in it, it "
        "begins 'as you wish'. Keep to the form."
    )
    asked = len(server.received)
    assert describe_classes(ANIMALS, talk(), segment_size=40) == first
    assert len(server.received) == asked


def test_after_a_failure_only_what_is_missing_is_asked(
    talk: Talk, server: GenerationServer, knowing: KnowingModel
) -> None:
    server.handlers[CHAT] = erring(knowing, "features", *[failure(500)] * 5)
    with pytest.raises(GenerationError, match="what cat and dog … have in common"):
        describe_classes(ANIMALS, talk(), segment_size=40)
    before = len(server.received)
    book = describe_classes(ANIMALS, talk(), segment_size=40)
    assert pairs(book) == [("cat", "dog"), ("horse", "deer")]
    assert kinds(server)[before:] == ["features"]


def test_a_damaged_kept_answer_is_asked_for_again(
    talk: Talk, server: GenerationServer, tmp_path: Path
) -> None:
    first = describe_classes(ANIMALS, talk(), segment_size=40)
    (damaged, *_) = sorted((tmp_path / "answers").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:100])
    asked = len(server.received)
    again = describe_classes(ANIMALS, talk(), segment_size=40)
    assert len(server.received) == asked + 1
    assert pairs(again) == pairs(first)


def test_the_budget_stops_before_it_is_exceeded_and_says_what_is_left(
    talk: Talk, server: GenerationServer
) -> None:
    with pytest.raises(BudgetReached) as caught:
        describe_classes(ANIMALS, talk(limit=1), segment_size=40)
    assert len(server.received) == 1
    # Left: the look-alikes for certain; then at most 10 pairs of 5 classes, asked in one question.
    assert str(caught.value).endswith(
        "Requests left to do: at least 1 and, if every answer is complete, at most 2."
    )
    with pytest.raises(BudgetReached):
        describe_classes(ANIMALS, talk(limit=1), segment_size=40)
    book = describe_classes(ANIMALS, talk(limit=1), segment_size=40)
    assert len(server.received) == 3
    assert pairs(book) == [("cat", "dog"), ("horse", "deer")]


def test_the_outlook_is_what_then_happens(
    talk: Talk, server: GenerationServer, tmp_path: Path
) -> None:
    kept = KeptAnswers(tmp_path / "answers")

    def seen() -> tuple[int, int, int]:
        ahead = outlook(ANIMALS, model="scripted", kept=kept, segment_size=40)
        return len(ahead.certain), ahead.least, ahead.most

    expected = [(1, 2, 3), (1, 1, 2), (1, 1, 1)]
    for step in expected:
        assert seen() == step
        before = outlook(ANIMALS, model="scripted", kept=kept, segment_size=40).certain[0]
        with suppress(BudgetReached):
            describe_classes(ANIMALS, talk(limit=1), segment_size=40)
        assert server.asked()[-1].body["messages"] == before.messages
    assert seen() == (0, 0, 0)
    assert len(server.received) == 3


def test_each_kept_answer_says_what_was_asked_and_holds_no_key(
    talk: Talk, server: GenerationServer, tmp_path: Path
) -> None:
    describe_classes(ANIMALS, talk(), segment_size=40)
    files = sorted((tmp_path / "answers").iterdir())
    assert len(files) == 3
    sent: list[Any] = [request.body["messages"] for request in server.asked()]
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        assert set(content) == {"format", "model", "messages", "schema_of_answer", "answer", "date"}
        assert content["messages"] in sent
        assert server.base_url not in file.read_text(encoding="utf-8")


def test_names_that_would_break_a_question_come_back_as_they_are(
    talk: Talk, server: GenerationServer
) -> None:
    names = ['the "big" one', "=cmd()", "{}", "קיפוד", "no", "a|b, c: d"]
    book = describe_classes(LabelSet.of(names), talk(), segment_size=40)
    assert [entry.name for entry in book.classes] == names
