"""What makes a classifier, as a value that travels between machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from sightglass.encoders.wording import DEFAULT_PROMPTS
from sightglass.inputs.class_book import ClassBook
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import ReferenceSet
from sightglass.pipeline import DEFAULT_VISION_MODEL, DEFAULT_WEIGHTING, ZeroShotClassifier
from sightglass.store import DEFAULT_STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings:
    """The keyword arguments of ``ZeroShotClassifier``, which says what each means.

    Models are named, not given: a network does not travel, its name does.
    """

    classes: Sequence[str] | str | LabelSet | ClassBook
    model: str = "mini"
    prompts: str = DEFAULT_PROMPTS
    references: str | Path | ReferenceSet | None = None
    vision_model: str | None = DEFAULT_VISION_MODEL
    weighting: str = DEFAULT_WEIGHTING
    unknown: bool = True
    top_k: int = 3
    batch_size: int = 32
    store: str | Path | None = DEFAULT_STORE
    max_pixels: int = DEFAULT_MAX_PIXELS

    def classifier(self) -> ZeroShotClassifier:
        """The classifier that these settings describe."""
        return ZeroShotClassifier(**{one.name: getattr(self, one.name) for one in fields(self)})
