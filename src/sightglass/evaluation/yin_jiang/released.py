"""What the paper and its code say of their own results: facts with their sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

_FILE = "released.json"
NOT_AVAILABLE = "the paper's cell is not available to us"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One number of theirs, made with CLIP ViT-B/32 and DINOv2 ViT-B/14.

    Attributes:
        dataset: As the suite calls it.
        heads: Alignments, joined by ``+``.
        metric: ``top1`` or ``auroc``.
        value: A fraction.
        source: Where it stands, or how it was worked out.
    """

    dataset: str
    heads: str
    metric: str
    value: float
    source: str


@cache
def released_numbers() -> tuple[Released, ...]:
    """All that are known.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155, and github.com/1134112149/MICW-ZIC. The cells of their
        Tables 1 and 3 to 7, and all values for MNIST, SVHN and CIFAR+10/+50, are not available.
    """
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    return tuple(Released(**entry) for entry in json.loads(text))


def released(dataset: str, heads: str, metric: str) -> Released | None:
    """Their number for the same thing, if it is known."""
    return next(
        (
            one
            for one in released_numbers()
            if (one.dataset, one.heads, one.metric) == (dataset, heads, metric)
        ),
        None,
    )
