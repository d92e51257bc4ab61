"""The one place where the stages meet: pictures and names in, predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightglass.alignments import align_text_image
from sightglass.checks import usable_processors
from sightglass.decisions import UnknownRule, background_scores, decide
from sightglass.embedding import embed_pictures, embed_texts
from sightglass.encoders.contract import DualEncoder, RoundingEncoder
from sightglass.encoders.embeddings import Embeddings, require_one_encoder
from sightglass.encoders.registry import load_dual_encoder
from sightglass.errors import InputError
from sightglass.fusion import softmax
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.inputs.labels import LabelSet, parse_classes
from sightglass.inputs.prompts import class_embeddings
from sightglass.inputs.templates import template_set
from sightglass.read_ahead import ahead, batches
from sightglass.reading import ReadPicture, read_picture
from sightglass.reports.manifest import run_record
from sightglass.reports.prediction import Prediction, predictions_of
from sightglass.reports.result import Result
from sightglass.reports.work import Work
from sightglass.settling import settle_near_ties
from sightglass.sources import sources_of
from sightglass.store import DEFAULT_STORE, open_store

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from sightglass.reading import Source

    Rows = Float[np.ndarray, "n width"]

# Batches that are read while one is encoded: enough that neither side waits, little enough that
# memory stays at a few dozen prepared pictures.
BATCHES_AHEAD = 3


class ZeroShotClassifier:
    """Classifies pictures by class names alone.

    Args:
        classes: Names; or one text as the command line takes it (``"cat,dog"``, or the path of a
            file); or a ``LabelSet``.
        model: Name of an encoder with an image and a text side, or the encoder itself.
        prompts: Name of a template set, or the path of a file with one template per line.
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
        classes: Sequence[str] | str | LabelSet,
        *,
        model: str | DualEncoder = "mini",
        prompts: str = "single",
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
        self.labels = _label_set(classes)
        self.prompts = prompts
        self.templates = template_set(prompts)
        self.encoder = load_dual_encoder(model) if isinstance(model, str) else model
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
        predictions = tuple(self.stream(sources_of(images), work))
        return Result(
            predictions=predictions,
            class_names=self.labels.names,
            run=self.run_record(work),
            thumbnails=self.thumbnail,
        )

    def stream(self, sources: Iterable[Source], work: Work | None = None) -> Iterator[Prediction]:
        """One prediction per source, in order. What stays in memory is some 100 bytes for each.

        Args:
            sources: Paths as ``find_pictures`` gives them, or names with bytes or pictures.
            work: Filled in on the way.
        """
        work = work or Work()
        pictures = ahead(
            partial(
                read_picture, store=self.store, encoder=self.encoder, max_pixels=self.max_pixels
            ),
            sources,
            threads=usable_processors(),
            window=BATCHES_AHEAD * self.batch_size,
        )
        first_seen: dict[bytes, str] = {}
        with work.timed("classes"):
            classes, _ = self.class_embeddings, self.background
        try:
            for batch in work.timed_each("read", batches(pictures, self.batch_size)):
                predictions = self._classify(batch, classes, first_seen, work)
                work.add(batch, predictions)
                yield from predictions
        finally:
            pictures.close()

    def _classify(
        self,
        batch: Sequence[ReadPicture],
        classes: Embeddings,
        first_seen: dict[bytes, str],
        work: Work,
    ) -> list[Prediction]:
        with work.timed("encode"):
            images = embed_pictures(batch, encoder=self.encoder, store=self.store)
            require_one_encoder(images, classes, where="classify")
        logits, background = self._align(images.rows, classes)
        if isinstance(self.encoder, RoundingEncoder):
            with work.timed("near_ties"):
                rows, ties, again = settle_near_ties(
                    batch,
                    images.rows,
                    logits,
                    background,
                    class_embeddings=classes.rows,
                    background=self.background,
                    encoder=self.encoder,
                    store=self.store,
                    max_pixels=self.max_pixels,
                )
            work.near_ties += ties
            work.decoded_again += again
            logits, background = self._align(rows, classes)
        with work.timed("decide"):
            probabilities = softmax(logits)
            unknown_scores = background_scores(logits, background)
            decisions = decide(
                probabilities, unknown_scores, self.labels.names, rule=self.rule, top_k=self.top_k
            )
            return predictions_of(batch, decisions, first_seen)

    def _align(self, rows: Rows, classes: Embeddings) -> tuple[Rows, Float[np.ndarray, " n"]]:
        """Logits of the classes, and those of the everyday words' mean."""
        scale = self.encoder.card.logit_scale or 1.0
        return (
            align_text_image(rows, classes.rows, logit_scale=scale),
            align_text_image(rows, self.background, logit_scale=scale)[:, 0],
        )

    @cached_property
    def class_embeddings(self) -> Embeddings:
        """One unit row per class: the mean over its names and the templates."""

        def encode(texts: Sequence[str]) -> Rows:
            return embed_texts(texts, encoder=self.encoder, store=self.store).rows

        rows = class_embeddings(self.labels, self.templates, encode)
        return Embeddings(rows=rows, fingerprint=self.encoder.fingerprint)

    @cached_property
    def background(self) -> Float[np.ndarray, "1 dim"]:
        """Mean of the unit rows of everyday words, which the unknown score compares with.

        Not made unit length: its logit is then the mean of the words' logits.
        """
        (template,) = template_set("single")
        texts = [template.format(word) for word in BACKGROUND_WORDS]
        rows = embed_texts(texts, encoder=self.encoder, store=self.store).rows
        mean: Float[np.ndarray, "1 dim"] = rows.mean(axis=0, keepdims=True)
        return mean

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes of a picture that was classified; None if it is not known."""
        return self.store.thumbnail(bytes.fromhex(sha256))

    def run_record(self, work: Work, *, command: Sequence[str] = ()) -> dict[str, Any]:
        """What run.json says of a run that did this ``work``."""
        return run_record(
            labels=self.labels,
            prompts=self.prompts,
            templates=self.templates,
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
        )


def _label_set(classes: Sequence[str] | str | LabelSet) -> LabelSet:
    if isinstance(classes, LabelSet):
        return classes
    return parse_classes(classes) if isinstance(classes, str) else LabelSet.of(classes)
