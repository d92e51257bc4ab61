"""What is settled before the first shard, and the same for every worker."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sightglass.decisions import UnknownRule
from sightglass.encoders.registry import load_encoder
from sightglass.encoders.wording import DEFAULT_PROMPTS
from sightglass.errors import InputError, ModelError
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.remote import is_url, local_path
from sightglass.opinions import Opinions
from sightglass.pipeline import ZeroShotClassifier
from sightglass.scale.settings import ClassifierSettings
from sightglass.text_side import FixedTexts

# What decides which pictures can be read, and to which pixels and rows, beside this package. In
# numpy pixels are normalised, and cosines and exponentials taken: from one version to another they
# are added up in another order.
_LIBRARIES = ("pillow", "pillow-heif", "simplejpeg", "numpy", "onnxruntime")
# The same of encoders that run in torch, by how their names begin.
_TORCH_LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")
_IN_TORCH = ("hf:", "prompts:")


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
        precisions: Of the encoders; a processor may decide them, and the fingerprints with them.
        libraries: Versions of those that rows of its encoders depend on, None for what is not
            installed.
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
    precisions: tuple[str, ...]
    libraries: Mapping[str, str | None]
    folder: str
    rooted: bool

    def classifier(self) -> ZeroShotClassifier:
        """The classifier in this process; the current folder becomes the plan's.

        Raises:
            InputError: If relative paths need a folder that this machine does not have, or a
                library has another version here.
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
        self._check_libraries()
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
        self._check_models(made)
        return made

    def _check_libraries(self) -> None:
        for name, there in self.libraries.items():
            here = _version_of(name)
            if here != there:
                raise InputError(
                    f"Worker: {name} must be as on the machine that began the run "
                    f"({there or 'not installed'}), here it is {here or 'not installed'}. Install "
                    f"the same packages on every machine."
                )

    def _check_models(self, made: ZeroShotClassifier) -> None:
        names = (self.settings.model, self.vision_model)
        began = zip(names, self.fingerprints, self.precisions, strict=False)
        here = zip(fingerprints_of(made), _precisions(made), strict=True)
        for (name, there, theirs), (ours, precision) in zip(began, here, strict=True):
            if ours == there:
                continue
            advice = "Install the same version and the same files on every machine."
            if precision != theirs:
                advice = (
                    "Processors with bf16 instructions compute this model in bf16, others in fp32: "
                    "use machines of one of the two kinds."
                )
            raise ModelError(
                f"Worker: the model {name} must be the one of the machine that began the run "
                f"({there[:12]}…, {theirs}), is another ({ours[:12]}…, {precision}). {advice}"
            )

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
            "libraries": dict(self.libraries),
            "folder": None if self.rooted else self.folder,
        }
        found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        if self.opinions is not None:
            opinions = self.opinions
            found.update(repr((opinions.plan, sorted(opinions.yardsticks.items()))).encode())
            found.update(b"".join(opinions.references.contents))
            # Rows name the nearest references.
            found.update(json.dumps([one.name for one in opinions.references.pictures]).encode())
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
    vision_model = None if classifier.vision is None else settings.vision_model
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
        vision_model=vision_model,
        fingerprints=fingerprints_of(classifier),
        precisions=_precisions(classifier),
        libraries=_libraries(settings.model, vision_model),
        folder=str(Path.cwd()),
        rooted=all(map(_is_rooted, sources)),
    )


def fingerprints_of(classifier: ZeroShotClassifier) -> tuple[str, ...]:
    """Of its encoders."""
    first = classifier.encoder.fingerprint
    return (first,) if classifier.vision is None else (first, classifier.vision.fingerprint)


def _precisions(classifier: ZeroShotClassifier) -> tuple[str, ...]:
    first = classifier.encoder.card.precision
    return (first,) if classifier.vision is None else (first, classifier.vision.card.precision)


def _libraries(*models: str | None) -> dict[str, str | None]:
    """Versions of what rows of these encoders depend on; nothing is imported to know them."""
    in_torch = any(model is not None and model.startswith(_IN_TORCH) for model in models)
    names = _LIBRARIES + (_TORCH_LIBRARIES if in_torch else ())
    return {name: _version_of(name) for name in names}


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _is_rooted(source: str) -> bool:
    """Whether a source means the same file whatever the current folder is."""
    path = local_path(source) if is_url(source) else source
    return path is None or Path(path).is_absolute()
