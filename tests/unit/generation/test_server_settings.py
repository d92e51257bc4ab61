from __future__ import annotations

from pathlib import Path

import pytest

from generation_server import GenerationServer
from sightglass.errors import InputError
from sightglass.generation.budget import Budget
from sightglass.generation.language_model import named_model, open_conversation
from sightglass.generation.server_settings import ServerSettings, server_settings

BOTH = {"OPENAI_BASE_URL": "http://there/v1", "OPENAI_API_KEY": "sk-1", "MINE": "sk-2"}


@pytest.mark.parametrize(
    ("base_url", "api_key_env", "environment", "expected"),
    [
        (None, None, {}, None),
        (None, None, {"OPENAI_BASE_URL": "", "OPENAI_API_KEY": ""}, None),
        ("http://here/v1", None, {}, ("http://here/v1", None)),
        (None, None, {"OPENAI_API_KEY": "sk-1"}, (None, "sk-1")),
        (None, None, BOTH, ("http://there/v1", "sk-1")),
        ("http://here/v1", "MINE", BOTH, ("http://here/v1", "sk-2")),
    ],
)
def test_options_come_before_the_environment(
    base_url: str | None,
    api_key_env: str | None,
    environment: dict[str, str],
    expected: tuple[str | None, str | None] | None,
) -> None:
    settings = server_settings(base_url=base_url, api_key_env=api_key_env, environment=environment)
    assert (settings and (settings.base_url, settings.key)) == expected


def test_a_variable_that_is_not_set_is_reported() -> None:
    with pytest.raises(InputError, match="'MY_KEY' is not set"):
        server_settings(base_url="http://here/v1", api_key_env="MY_KEY", environment=BOTH)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "ftp://models", "http://", "http://there:port/v1", "http://[::1/v1"],
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"begins with http:// or https:// and names a host"):
        server_settings(base_url=url, api_key_env=None, environment={})


def test_a_key_may_have_a_newline_at_its_end_but_must_be_plain() -> None:
    settings = server_settings(
        base_url=None, api_key_env=None, environment={"OPENAI_API_KEY": "sk-1\n"}
    )
    assert settings is not None
    assert settings.key == "sk-1"
    for key in ("schl\u00fcssel", "sk-1\nsk-2"):
        with pytest.raises(InputError, match="a key of plain letters") as caught:
            server_settings(base_url=None, api_key_env="MINE", environment={"MINE": key})
        assert key not in str(caught.value)


def test_a_key_is_not_shown() -> None:
    assert "sk-1" not in repr(ServerSettings(base_url=None, key="sk-1"))


def test_a_model_is_named_by_option_or_environment() -> None:
    environment = {"SIGHTGLASS_LLM_MODEL": "from-outside"}
    assert named_model("given", environment) == "given"
    assert named_model(None, environment) == "from-outside"
    assert named_model(None, {"SIGHTGLASS_LLM_MODEL": ""}) is None


def opened(server: GenerationServer, answers: Path, model: str | None = None) -> str:
    conversation = open_conversation(
        ServerSettings(base_url=server.base_url, key=None),
        model=model,
        answers=answers,
        budget=Budget(None),
        timeout=5.0,
        said=lambda _: None,
    )
    return conversation.model


def test_the_only_model_of_a_server_need_not_be_named(tmp_path: Path) -> None:
    with GenerationServer(models=("the-one",)) as server:
        assert opened(server, tmp_path) == "the-one"
        assert opened(server, tmp_path, model="mine") == "mine"
        assert len(server.received) == 1


def test_of_several_models_one_must_be_chosen(tmp_path: Path) -> None:
    with (
        GenerationServer(models=("a", "b")) as server,
        pytest.raises(InputError, match=r"the server has 2: a, b\. Choose one with --llm-model"),
    ):
        opened(server, tmp_path)


def test_answers_that_cannot_be_kept_are_reported_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with GenerationServer() as server:
        with pytest.raises(InputError, match="Name another with --answers"):
            opened(server, tmp_path / "file" / "answers")
        assert server.received == []
