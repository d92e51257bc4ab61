from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generation_server import CHAT, GenerationServer
from knowing_model import KnowingModel
from sightglass.generation.budget import Budget
from sightglass.generation.chat import ChatServer
from sightglass.generation.conversation import Conversation
from sightglass.generation.kept_answers import KeptAnswers


@pytest.fixture
def knowing() -> KnowingModel:
    return KnowingModel(look_alikes={"cat": ["dog"], "horse": ["deer"]})


@pytest.fixture
def server(knowing: KnowingModel) -> Iterator[GenerationServer]:
    """Answers chats as ``knowing`` does."""
    with GenerationServer() as running:
        running.handlers[CHAT] = knowing
        yield running


@pytest.fixture
def talk(server: GenerationServer, tmp_path: Path) -> Callable[..., Conversation]:
    """Begins a conversation; all of a test share one folder of answers."""

    def begun(*, limit: int | None = None, **options: Any) -> Conversation:
        chat = ChatServer(
            model="scripted",
            base_url=server.base_url,
            key=None,
            budget=Budget(limit),
            sleep=lambda _: None,
        )
        kept = KeptAnswers(tmp_path / "answers")
        return Conversation(model="scripted", kept=kept, server=chat, **options)

    return begun
