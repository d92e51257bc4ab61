"""A language model behind an OpenAI-compatible server."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from sightglass.checks import check_positive, require_extra
from sightglass.generation.budget import Budget
from sightglass.generation.retrying import UnusableReplyError, call_with_retries
from sightglass.generation.server_reply import open_client, start_of, whole_body

_PURPOSE = "Asking a language model"
_LARGEST_REPLY = 10_000_000  # bytes: no answer to our questions comes near
_NOT_UNDERSTOOD = frozenset({400, 415, 422, 501})


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a language model wrote.

    Attributes:
        text: May be empty.
        fault: Why it may be of no use, if the server said so: it was cut off, or refused.
    """

    text: str
    fault: str = ""


class ChatServer:
    """Sends questions and returns what comes back, whatever it says.

    The form of the answer is asked for as a JSON schema; of a server that does not know these, as
    a JSON object; and else only in words. What a server understood once is kept to.

    Args:
        model: Name of the model, as the server has it.
        base_url: Where the server is, up to and with ``/v1``; None for the client's own default.
        key: None for a server that needs none.
        budget: Every request counts, those that are tried again too.
        timeout: Seconds until an answer must be there.
        sleep: Waits that many seconds before another attempt.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None,
        key: str | None,
        budget: Budget,
        timeout: float = 300.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        check_positive(timeout, where="ChatServer", name="timeout")
        self.model = model
        self.budget = budget
        self._key = key or ""
        self._timeout = timeout
        self._sleep = sleep
        self._base_url = base_url
        self._forms = ["json_schema", "json_object", "words"]

    def ask(
        self, messages: Sequence[dict[str, str]], *, schema: dict[str, Any], what: str
    ) -> Reply:
        """What the model answers to ``messages``.

        Raises:
            BudgetReached: If the next request would be one too many.
            GenerationError: If the server gives no answer.
        """
        while True:
            reply = call_with_retries(
                lambda: self._send(messages, schema),
                what=what,
                sleep=self._sleep,
                hide=self._key,
            )
            if reply is not None:
                return reply
            self._forms.pop(0)

    def _send(self, messages: Sequence[dict[str, str]], schema: dict[str, Any]) -> Reply | None:
        """One request; None where the server does not understand how the form is asked for."""
        openai = require_extra("openai", extra="generate", purpose=_PURPOSE)
        asked: dict[str, Any] = {}
        if self._forms[0] == "json_schema":
            wanted = {"name": "answer", "strict": True, "schema": schema}
            asked = {"response_format": {"type": "json_schema", "json_schema": wanted}}
        elif self._forms[0] == "json_object":
            asked = {"response_format": {"type": "json_object"}}
        self.budget.spend()
        try:
            with (
                open_client(
                    base_url=self._base_url,
                    key=self._key,
                    timeout=self._timeout,
                    purpose=_PURPOSE,
                ) as client,
                client.chat.completions.with_streaming_response.create(
                    model=self.model, messages=list(messages), **asked
                ) as response,
            ):
                body = whole_body(response, timeout=self._timeout, most_bytes=_LARGEST_REPLY)
        except openai.APIStatusError as error:
            if asked and error.status_code in _NOT_UNDERSTOOD:
                return None
            raise
        return _reply(body)


def served_models(
    *,
    base_url: str | None,
    key: str | None,
    budget: Budget,
    sleep: Callable[[float], object] = time.sleep,
) -> list[str]:
    """Names of the models that a server has, in its order.

    Raises:
        GenerationError: If the server gives no answer.
    """
    timeout = 30.0

    def names() -> list[str]:
        budget.spend()
        with (
            open_client(base_url=base_url, key=key, timeout=timeout, purpose=_PURPOSE) as client,
            client.models.with_streaming_response.list() as response,
        ):
            body = whole_body(response, timeout=timeout, most_bytes=_LARGEST_REPLY)
        try:
            return [model.id for model in _Models.model_validate_json(body).data]
        except ValidationError as error:
            raise UnusableReplyError(f"no list of models came, but {start_of(body)}") from error

    return call_with_retries(
        names, what="Asking for the server's models", sleep=sleep, hide=key or ""
    )


def _reply(body: bytes) -> Reply:
    """What the wire protocol says.

    Raises:
        UnusableReplyError: If it is something else: a page of a gateway, nothing at all.
    """
    try:
        choice = _Completion.model_validate_json(body).choices[0]
    except (ValidationError, IndexError) as error:
        raise UnusableReplyError(f"no chat completion came, but {start_of(body)}") from error
    message = choice.message
    if message.refusal or choice.finish_reason == "content_filter":
        words = " ".join((message.refusal or "").split())[:200]
        return Reply(text=message.content or "", fault=f"the model refused: {words or 'no words'}")
    fault = "the answer was cut off" if choice.finish_reason == "length" else ""
    return Reply(text=message.content or "", fault=fault)
