"""What makes a name a glob pattern."""

from __future__ import annotations

import re

MAGIC = re.compile(r"[*?\[]")
