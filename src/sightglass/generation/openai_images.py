"""Pictures from an OpenAI-compatible server: POST /images/generations."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from sightglass.checks import check_positive, require_extra
from sightglass.generation.budget import Budget
from sightglass.generation.fetching import fetch
from sightglass.generation.image_source import PromptRefusedError
from sightglass.generation.png_bytes import as_png
from sightglass.generation.retrying import UnusableReplyError, call_with_retries
from sightglass.generation.server_reply import open_client, start_of, whole_body
from sightglass.generation.server_settings import ServerSettings

_PURPOSE = "Asking for a picture"
_LARGEST = 100_000_000  # bytes of an answer; a picture of 4,096 x 4,096 pixels may take a third
# How servers say that they will not draw this; other requests of status 400 are our mistake.
_REFUSAL_CODES = frozenset(
    {"content_filter", "contentFilter", "content_policy_violation", "moderation_blocked"}
)
_REFUSAL_WORDS = re.compile(r"content.policy|safety system|content filter|moderation", re.I)


class _Picture(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class _Pictures(BaseModel):
    data: list[_Picture]


class OpenAIImages:
    """Asks for one picture per request; the protocol knows no seed.

    A picture that the server names by a URL is fetched at once: such addresses expire.

    Args:
        model: Name of the model, as the server has it.
        settings: Where the server is.
        budget: Every request for a picture counts, those that are tried again too.
        size: (width, height) in pixels; None asks for nothing.
        licence: Of the pictures, if the person knows it.
        timeout: Seconds until an answer must be there.
        sleep: Waits that many seconds before another attempt.
    """

    uses_seed = False

    def __init__(
        self,
        *,
        model: str,
        settings: ServerSettings,
        budget: Budget,
        size: tuple[int, int] | None = None,
        licence: str | None = None,
        timeout: float = 180.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        check_positive(timeout, where="OpenAIImages", name="timeout")
        require_extra("openai", extra="generate", purpose=_PURPOSE)
        self.name = model
        self.size = size
        self.licence = licence
        self._settings = settings
        self._budget = budget
        self._timeout = timeout
        self._sleep = sleep

    def generate(self, prompt: str, seed: int) -> bytes:  # noqa: ARG002 - of the protocol
        """One picture as a PNG file; whatever arrived, if that is no picture.

        Raises:
            BudgetReached: If the next request would be one too many.
            PromptRefusedError: If the server says that the prompt is against its rules.
            GenerationError: If the server gives no answer.
        """
        came = self._retried(lambda: self._send(prompt), _PURPOSE)
        if isinstance(came, str):
            # Tried again by itself: another request would be another picture to pay for.
            came = self._retried(
                lambda: fetch(came, timeout=self._timeout, most_bytes=_LARGEST),
                "Fetching a picture that was made",
            )
        return as_png(came)

    def _retried(self, call: Callable[[], Any], what: str) -> Any:
        hide = self._settings.key or ""
        return call_with_retries(call, what=what, sleep=self._sleep, hide=hide)

    def _send(self, prompt: str) -> bytes | str:
        """The picture's file, or the URL where it lies."""
        openai = require_extra("openai", extra="generate", purpose=_PURPOSE)
        asked: dict[str, Any] = {"model": self.name, "prompt": prompt, "n": 1}
        if self.size is not None:
            asked["size"] = f"{self.size[0]}x{self.size[1]}"
        self._budget.spend()
        try:
            with (
                open_client(
                    base_url=self._settings.base_url,
                    key=self._settings.key,
                    timeout=self._timeout,
                    purpose=_PURPOSE,
                ) as client,
                client.images.with_streaming_response.generate(**asked) as response,
            ):
                body = whole_body(response, timeout=self._timeout, most_bytes=_LARGEST)
        except openai.BadRequestError as error:
            if error.code in _REFUSAL_CODES or _REFUSAL_WORDS.search(str(error)):
                words = error.body.get("message") if isinstance(error.body, dict) else None
                said = " ".join(str(words or error).split())[:200]
                raise PromptRefusedError(f"the generator refuses the prompt: {said}") from error
            raise
        return _picture_in(body)


def _picture_in(body: bytes) -> bytes | str:
    try:
        picture = _Pictures.model_validate_json(body).data[0]
    except (ValidationError, IndexError) as error:
        raise UnusableReplyError(f"no picture came, but {start_of(body)}") from error
    try:
        if picture.b64_json:
            return base64.b64decode(picture.b64_json, validate=True)
    except ValueError as error:  # binascii's, or of letters that are none of ASCII
        raise UnusableReplyError(f"the picture is not base64 ({error})") from error
    if not picture.url:
        raise UnusableReplyError(f"no picture came, but {start_of(body)}")
    return picture.url
