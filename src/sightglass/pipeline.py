"""The one place where the stages meet: pictures and names in, predictions out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.decisions import UnknownRule, background_scores, decide
from sightglass.encoders.contract import DualEncoder, ImageEncoder, RoundingEncoder
from sightglass.encoders.embeddings import require_one_encoder
from sightglass.encoders.registry import load_dual_encoder, load_encoder
from sightglass.encoders.wording import DEFAULT_PROMPTS, LEARNED_CONTEXT, templates_for
from sightglass.errors import InputError, unknown_name
from sightglass.fusion import WEIGHTINGS, Material, softmax
from sightglass.given import classes_of, references_of
from sightglass.inputs.class_book import ClassBook
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.labels import LabelSet
from sightglass.inputs.references import ReferenceSet
from sightglass.inputs.spreading import evenly_spread
from sightglass.opinion_evidence import evidence_of, fusion_record
from sightglass.opinions import Opinions, settle_opinions
from sightglass.read_ahead import batches
from sightglass.reading import ReadPicture
from sightglass.reference_rows import embed_references
from sightglass.reports.first_seen import FirstSeen
from sightglass.reports.manifest import run_record
from sightglass.reports.prediction import Prediction, predictions_of
from sightglass.reports.result import Result
from sightglass.reports.work import Work
from sightglass.settling import settle_near_ties
from sightglass.several_encoders import distinct_rows, embed_for, read_for
from sightglass.sources import sources_of
from sightglass.store import DEFAULT_STORE, open_store
from sightglass.text_side import FixedTexts, Texts, everyday_texts, texts_of

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

    from sightglass.reading import Source

    Rows = Float[np.ndarray, "n width"]

# Enough for a spread and for 16 confident answers in each of a few hundred classes.
CALIBRATION_PICTURES = 2_000
DEFAULT_VISION_MODEL = "mini:vision"
# The paper's. No weighting is at or above class names alone with every set of references that was
# tried (docs/fusion.md). Where these were harvested, it is the more honest one beside "stacked".
DEFAULT_WEIGHTING = "inverse_entropy"


class ZeroShotClassifier:
    """Classifies pictures by class names alone.

    Args:
        classes: Names; or one text as the command line takes it (``"cat,dog"``, or the path of a
            file); or a ``LabelSet``.
        model: Name of an encoder with an image and a text side, or the encoder itself.
        prompts: Name of a template set, or the path of a file with one template per line. Left as
            it is for a model with a learned context: class names go into that, bare, and a class
            book's sentences are not used.
        references: Folder with one folder of reference pictures per class, or a ``ReferenceSet``:
            pictures are then compared with these too, and the opinions fused.
        vision_model: Encoder in whose space references are compared a second time; None for none.
        weighting: How the opinions are fused; one of ``sightglass.fusion.WEIGHTINGS``.
        unknown: Whether a picture may be called "unknown".
        top_k: How many classes each decision lists.
        batch_size: Pictures per pass of the network: changes speed and memory, never results.
        store: File for what was computed; ``"default"`` is the one in the user's cache folder,
            None forgets everything at the end.
        max_pixels: Pictures that would decode to more are ``too_large``.

    Raises:
        InputError: If classes, templates, numbers or the store cannot be used.
        UnknownNameError: If there is no such encoder or template set.
        ModelError: If the model's files are absent or damaged.

    Example:
        >>> from PIL import Image
        >>> from sightglass import ZeroShotClassifier
        >>> names = ["red", "green", "blue"]
        >>> classifier = ZeroShotClassifier(names, model="synthetic:colours", store=None)
        >>> classifier.predict(Image.new("RGB", (40, 30), "red")).labels
        ['red']
    """

    def __init__(
        self,
        classes: Sequence[str] | str | LabelSet | ClassBook,
        *,
        model: str | DualEncoder = "mini",
        prompts: str = DEFAULT_PROMPTS,
        references: str | Path | ReferenceSet | None = None,
        vision_model: str | ImageEncoder | None = DEFAULT_VISION_MODEL,
        weighting: str = DEFAULT_WEIGHTING,
        unknown: bool = True,
        top_k: int = 3,
        batch_size: int = 32,
        store: str | Path | None = DEFAULT_STORE,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        numbers = {"top_k": top_k, "batch_size": batch_size, "max_pixels": max_pixels}
        for name, value in numbers.items():
            if value < 1:
                raise InputError(f"ZeroShotClassifier: {name} must be 1 or more, got {value}.")
        if weighting not in WEIGHTINGS:
            raise unknown_name("weighting", weighting, WEIGHTINGS)
        self.labels, self.extra_prompts = classes_of(classes)
        self.encoder = load_dual_encoder(model) if isinstance(model, str) else model
        self.templates = templates_for(self.encoder.card, prompts)
        self.prompts = prompts
        if self.encoder.card.own_context:
            self.prompts, self.extra_prompts = LEARNED_CONTEXT, ()
        self.weighting = weighting
        self.references = references_of(references, self.labels)
        self.vision: ImageEncoder | None = None
        if self.references is not None and vision_model is not None:
            self.vision = (
                load_encoder(vision_model) if isinstance(vision_model, str) else vision_model
            )
            if self.vision.fingerprint == self.encoder.fingerprint:
                raise InputError(
                    f"ZeroShotClassifier: the vision-only encoder must be another than the model, "
                    f"got {self.encoder.card.name} for both: its opinion would count twice. "
                    f"Choose another, or none."
                )
        self.opinions: Opinions | None = None
        self.rule = UnknownRule(enabled=unknown)
        self.top_k = top_k
        self.batch_size = batch_size
        self.max_pixels = max_pixels
        self.store = open_store(store)

    def predict(self, images: Any) -> Result:
        """Classify pictures and keep every prediction in memory.

        Args:
            images: A path (file, folder or glob), a PIL image, a uint8 array of shape (height,
                width, 3), the bytes of a picture file, or a sequence of these.

        Returns:
            One prediction per picture, in the order given; a folder's or pattern's files sorted.
            A file that cannot be used is a row with its outcome, not an error.

        Raises:
            InputError: If a path does not exist or ``images`` holds something else.
        """
        work = Work()
        sources = sources_of(images)
        self.calibrate(sources, work)
        predictions = tuple(self.stream(sources, work))
        return Result(
            predictions=predictions,
            class_names=self.labels.names,
            run=self.run_record(work),
            thumbnails=self.thumbnail,
        )

    def calibrate(self, sources: Sequence[Source], work: Work | None = None) -> None:
        """Settle how opinions are fused, from the references and some of the pictures to come.

        Without references there is nothing to settle. No label is read. At most 2,000 pictures,
        evenly spread, are looked at; they are not read again when their turn comes.
        """
        if self.references is None:
            return
        work = work or Work()
        with work.timed("references"):
            references = embed_references(
                self.references, self._encoders, store=self.store, max_pixels=self.max_pixels
            )
        with work.timed("calibrate"):
            chosen = [sources[i] for i in evenly_spread(len(sources), CALIBRATION_PICTURES)]
            pictures = self._read(chosen)
            try:
                rows, contents = distinct_rows(
                    self._encoders,
                    batches(pictures, self.batch_size),
                    store=self.store,
                    seen=work.looked_at,
                )
            finally:
                pictures.close()
            self.opinions = settle_opinions(
                references,
                Material(
                    references=self.texts.cosines(references.embeddings[0].rows).astype(np.float32),
                    pictures=self.texts.cosines(rows[0]).astype(np.float32),
                ),
                self.labels.names,
                rows,
                contents,
                text_scale=self._scale,
                weighting=self.weighting,
            )
            self.rule = replace(self.rule, with_references=bool(self.opinions.yardsticks))

    def stream(self, sources: Iterable[Source], work: Work | None = None) -> Iterator[Prediction]:
        """One prediction per source, in order; what must be known of all of them is on disk.

        Args:
            sources: Paths as ``find_pictures`` gives them, or names with bytes or pictures.
            work: Filled in on the way.
        """
        work = work or Work()
        if self.references is not None and self.opinions is None:
            self.calibrate((), work)
        pictures = self._read(sources)
        first_seen = FirstSeen()
        with work.timed("classes"):
            _ = self.texts, self.everyday
        try:
            for batch in work.timed_each("read", batches(pictures, self.batch_size)):
                predictions = self._classify(batch, first_seen, work)
                work.add(batch, predictions)
                yield from predictions
        finally:
            pictures.close()

    def _classify(
        self,
        batch: Sequence[ReadPicture],
        first_seen: FirstSeen,
        work: Work,
    ) -> list[Prediction]:
        with work.timed("encode"):
            images, *beside = embed_for(self._encoders, batch, store=self.store)
            require_one_encoder(images, self.texts, where="classify")
            rows = images.rows
            by_name, background = self._compare(rows)
        classes, everyday = self.texts, self.everyday
        if (
            isinstance(self.encoder, RoundingEncoder)
            and isinstance(classes, FixedTexts)
            and isinstance(everyday, FixedTexts)
        ):
            with work.timed("near_ties"):
                rows, ties, again = settle_near_ties(
                    batch,
                    rows,
                    self._logits(by_name),
                    background,
                    class_embeddings=classes.embeddings.rows,
                    background=everyday.mean_row,
                    encoder=self.encoder,
                    store=self.store,
                    max_pixels=self.max_pixels,
                )
            work.near_ties += ties
            work.decoded_again += again
            by_name, background = self._compare(rows)
        with work.timed("decide"):
            logits = self._logits(by_name)
            probabilities, evidence = softmax(logits), None
            unknown_scores = background_scores(logits, background)
            if self.opinions is not None:
                spaces = [rows, *(embeddings.rows for embeddings in beside)]
                contents = [p.content for p in batch if p.usable and p.content is not None]
                fused = self.opinions.fused(by_name, spaces, contents)
                probabilities = fused.probabilities.astype(np.float32)
                evidence = evidence_of(self.opinions, fused, spaces, contents, top_k=self.top_k)
                best = probabilities.argmax(axis=1)
                rise = self.opinions.rise(
                    best, logits[np.arange(len(best)), best] - background, spaces, contents
                )
                unknown_scores = background_scores(rise[:, None], np.zeros(len(rise)))
            decisions = decide(
                probabilities,
                unknown_scores,
                self.labels.names,
                rule=self.rule,
                top_k=self.top_k,
                evidence=evidence,
            )
            return predictions_of(batch, decisions, first_seen)

    @property
    def _encoders(self) -> tuple[ImageEncoder, ...]:
        return (self.encoder,) if self.vision is None else (self.encoder, self.vision)

    @property
    def _scale(self) -> float:
        return self.encoder.card.logit_scale or 1.0

    def _read(self, sources: Iterable[Source]) -> Generator[ReadPicture]:
        return read_for(
            self._encoders,
            sources,
            store=self.store,
            max_pixels=self.max_pixels,
            batch_size=self.batch_size,
        )

    def _compare(
        self, rows: Rows
    ) -> tuple[Float64[np.ndarray, "n n_classes"], Float[np.ndarray, " n"]]:
        """Cosines with the classes, and logits of the everyday words' mean.

        The latter are NaN where nobody needs them and every picture would have to pay for them.
        """
        if self.rule.enabled or isinstance(self.everyday, FixedTexts):
            background = self._logits(self.everyday.mean_cosines(rows))
        else:
            background = np.full(len(rows), np.nan, np.float32)
        return self.texts.cosines(rows), background

    def _logits(self, cosines: Float64[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        logits: Float[np.ndarray, "*n"] = (self._scale * cosines).astype(np.float32)
        return logits

    @cached_property
    def texts(self) -> Texts:
        """The classes as they are compared with pictures; each the mean of its names' texts."""
        return texts_of(
            self.labels,
            encoder=self.encoder,
            store=self.store,
            templates=self.templates,
            extra=self.extra_prompts,
        )

    @cached_property
    def everyday(self) -> Texts:
        """The everyday words, whose mean the unknown score compares with."""
        return everyday_texts(encoder=self.encoder, store=self.store)

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes of a picture that was classified; None if it is not known."""
        return self.store.thumbnail(bytes.fromhex(sha256))

    def run_record(self, work: Work, *, command: Sequence[str] = ()) -> dict[str, Any]:
        """What run.json says of a run that did this ``work``."""
        return run_record(
            labels=self.labels,
            prompts=self.prompts,
            templates=() if self.encoder.card.own_context else self.templates,
            card=self.encoder.card,
            fingerprint=self.encoder.fingerprint,
            rule=self.rule,
            work=work,
            settings={
                "top_k": self.top_k,
                "batch_size": self.batch_size,
                "max_pixels": self.max_pixels,
            },
            command=command,
            extra_prompts=self.extra_prompts,
            fusion=None if self.opinions is None else fusion_record(self.opinions),
            vision_model=None if self.vision is None else self.vision.card.name,
        )
