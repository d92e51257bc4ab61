"""From what a person configured to a conversation that is ready to be held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sightglass.errors import InputError
from sightglass.generation.budget import Budget
from sightglass.generation.chat import ChatServer, served_models
from sightglass.generation.conversation import Conversation
from sightglass.generation.kept_answers import KeptAnswers
from sightglass.generation.server_settings import ServerSettings

MODEL = "SIGHTGLASS_LLM_MODEL"


def named_model(given: str | None, environment: Mapping[str, str]) -> str | None:
    """The model's name as given, else that of the environment."""
    return given or environment.get(MODEL) or None


def open_conversation(
    settings: ServerSettings,
    *,
    model: str | None,
    answers: Path | None,
    budget: Budget,
    timeout: float,
    said: Callable[[str], object],
) -> Conversation:
    """A conversation with ``model``; where a server has just one, it need not be named.

    Raises:
        InputError: If no model is named and the server has several, or the folder for answers
            cannot be written.
        GenerationError: If the server does not say which models it has.
    """
    kept = KeptAnswers(answers)
    name = model or _only_model(settings, budget)
    server = ChatServer(
        model=name,
        base_url=settings.base_url,
        key=settings.key,
        budget=budget,
        timeout=timeout,
    )
    return Conversation(model=name, kept=kept, server=server, said=said)


def _only_model(settings: ServerSettings, budget: Budget) -> str:
    names = served_models(base_url=settings.base_url, key=settings.key, budget=budget)
    if len(names) == 1:
        return names[0]
    some = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    raise InputError(
        f"Language model: its name is needed, the server has {len(names)}{': ' if names else ''}"
        f"{some}. Choose one with --llm-model."
    )
