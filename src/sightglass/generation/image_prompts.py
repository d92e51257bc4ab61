"""What an image generator is asked for: one sentence per wanted picture, the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sightglass.inputs.class_book import ClassBook, ClassEntry
from sightglass.inputs.labels import clean_name, name_key

# Nothing here may say what kind of thing the class is: it may be an animal, a tool or a place.
VARIATIONS = (
    "The whole of it, seen from the front in daylight, in its usual surroundings.",
    "Seen from the side, in a typical activity or use.",
    "A close view that fills the picture, in soft light.",
    "From some distance, with much of its surroundings.",
    "Seen from slightly above, at rest or put away.",
    "From a low viewpoint, in evening light.",
    "Seen at an angle, indoors or in shelter, by artificial light.",
    "In motion, or in the middle of being used.",
    "On a plain, pale background, evenly lit.",
    "Outdoors under an overcast sky, slightly off the middle of the picture.",
    "Partly covered by something in front of it, still easy to recognise.",
    "More than one of it, in bright light.",
)
# Has no factor in common with their number, so that new attempts go through all of them, and is
# not 1, so that an attempt does not take the next picture's variation.
_STRIDE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrompt:
    """One request in words.

    Attributes:
        text: What is sent.
        partner: The easily confused class whose common features it asks for, if any.
        features: What both share.
    """

    text: str
    partner: str | None = None
    features: tuple[str, ...] = ()


Partners = Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]


def partners_of(book: ClassBook) -> Partners:
    """By the key of a class's name: each class that it is confused with, and what both share.

    In the book's order; what shares nothing that the book knows is left out.
    """
    shared: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {}
    for group in book.confusable:
        if not group.shared_features:
            continue
        keys = [name_key(name) for name in group.classes]
        for own in keys:
            for key, name in zip(keys, group.classes, strict=True):
                if key != own:
                    shared.setdefault(own, {}).setdefault(key, (name, group.shared_features))
    return {key: list(partners.values()) for key, partners in shared.items()}


def image_prompt(entry: ClassEntry, partners: Partners, *, slot: int, attempt: int) -> ImagePrompt:
    """The prompt for one picture of a class.

    A class that is easily confused is shown with the features that it shares with its partner;
    with several partners, the pictures take them in turn. Any other class is shown plainly. View,
    light, surroundings and activity vary from picture to picture. Where the entry has
    ``image_prompts``, these are used in turn, word for word.

    Args:
        entry: The class.
        partners: See ``partners_of``.
        slot: Which of the class's pictures, from 0.
        attempt: How many were made for this slot before, from 0.

    Source:
        Yin & Jiang 2024, arXiv:2405.02155 (synthesis of reference images), in our own words.
        Differs from the paper: the partner is not named, so that it is not drawn.
    """
    if entry.image_prompts:
        return ImagePrompt(text=entry.image_prompts[(slot + attempt) % len(entry.image_prompts)])
    variation = VARIATIONS[(slot + _STRIDE * attempt) % len(VARIATIONS)]
    subject = f"A realistic photograph. Subject: {clean_name(entry.name)}."
    shared = partners.get(name_key(entry.name))
    if not shared:
        return ImagePrompt(text=f"{subject} {variation}")
    partner, features = shared[slot % len(shared)]
    listed = ", ".join(clean_name(feature) for feature in features)
    return ImagePrompt(
        text=f"{subject} Clearly visible: {listed}. {variation}",
        partner=partner,
        features=features,
    )


def image_seed(seed: int, name: str, *, slot: int, attempt: int) -> int:
    """From 0 to 2**31 - 1; depends on nothing but the arguments, not on the other classes."""
    text = f"{seed}/{slot}/{attempt}/{name_key(name)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1
