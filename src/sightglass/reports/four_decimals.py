"""Numbers as the report's page holds them."""

from __future__ import annotations


def rounded(number: float | None) -> float | None:
    """Four decimals save a third of the page; 0.99998 must not become certainty all the same."""
    if number is None or number in (0, 1):
        return number
    return min(max(round(number, 4), 0.0001), 0.9999)
