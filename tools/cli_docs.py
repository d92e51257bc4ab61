"""docs/cli.md is what the commands say of themselves: write it, or check that it is fresh."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
COMMANDS = (
    (),
    ("classify",),
    ("describe",),
    ("imagine",),
    ("harvest",),
    ("distill",),
    ("distill", "prompts"),
    ("distill", "encoder"),
    ("export",),
    ("evaluate",),
    ("models",),
    ("doctor",),
)


def page() -> str:
    """The whole page."""
    parts = ["# Command line\n\nMade by `make format` from each command's own help.\n"]
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "sightglass", *command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        title = " ".join(("sightglass", *command))
        lines = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
        parts.append(f"## {title}\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE}: differs from what the commands say. Run: make format")
