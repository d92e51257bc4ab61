"""What only a person with more rights may do, tried."""

from __future__ import annotations

import subprocess
from pathlib import Path


def succeeds(*command: str | Path) -> bool:
    """Whether the command is there and does what it is to do."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
