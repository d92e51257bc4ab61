from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from generation_server import (
    CHAT,
    EMPTY,
    HALF,
    HTML,
    MODELS,
    RESET,
    SLOW,
    WRONG_SHAPE,
    GenerationServer,
    Received,
    Reply,
    as_json,
    chat_reply,
    failure,
)
from sightglass.errors import GenerationError, InputError, MissingExtraError
from sightglass.generation.answers import DESCRIPTIONS
from sightglass.generation.budget import Budget, BudgetReached
from sightglass.generation.chat import ChatServer, served_models
from sightglass.generation.chat import Reply as Answered

MESSAGES = [{"role": "user", "content": "What does a cat look like?"}]
SCHEMA = DESCRIPTIONS.schema(["cat"])


@pytest.fixture
def server() -> Iterator[GenerationServer]:
    with GenerationServer() as running:
        running.handlers[CHAT] = lambda _: chat_reply("furred")
        yield running


def chat(server: GenerationServer, **options: Any) -> ChatServer:
    given = {"key": None, "budget": Budget(None), "sleep": lambda _: None, **options}
    return ChatServer(model="scripted", base_url=server.base_url, **given)


def ask(chat_server: ChatServer) -> Answered:
    return chat_server.ask(MESSAGES, schema=SCHEMA, what="Asking")


def test_a_question_goes_out_as_the_protocol_has_it(server: GenerationServer) -> None:
    assert ask(chat(server, key="sk-1")) == Answered(text="furred")
    (sent,) = server.received
    assert sent.path == CHAT
    assert sent.headers["authorization"] == "Bearer sk-1"
    assert sent.body == {
        "model": "scripted",
        "messages": MESSAGES,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
        },
    }


@pytest.mark.parametrize(
    "fault",
    [EMPTY, HTML, WRONG_SHAPE, HALF, RESET, failure(429), failure(500), failure(503)],
    ids=["empty", "html", "shape", "half", "reset", "429", "500", "503"],
)
def test_a_reply_that_is_no_answer_is_asked_for_again(
    server: GenerationServer, fault: Reply
) -> None:
    server.faults.append(fault)
    assert ask(chat(server)).text == "furred"
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (EMPTY, "no chat completion came, but nothing"),
        (HTML, "no chat completion came, but '<html><body>502 upstream</body></html>…'"),
        (WRONG_SHAPE, 'no chat completion came, but \'{"result": "ok"}…\''),
        (as_json({"choices": []}), "no chat completion came, but '{\"choices\": []}…'"),
        (HALF, "the connection broke within the answer"),
        (failure(500, "out of memory"), "500: out of memory"),
    ],
    ids=["empty", "html", "shape", "no choices", "half", "500"],
)
def test_where_nothing_else_comes_the_sentence_says_what_came(
    server: GenerationServer, fault: Reply, reason: str
) -> None:
    server.handlers[CHAT] = lambda _: fault
    with pytest.raises(GenerationError) as caught:
        ask(chat(server))
    assert "tried 5 times, at last: " + reason in str(caught.value)
    assert len(server.received) == 5


def test_an_answer_that_drips_is_not_waited_for_longer_than_was_said(
    server: GenerationServer,
) -> None:
    server.faults.append(SLOW)  # 15 seconds in all, but never more than 0.05 without a byte
    assert ask(chat(server, timeout=0.3)).text == "furred"
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [400, 415, 422, 501])
def test_a_server_without_schemas_is_asked_for_json_and_then_in_words(
    server: GenerationServer, status: int
) -> None:
    def strict(request: Received) -> Reply:
        known = "response_format" not in request.body
        return chat_reply("in words") if known else failure(status, "unknown field")

    server.handlers[CHAT] = strict
    asked = chat(server)
    assert ask(asked).text == "in words"
    forms = [sent.body.get("response_format", {}).get("type") for sent in server.received]
    assert forms == ["json_schema", "json_object", None]
    ask(asked)
    assert len(server.received) == 4  # what was understood once is kept to


def test_a_server_that_knows_json_objects_is_not_asked_in_words(server: GenerationServer) -> None:
    def lenient(request: Received) -> Reply:
        schema = request.body["response_format"]["type"] == "json_schema"
        return failure(400, "no schemas here") if schema else chat_reply("{}")

    server.handlers[CHAT] = lenient
    assert ask(chat(server)).text == "{}"
    assert len(server.received) == 2


def test_a_request_that_is_refused_in_every_form_is_reported(server: GenerationServer) -> None:
    server.handlers[CHAT] = lambda _: failure(400, "no such model")
    with pytest.raises(GenerationError, match=r"refuses it \(400: no such model\)"):
        ask(chat(server))
    assert len(server.received) == 3


def test_a_wrong_key_is_reported_at_once_and_not_repeated(server: GenerationServer) -> None:
    server.handlers[CHAT] = lambda _: failure(401, "Incorrect API key provided: sk-12345.")
    with pytest.raises(GenerationError, match="--api-key-env") as caught:
        ask(chat(server, key="sk-12345"))
    assert "sk-12345" not in str(caught.value)
    assert len(server.received) == 1


def test_every_attempt_counts_and_none_is_sent_beyond_the_budget(server: GenerationServer) -> None:
    server.handlers[CHAT] = lambda _: failure(500)
    with pytest.raises(BudgetReached):
        ask(chat(server, budget=Budget(3)))
    assert len(server.received) == 3


def test_an_answer_that_was_cut_off_or_refused_says_so(server: GenerationServer) -> None:
    server.faults.extend(
        [
            chat_reply('{"classes": [', finish_reason="length"),
            chat_reply(None, refusal="I will\nnot."),
            chat_reply("", finish_reason="content_filter"),
            chat_reply(None),
        ]
    )
    asked = chat(server)
    assert ask(asked) == Answered(text='{"classes": [', fault="the answer was cut off")
    assert ask(asked) == Answered(text="", fault="the model refused: I will not.")
    assert ask(asked) == Answered(text="", fault="the model refused: no words")
    assert ask(asked) == Answered(text="")


def test_a_server_names_its_models(server: GenerationServer) -> None:
    budget = Budget(None)
    assert served_models(base_url=server.base_url, key=None, budget=budget) == ["scripted"]
    assert budget.spent == 1


def test_a_list_of_models_that_is_none_is_reported(server: GenerationServer) -> None:
    server.handlers[MODELS] = lambda _: HTML
    with pytest.raises(GenerationError, match="no list of models came, but '<html>"):
        served_models(base_url=server.base_url, key=None, budget=Budget(None), sleep=lambda _: None)


def test_without_the_client_the_sentence_says_what_to_install(
    server: GenerationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[generate\]'"):
        ask(chat(server))


def test_a_timeout_of_nothing_is_refused(server: GenerationServer) -> None:
    with pytest.raises(InputError, match="timeout must be a finite number above 0"):
        chat(server, timeout=0.0)


def test_a_body_is_valid_json_even_for_names_in_any_script(server: GenerationServer) -> None:
    words = [{"role": "user", "content": "Wie sieht ein Kätzchen aus? 猫 👩‍🚀 \u2028"}]
    chat(server).ask(words, schema=SCHEMA, what="Asking")
    assert server.received[0].body["messages"] == words
    json.dumps(server.received[0].body)
