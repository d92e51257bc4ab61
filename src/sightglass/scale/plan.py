"""What is settled before the first shard, and the same for every worker."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from sightglass.decisions import UnknownRule
from sightglass.encoders.registry import load_encoder
from sightglass.encoders.wording import DEFAULT_PROMPTS
from sightglass.errors import InputError, ModelError
from sightglass.inputs.labels import LabelSet
from sightglass.opinions import Opinions
from sightglass.pipeline import ZeroShotClassifier
from sightglass.scale.settings import ClassifierSettings
from sightglass.text_side import FixedTexts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A calibrated classifier, less its networks; travels as a pickle between our own processes.

    Attributes:
        settings: Without files that only one machine has.
        labels: The classes.
        extra_prompts: Per class, a class book's whole sentences.
        templates: What class names are put into.
        texts: Rows of the classes; None where every picture shapes its own.
        everyday: The same for the everyday words.
        opinions: How references count; None without references.
        rule: When a picture is called unknown.
        vision_model: Name of the second encoder; None where there are no references.
        fingerprints: Of the encoders: a worker that has others must not answer.
        folder: What relative paths begin at.
        rooted: False where some source is a relative path, and needs that folder.
    """

    settings: ClassifierSettings
    labels: LabelSet
    extra_prompts: Sequence[Sequence[str]]
    templates: Sequence[str]
    texts: FixedTexts | None
    everyday: FixedTexts | None
    opinions: Opinions | None
    rule: UnknownRule
    vision_model: str | None
    fingerprints: tuple[str, ...]
    folder: str
    rooted: bool

    def classifier(self) -> ZeroShotClassifier:
        """The classifier in this process; the current folder becomes the plan's.

        Raises:
            InputError: If relative paths need a folder that this machine does not have.
            ModelError: If the model here is another one.
        """
        try:
            os.chdir(self.folder)
        except OSError as error:
            if not self.rooted:
                raise InputError(
                    f"Worker: the folder {self.folder}, where relative paths begin, is needed on "
                    f"every machine ({error.strerror}). Share it, or give absolute paths or URLs."
                ) from error
        made = self.settings.classifier()
        made.extra_prompts = tuple(tuple(sentences) for sentences in self.extra_prompts)
        made.templates = tuple(self.templates)
        if self.texts is not None:
            made.texts = self.texts
        if self.everyday is not None:
            made.everyday = self.everyday
        if self.vision_model is not None:
            made.vision = load_encoder(self.vision_model)
        made.opinions, made.rule = self.opinions, self.rule
        here = fingerprints_of(made)
        if here != self.fingerprints:
            raise ModelError(
                f"Worker: the model {self.settings.model} must be the one of the machine that "
                f"began the run ({self.fingerprints[0][:12]}…), is another ({here[0][:12]}…). "
                f"Install the same version and the same files on every machine."
            )
        return made

    def digest(self) -> str:
        """Equal for plans that give equal answers, 64 hex digits."""
        settings = self.settings
        facts = {
            "sightglass": version("sightglass"),
            "labels": asdict(self.labels),
            "extra_prompts": [list(sentences) for sentences in self.extra_prompts],
            "templates": list(self.templates),
            "rule": asdict(self.rule),
            "top_k": settings.top_k,
            "max_pixels": settings.max_pixels,
            "fingerprints": self.fingerprints,
            "folder": None if self.rooted else self.folder,
        }
        found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        if self.opinions is not None:
            opinions = self.opinions
            found.update(repr((opinions.plan, sorted(opinions.yardsticks.items()))).encode())
            found.update(b"".join(opinions.references.contents))
            found.update(opinions.references.labels.tobytes())
            for name in sorted(opinions.spaces):
                space = opinions.spaces[name]
                found.update(space.centre.tobytes() + space.rows.tobytes())
        return found.hexdigest()


def plan_of(
    classifier: ZeroShotClassifier,
    settings: ClassifierSettings,
    sources: Sequence[str],
    *,
    own_stores: bool,
) -> Plan:
    """The plan of a calibrated classifier.

    Args:
        classifier: Made from ``settings`` and calibrated.
        settings: As they were given.
        sources: Of the run.
        own_stores: Whether workers forget what they computed; otherwise they use the store of
            ``settings``, which must then lie on the same machine.
    """
    texts, everyday = classifier.texts, classifier.everyday
    return Plan(
        settings=replace(
            settings,
            classes=classifier.labels,
            prompts=DEFAULT_PROMPTS,
            references=None,
            store=None if own_stores else settings.store,
        ),
        labels=classifier.labels,
        extra_prompts=classifier.extra_prompts,
        templates=classifier.templates,
        texts=texts if isinstance(texts, FixedTexts) else None,
        everyday=everyday if isinstance(everyday, FixedTexts) else None,
        opinions=classifier.opinions,
        rule=classifier.rule,
        vision_model=None if classifier.vision is None else settings.vision_model,
        fingerprints=fingerprints_of(classifier),
        folder=str(Path.cwd()),
        rooted=all("://" in source or Path(source).is_absolute() for source in sources),
    )


def fingerprints_of(classifier: ZeroShotClassifier) -> tuple[str, ...]:
    """Of its encoders."""
    first = classifier.encoder.fingerprint
    return (first,) if classifier.vision is None else (first, classifier.vision.fingerprint)
