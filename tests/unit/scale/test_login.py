"""What Ray is told of tokens before it is imported; that it heeds it is in e2e."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightglass.errors import InputError
from sightglass.scale.login import check_login, prepare_login

ADDRESS = "127.0.0.1:6379"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without a token, and nothing of Ray's in the environment."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that what a test leaves is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def put_token(home: Path, text: str = "a" * 64) -> None:
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(text)


def said() -> dict[str, str]:
    """What Ray would read."""
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_AUTH")}


def test_a_cluster_of_the_run_itself_gets_a_new_token_that_no_file_keeps(home: Path) -> None:
    prepare_login(None)
    first = os.environ.pop("RAY_AUTH_TOKEN")
    prepare_login(None)
    # Ray's documentation asks for 32 characters or more.
    assert len(first) == len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert first != os.environ["RAY_AUTH_TOKEN"]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"])
def test_a_token_that_is_given_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "given")
    prepare_login(None)
    assert said() == {name: "given"}
    prepare_login(ADDRESS)
    assert said() == {name: "given", "RAY_AUTH_MODE": "token"}


def test_where_a_cluster_is_joined_the_token_of_the_home_folder_is_sent(home: Path) -> None:
    prepare_login(ADDRESS)
    assert said() == {}
    put_token(home)
    prepare_login(ADDRESS)
    assert said() == {"RAY_AUTH_MODE": "token"}


def test_an_empty_file_is_no_token(home: Path) -> None:
    put_token(home, "")
    prepare_login(ADDRESS)
    assert said() == {}


@pytest.mark.parametrize("address", [None, ADDRESS])
def test_a_mode_that_is_set_decides_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    put_token(home)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    prepare_login(address)
    assert said() == {"RAY_AUTH_MODE": "disabled"}


@pytest.mark.parametrize(("token", "sent"), [(True, "another"), (False, "none")])
def test_a_cluster_that_takes_another_token_says_so(home: Path, token: bool, sent: str) -> None:
    if token:
        put_token(home)
    prepare_login(ADDRESS)
    error = ConnectionError(f"Failed to connect to Ray cluster at {ADDRESS}")
    error.__cause__ = RuntimeError("… ray.exceptions.AuthenticationError: InvalidAuthToken")
    with pytest.raises(InputError, match=rf"{ADDRESS}: the cluster's token .* sends {sent}\. Copy"):
        check_login(error, ADDRESS)


def test_what_is_no_matter_of_tokens_is_left_to_others() -> None:
    check_login(ConnectionError("Failed to connect to Ray cluster"), ADDRESS)
