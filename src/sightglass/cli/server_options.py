"""Options of the commands that ask a server."""

from __future__ import annotations

from typing import Annotated

import typer

BaseUrl = Annotated[
    str | None,
    typer.Option(
        help="OpenAI-compatible server, such as http://localhost:8000/v1; else OPENAI_BASE_URL."
    ),
]
ApiKeyEnv = Annotated[
    str | None, typer.Option(help="Environment variable that holds the key; else OPENAI_API_KEY.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be asked; send nothing.")]
