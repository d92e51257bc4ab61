"""``python -m sightglass`` and the ``sightglass`` command."""

from __future__ import annotations

import sys

from sightglass.cli import main

if __name__ == "__main__":
    sys.exit(main())
