from __future__ import annotations

from collections.abc import Callable, Iterator

import openai
import pytest

from generation_server import (
    MODELS,
    RESET,
    GenerationServer,
    Reply,
    as_json,
    failure,
)
from sightglass.errors import GenerationError
from sightglass.generation.retrying import UnusableReplyError, call_with_retries

NAMES = ["scripted"]


@pytest.fixture
def server() -> Iterator[GenerationServer]:
    with GenerationServer() as running:
        yield running


@pytest.fixture
def ask(server: GenerationServer) -> Iterator[Callable[[], list[str]]]:
    """Asks the server for its models, once per call, by the real client."""
    with openai.OpenAI(
        api_key="sk-secret", base_url=server.base_url, max_retries=0, timeout=5.0
    ) as client:
        yield lambda: [model.id for model in client.models.list().data]


@pytest.mark.parametrize(
    "fault",
    [failure(status) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)] + [RESET],
    ids=lambda fault: "reset" if fault.reset else str(fault.status),
)
def test_what_may_pass_is_tried_again(
    server: GenerationServer, ask: Callable[[], list[str]], fault: Reply
) -> None:
    server.faults.extend([fault, fault])
    waits: list[float] = []
    assert call_with_retries(ask, what="Asking", sleep=waits.append) == NAMES
    assert len(server.received) == 3
    # One second, then two, each shortened by up to half.
    assert 0.5 <= waits[0] <= 1.0
    assert 1.0 <= waits[1] <= 2.0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 422])
def test_what_will_not_pass_fails_at_once(
    server: GenerationServer, ask: Callable[[], list[str]], status: int
) -> None:
    server.faults.append(failure(status, "the server's own words"))
    waits: list[float] = []
    with pytest.raises(GenerationError) as caught:
        call_with_retries(ask, what="Asking", sleep=waits.append)
    assert len(server.received) == 1
    assert not waits
    assert str(caught.value).startswith(
        f"Asking: the server refuses it ({status}: the server's own words). "
    )
    assert str(caught.value).endswith("Nothing paid for is lost.")


def test_an_empty_account_is_not_waited_for(
    server: GenerationServer, ask: Callable[[], list[str]]
) -> None:
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    server.faults.append(as_json({"error": error}, status=429))
    with pytest.raises(GenerationError, match="exceeded your current quota"):
        call_with_retries(ask, what="Asking", sleep=lambda _: None)
    assert len(server.received) == 1


def test_the_last_reason_and_the_number_of_attempts_are_said(
    server: GenerationServer, ask: Callable[[], list[str]]
) -> None:
    server.faults.extend([failure(500), failure(500), failure(503, "overloaded\nby many")])
    with pytest.raises(GenerationError) as caught:
        call_with_retries(ask, what="Asking", attempts=3, sleep=lambda _: None)
    assert str(caught.value) == (
        "Asking: the server must answer, tried 3 times, at last: 503: overloaded by many. Nothing "
        "paid for is lost: run the same command later to go on."
    )
    assert len(server.received) == 3


def test_a_server_that_is_not_there_is_reported() -> None:
    with (
        openai.OpenAI(
            api_key="none", base_url="http://127.0.0.1:9/v1", max_retries=0, timeout=5.0
        ) as client,
        pytest.raises(GenerationError, match=r"tried 2 times, at last: no connection: .*refused"),
    ):
        call_with_retries(client.models.list, what="Asking", attempts=2, sleep=lambda _: None)


def test_no_answer_in_time_is_tried_again(server: GenerationServer) -> None:
    replies = iter([server.pause, lambda _: True])

    def late(_: object) -> Reply:
        next(replies)(2.0)
        return as_json({"object": "list", "data": [{"id": "scripted"}]})

    server.handlers[MODELS] = late
    with openai.OpenAI(
        api_key="none", base_url=server.base_url, max_retries=0, timeout=0.3
    ) as client:
        got = call_with_retries(
            lambda: client.models.list().data[0].id, what="Asking", sleep=lambda _: None
        )
    assert got == "scripted"
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("2.5", 2.5, 2.5),
        ("100000", 60, 60),  # bounded
        ("-3", 0, 0),
        ("soon", 0.5, 1.0),  # says nothing: the usual wait
        # Written out, not counted from now: every test worker must collect the same names.
        ("Wed, 01 Jan 2200 00:00:00 GMT", 60, 60),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 0),
        ("Wed, 01 Jan 2200 00:00:00", 60, 60),
    ],
)
def test_the_server_says_how_long_to_wait(
    server: GenerationServer, ask: Callable[[], list[str]], asked: str, least: float, most: float
) -> None:
    server.faults.append(failure(429, Retry_After=asked))
    waits: list[float] = []
    assert call_with_retries(ask, what="Asking", sleep=waits.append) == NAMES
    (wait,) = waits
    assert least <= wait <= most


def test_waits_double_up_to_a_minute() -> None:
    waits: list[float] = []

    def never() -> None:
        raise UnusableReplyError("nonsense came")

    with pytest.raises(GenerationError, match="tried 10 times, at last: nonsense came"):
        call_with_retries(never, what="Asking", attempts=10, sleep=waits.append)
    full = [min(2.0**n, 60.0) for n in range(9)]
    assert all(
        min(2.0**n / 2, 60.0) <= wait <= longest
        for n, (wait, longest) in enumerate(zip(waits, full, strict=True))
    )


def test_a_key_that_the_server_repeats_is_not_shown(
    server: GenerationServer, ask: Callable[[], list[str]]
) -> None:
    server.faults.append(failure(401, "Incorrect API key provided: sk-secret."))
    with pytest.raises(GenerationError) as caught:
        call_with_retries(ask, what="Asking", sleep=lambda _: None, hide="sk-secret")
    assert "sk-secret" not in str(caught.value)
    assert "Incorrect API key provided: (the key)" in str(caught.value)


def test_an_error_of_another_kind_is_not_ours_to_catch() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call_with_retries(broken, what="Asking", sleep=lambda _: None)
