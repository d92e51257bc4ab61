from __future__ import annotations

import base64
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from drawing_model import IMAGES, REFUSED, DrawingModel, drawing, picture_reply, png
from generation_server import (
    EMPTY,
    HALF,
    HTML,
    RESET,
    WRONG_SHAPE,
    GenerationServer,
    Received,
    Reply,
    as_json,
    failure,
)
from picture_files import encode
from sightglass.errors import GenerationError, MissingExtraError
from sightglass.generation.budget import Budget, BudgetReached
from sightglass.generation.image_source import PromptRefusedError
from sightglass.generation.openai_images import OpenAIImages
from sightglass.generation.server_settings import ServerSettings
from sightglass.inputs.images import open_picture

PROMPT = "A realistic photograph. Subject: red."
WHOLE = png(drawing("red", 1))
GARBAGE = as_json({"data": [{"b64_json": "!!no base64!!"}]})
NOTHING = as_json({"data": []})
NEITHER = as_json({"data": [{"revised_prompt": "Red."}]})


@pytest.fixture
def server() -> Iterator[GenerationServer]:
    with GenerationServer() as running:
        running.handlers[IMAGES] = DrawingModel()
        yield running


def painter(server: GenerationServer, *, key: str | None = None, **options: Any) -> OpenAIImages:
    settings = ServerSettings(base_url=server.base_url, key=key)
    given = {"budget": Budget(None), "sleep": lambda _: None, **options}
    return OpenAIImages(model="painter", settings=settings, **given)


def test_a_request_goes_out_as_the_protocol_has_it(server: GenerationServer) -> None:
    assert painter(server, key="sk-1").generate(PROMPT, 7) == WHOLE
    (sent,) = server.received
    assert sent.path == IMAGES
    assert sent.headers["authorization"] == "Bearer sk-1"
    assert sent.body == {"model": "painter", "prompt": PROMPT, "n": 1}


def test_a_size_is_asked_for_only_if_one_is_wanted(server: GenerationServer) -> None:
    painter(server, size=(512, 256)).generate(PROMPT, 7)
    assert server.received[0].body["size"] == "512x256"


def test_a_picture_that_is_named_by_a_url_is_fetched(server: GenerationServer) -> None:
    url = server.base_url + "/pictures/1"
    server.handlers[IMAGES] = lambda _: as_json({"data": [{"url": url}]})
    server.handlers["/v1/pictures/1"] = lambda _: Reply(WHOLE, content_type="image/png")
    assert painter(server).generate(PROMPT, 7) == WHOLE
    assert [request.path for request in server.received] == [IMAGES, "/v1/pictures/1"]


def test_a_url_that_fails_is_tried_again_without_paying_for_another_picture(
    server: GenerationServer,
) -> None:
    url = server.base_url + "/pictures/1"
    answers = [failure(503), Reply(WHOLE[:80], promised=len(WHOLE)), RESET, Reply(WHOLE)]
    server.handlers[IMAGES] = lambda _: as_json({"data": [{"url": url}]})
    server.handlers["/v1/pictures/1"] = lambda _: answers.pop(0)
    assert painter(server).generate(PROMPT, 7) == WHOLE
    assert len(server.asked(IMAGES)) == 1


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "/pictures/1", "http://[", "http://127.0.0.1:1/", "ftp://a/b"]
)
def test_a_url_that_is_none_of_http_or_leads_nowhere_is_reported(
    server: GenerationServer, url: str
) -> None:
    server.handlers[IMAGES] = lambda _: as_json({"data": [{"url": url}]})
    with pytest.raises(GenerationError, match="Fetching a picture that was made: the server must"):
        painter(server).generate(PROMPT, 7)
    assert len(server.asked(IMAGES)) == 1


def test_a_url_that_never_ends_is_left_in_time(server: GenerationServer) -> None:
    url = server.base_url + "/pictures/1"
    server.handlers[IMAGES] = lambda _: as_json({"data": [{"url": url}]})
    drip = Reply(WHOLE, seconds_per_byte=0.05)
    server.handlers["/v1/pictures/1"] = lambda _: drip
    with pytest.raises(GenerationError, match="Fetching a picture"):
        painter(server, timeout=0.2).generate(PROMPT, 7)


