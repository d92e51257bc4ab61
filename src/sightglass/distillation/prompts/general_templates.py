"""Sixty ways to say that a picture shows something: what PromptSRC's prompts are held near to."""

from __future__ import annotations

# Sixty as in PromptSRC (Khattak et al. 2023, arXiv:2307.06948); the wording is ours: ten
# conditions, three kinds of picture, two articles.
_CONDITIONS = (
    "sharp",
    "grainy",
    "faded",
    "tilted",
    "crowded",
    "distant",
    "backlit",
    "colourful",
    "plain",
    "hasty",
)
_KINDS = ("photo", "picture", "snapshot")
_ARTICLES = ("a", "the")

GENERAL_TEMPLATES = tuple(
    f"a {condition} {kind} of {article} {{}}."
    for condition in _CONDITIONS
    for kind in _KINDS
    for article in _ARTICLES
)
