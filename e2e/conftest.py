from __future__ import annotations

import os


def pytest_report_header() -> str:
    """What real pictures the learning tests find here."""
    named = os.environ.get("SIGHTGLASS_CIFAR100")
    hundred = named or "not here (name its training parquet in SIGHTGLASS_CIFAR100)"
    return f"pictures to learn from: digits; CIFAR-100: {hundred}"