@pytest.mark.parametrize(
    "fault",
    [
        failure(429, Retry_After="0"),
        failure(500),
        failure(503),
        failure(408),
        RESET,
        EMPTY,
        HALF,
        HTML,
        WRONG_SHAPE,
        NOTHING,
        NEITHER,
        GARBAGE,
    ],
    ids=str.split("429 500 503 408 reset empty half html shape nothing neither garbage"),
)
def test_after_a_fault_that_may_pass_the_picture_comes(
    server: GenerationServer, fault: Reply
) -> None:
    server.faults += [fault, fault]
    assert painter(server).generate(PROMPT, 7) == WHOLE
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (failure(500, "overloaded"), "500: overloaded"),
        (RESET, "no connection"),
        (GARBAGE, "not base64"),
        (HTML, "no picture came, but '<html>"),
        (EMPTY, "no picture came, but nothing"),
    ],
    ids=["500", "reset", "garbage", "html", "empty"],
)
def test_a_fault_that_does_not_pass_ends_in_one_sentence(
    server: GenerationServer, fault: Reply, said: str
) -> None:
    server.handlers[IMAGES] = lambda _: fault
    with pytest.raises(GenerationError) as caught:
        painter(server).generate(PROMPT, 7)
    assert said in str(caught.value)
    assert "tried 5 times" in str(caught.value)
    assert "Nothing paid for is lost" in str(caught.value)


def test_an_answer_that_drips_is_left_in_time(server: GenerationServer) -> None:
    reply = picture_reply(WHOLE)
    server.handlers[IMAGES] = lambda _: Reply(reply.body, seconds_per_byte=0.05)
    with pytest.raises(GenerationError, match="did not end in time"):
        painter(server, timeout=0.2).generate(PROMPT, 7)


def test_a_server_that_is_not_there_is_reported() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    source = OpenAIImages(
        model="painter",
        settings=ServerSettings(base_url=url, key=None),
        budget=Budget(None),
        sleep=lambda _: None,
    )
    with pytest.raises(GenerationError, match="Asking for a picture: the server must answer"):
        source.generate(PROMPT, 7)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_request_that_is_wrong_is_not_repeated(server: GenerationServer, status: int) -> None:
    server.handlers[IMAGES] = lambda _: failure(status, "unknown model sk-1")
    with pytest.raises(
        GenerationError, match=f"the server refuses it .{status}: unknown"
    ) as caught:
        painter(server, key="sk-1").generate(PROMPT, 7)
    assert not isinstance(caught.value, PromptRefusedError)
    assert "sk-1" not in str(caught.value)
    assert len(server.received) == 1


def test_a_refused_prompt_is_told_apart_by_code_or_by_words(server: GenerationServer) -> None:
    words = failure(400, "This was blocked by our moderation system.")
    for refusal in (REFUSED, words):
        server.handlers[IMAGES] = lambda _, refusal=refusal: refusal
        with pytest.raises(PromptRefusedError, match=r"the generator refuses the prompt: .*system"):
            painter(server).generate(PROMPT, 7)
    assert len(server.received) == 2


def test_every_request_counts_towards_the_budget_and_none_exceeds_it(
    server: GenerationServer,
) -> None:
    server.faults += [failure(500), failure(429, Retry_After="0")]
    source = painter(server, budget=Budget(4))
    source.generate(PROMPT, 7)
    source.generate(PROMPT, 8)
    with pytest.raises(BudgetReached):
        source.generate(PROMPT, 9)
    assert len(server.received) == 4


def test_a_picture_of_another_format_becomes_a_png_of_the_same_pixels(
    server: GenerationServer,
) -> None:
    webp = encode(drawing("red", 1), "WEBP", lossless=True)
    server.handlers[IMAGES] = lambda _: picture_reply(webp)
    came = painter(server).generate(PROMPT, 7)
    assert came.startswith(b"\x89PNG")
    assert open_picture(came).image.tobytes() == drawing("red", 1).tobytes()


@pytest.mark.parametrize(
    "data",
    [b"no picture", encode(Image.new("RGB", (64, 64), "red"), "JPEG")[:300]],
    ids=["text", "half a JPEG"],
)
def test_what_is_no_whole_picture_comes_as_it_is(server: GenerationServer, data: bytes) -> None:
    server.handlers[IMAGES] = lambda _: as_json(
        {"data": [{"b64_json": base64.b64encode(data).decode()}]}
    )
    assert painter(server).generate(PROMPT, 7) == data


def test_without_the_client_the_extra_is_named(
    server: GenerationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[generate\]'"):
        painter(server)


def test_the_environment_of_the_client_does_not_decide_where_requests_go(
    server: GenerationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Received) -> Reply:
        assert request.headers["authorization"] == "Bearer none"
        return picture_reply(WHOLE)

    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    server.handlers[IMAGES] = answer
    assert painter(server).generate(PROMPT, 7) == WHOLE
