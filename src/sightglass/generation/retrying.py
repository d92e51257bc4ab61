"""Calls to a server that is sometimes busy: which failures to try again, and how long to wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from sightglass.checks import require_extra
from sightglass.errors import GenerationError

T = TypeVar("T")

LONGEST_WAIT = 60.0  # seconds, whatever a server asks for
_TRY_AGAIN = frozenset({408, 409, 425, 429})
_REMEDIES = {
    400: "The server understood the address but not the request: check the model's name.",
    401: "Check the key: it is read from the environment variable that --api-key-env names.",
    402: "The account has no credit left.",
    403: "The key does not allow this: check it, and what the account may use.",
    404: "Check the base URL (most end in /v1) and the model's name.",
}


class UnusableReplyError(Exception):
    """A server said that all is well, and what it sent is no answer; worth another try."""


def call_with_retries(
    call: Callable[[], T],
    *,
    what: str,
    attempts: int = 5,
    first_wait: float = 1.0,
    sleep: Callable[[float], object] = time.sleep,
    hide: str = "",
) -> T:
    """What ``call`` returns, tried again where the failure may pass.

    Timeouts, broken connections, replies that are no answer, and the statuses 408, 409, 425, 429
    and 5xx may pass; any other status will not. Waits double from ``first_wait`` seconds, each
    shortened at random by up to half so that many clients do not come back at once; a
    ``Retry-After`` header is obeyed instead, up to ``LONGEST_WAIT``.

    Args:
        call: Sends one request by the openai client, whose own retries are off.
        what: What is tried, as the start of a message.
        attempts: How often in all, 1 or more.
        first_wait: Seconds before the second attempt.
        sleep: Waits that many seconds.
        hide: A secret that no message may contain: a server may repeat the key.

    Raises:
        GenerationError: If the failure will not pass, or did not in ``attempts`` attempts.
    """
    openai = require_extra("openai", extra="generate", purpose=what)
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except openai.APIStatusError as error:
            reason = _reason(error)
            if not _may_pass(error):
                raise GenerationError(
                    _without(
                        hide,
                        f"{what}: the server refuses it ({reason}). "
                        f"{_REMEDIES.get(error.status_code, 'Change the request or the server.')} "
                        f"Nothing paid for is lost.",
                    )
                ) from error
            asked = _retry_after(error.response.headers.get("retry-after"))
            failure: Exception = error
        except openai.APITimeoutError as error:
            reason, asked, failure = "no answer in time", None, error
        except openai.APIConnectionError as error:
            reason, asked, failure = f"no connection: {error.__cause__ or error}", None, error
        except UnusableReplyError as error:
            reason, asked, failure = str(error), None, error
        if attempt == attempts:
            raise GenerationError(
                _without(
                    hide,
                    f"{what}: the server must answer, tried {attempts} times, at last: {reason}. "
                    f"Nothing paid for is lost: run the same command later to go on.",
                )
            ) from failure
        backoff = first_wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
        sleep(min(backoff if asked is None else asked, LONGEST_WAIT))
    raise GenerationError(f"{what}: at least one attempt is needed, got {attempts}.")


def _may_pass(error: Any) -> bool:
    # An empty account answers 429 as well, and no waiting fills it.
    if error.code == "insufficient_quota":
        return False
    return error.status_code in _TRY_AGAIN or error.status_code >= 500


def _reason(error: Any) -> str:
    """Status and the server's own words, on one line and not endless."""
    body = error.body if isinstance(error.body, dict) else {}
    said = body.get("message") or body.get("detail") or error.response.text
    words = " ".join(str(said).split())
    return f"{error.status_code}: {words[:300] or error.response.reason_phrase}"


def _retry_after(value: str | None) -> float | None:
    """Seconds that the header asks to wait: a number, or a date; None where it says neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "(the key)") if secret else text
