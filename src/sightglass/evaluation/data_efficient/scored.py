"""Pictures scored against all candidates, a batch at a time; a rank is all that stays of each."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.encoders.wording import require_fixed_texts
from sightglass.errors import EvaluationError
from sightglass.evaluation.data_efficient.candidate_rows import candidate_rows
from sightglass.evaluation.metrics import best_ranks
from sightglass.inputs.images import DEFAULT_MAX_PIXELS
from sightglass.read_ahead import batches
from sightglass.several_encoders import embed_for, read_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Int

    from sightglass.encoders.contract import DualEncoder
    from sightglass.evaluation.data_efficient.dataset import FlatHitDataset
    from sightglass.store import Store

_TOLD_EVERY = 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What a run scores with.

    Attributes:
        encoder: Pictures and texts in one space.
        model: As it was asked for.
        templates: Sentences with one ``{}`` each, or just that for a model with its own context.
        store: Remembers all rows.
        batch_size: Pictures per pass of the network: changes speed and memory, never results.
        limit: At most this many pictures of each data set, evenly spread; None takes all.

    Raises:
        InputError: If the encoder has no fixed row for a class.
    """

    encoder: DualEncoder
    model: str
    templates: tuple[str, ...]
    store: Store
    batch_size: int = 32
    limit: int | None = None

    def __post_init__(self) -> None:
        require_fixed_texts(self.encoder, where="Suite")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """What was found for one data set.

    Attributes:
        ranks: Of each picture that could be read, how many candidates come before the best of its
            own; 0 is a hit at 1.
        n_labels: How many classes these pictures show in all.
        n_names: How many different names the candidates have.
        failed: By reason, how many pictures could not be read.
        first_failed: Path and detail of the first of these; empty where there is none.
        digest: Hex sha256 of the candidates and of the chosen pictures with their classes.
    """

    ranks: Int[np.ndarray, " n_images"]
    n_labels: int
    n_names: int
    failed: dict[str, int]
    first_failed: str
    digest: str

    @property
    def n_failed(self) -> int:
        """Pictures that could not be read."""
        return sum(self.failed.values())


def score(
    dataset: FlatHitDataset, setting: Setting, *, say: Callable[[str], None] = lambda _: None
) -> Scored:
    """Rank the candidates for every picture; labels meet nothing but the ranks.

    Memory: the candidates' rows, the scores of one batch, and one number for each picture.

    Args:
        dataset: Its pictures are read once, in order.
        setting: With what.
        say: Takes a line now and then.

    Raises:
        EvaluationError: If no picture could be read.
    """
    rows = candidate_rows(
        dataset.candidates, setting.templates, encoder=setting.encoder, store=setting.store
    )
    digest = hashlib.sha256(json.dumps(dataset.candidates).encode())
    # Paths go ahead to the readers, label sets wait here for their scores.
    waiting: list[tuple[int, ...]] = []

    def sources() -> Iterator[str]:
        for path, labels in dataset.chosen(setting.limit):
            digest.update(json.dumps([path, labels]).encode())
            waiting.append(labels)
            yield str(Path(dataset.folder) / path)

    pictures = read_for(
        (setting.encoder,),
        sources(),
        store=setting.store,
        max_pixels=DEFAULT_MAX_PIXELS,
        batch_size=setting.batch_size,
    )
    parts: list[np.ndarray] = []
    failed: Counter[str] = Counter()
    first_failed = ""
    n_labels = n_read = 0
    try:
        for batch in batches(pictures, setting.batch_size):
            label_sets = [waiting[at] for at, picture in enumerate(batch) if picture.usable]
            del waiting[: len(batch)]
            for picture in batch:
                if not picture.usable:
                    first_failed = first_failed or (
                        f"{picture.outcome.path} ({picture.outcome.detail})"
                    )
                    failed[picture.outcome.status] += 1
            if label_sets:
                (images,) = embed_for((setting.encoder,), batch, store=setting.store)
                parts.append(best_ranks(rows.cosines(images.rows), label_sets).astype(np.int32))
            n_labels += sum(map(len, label_sets))
            n_read += len(batch)
            if n_read // _TOLD_EVERY > (n_read - len(batch)) // _TOLD_EVERY:
                say(f"{n_read:,} pictures")
    finally:
        pictures.close()
    if not parts:
        raise EvaluationError(
            f"{dataset.name}: pictures that can be read are needed, none of {n_read:,} could; the "
            f"first is {first_failed}. Check its folder."
        )
    return Scored(
        ranks=np.concatenate(parts),
        n_labels=n_labels,
        n_names=len(rows.distinct),
        failed=dict(failed),
        first_failed=first_failed,
        digest=digest.hexdigest(),
    )
