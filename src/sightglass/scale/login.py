"""Ray's login by token: that of the cluster that is joined, or one of this run's own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from sightglass.errors import InputError

# Ray's own names: https://docs.ray.io/en/latest/ray-security/token-auth.html
_MODE, _TOKEN, _TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_TOKEN_FILE = Path(".ray", "auth_token")


def prepare_login(address: str | None) -> None:
    """Set what Ray reads when it is imported; a ``RAY_AUTH_MODE`` that is set decides alone.

    A cluster that this run begins gets a token that is forgotten with the run. Left to itself, Ray
    would write one to the home folder, and from then on every ``ray start`` there would ask for it.

    Where a cluster is joined and this machine has a token, it is sent: ``ray start`` asks for it
    wherever it finds one, and Ray does not send it to an address that is given. A cluster that asks
    for none takes no notice.

    Args:
        address: Of the cluster to join; None where this run begins its own.
    """
    if _MODE in os.environ:
        return
    if address is not None:
        if _has_token():
            os.environ[_MODE] = "token"
    elif not (os.environ.get(_TOKEN) or os.environ.get(_TOKEN_PATH)):
        os.environ[_TOKEN] = secrets.token_hex(32)


def check_login(error: BaseException, address: str | None) -> None:
    """Say that the token was the fault, where it was.

    Args:
        error: What Ray raised instead of joining.
        address: Of the cluster; None for this run's own.

    Raises:
        InputError: If ``error``, or the one it came of, is about a token.
    """
    said = f"{type(error).__name__} {error} {error.__cause__}"
    if "AuthenticationError" in said:
        where = "Ray" if address is None else f"--address {address}"
        sent = "another" if os.environ.get(_MODE) == "token" and _has_token() else "none"
        raise InputError(
            f"{where}: the cluster's token is needed, this machine sends {sent}. Copy "
            f"~/{_TOKEN_FILE} from the machine where the cluster was started, see docs/scale.md."
        ) from error


def _has_token() -> bool:
    """Whether Ray would find one, where it looks."""
    if os.environ.get(_TOKEN) or os.environ.get(_TOKEN_PATH):
        return True
    # Unlike Path.home(), this never fails.
    path = Path(os.path.expanduser("~")) / _TOKEN_FILE  # noqa: PTH111
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
