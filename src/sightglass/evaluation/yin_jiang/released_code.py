"""The released scripts' formula, for comparison with them only: every number of it is marked.

Raw rows in place of unit rows, half the sum over references in place of their mean, constants that
were chosen on test accuracy, and an entropy with 1e-6 inside the logarithm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import ALIGNMENTS, align_references
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.yin_jiang.embedded import Embedded
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.fusion import fuse

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Rows = Float[np.ndarray, "n dim"]

MODE = "released_code"
TABLE = "released_code"
# What text, CLIP references and DINO references are multiplied with; and whether the test
# picture's vision-only row is left as long as it is. Their comments show test accuracies beside.
_CIFAR = (1.0, 3.0, 50.0, False)
_TINY = (1.0, 3.0, 1.0, True)
_WEIGHTINGS = ("max", "inverse_entropy", "exp_neg_entropy", "fixed")
_TINY_WEIGHTS = (0.3, 0.3, 0.4)


def released_code_rows(
    pictures: Embedded,
    raw_classes: Float[np.ndarray, "n_classes dim"],
    references: ReferenceRows | None,
    about: About,
) -> list[MetricRow]:
    """All three alignments fused as the released scripts do it; none without all three.

    Args:
        pictures: With the norms of their rows. Labels meet the metrics only.
        raw_classes: One text row per class as the network gave it.
        references: Unit rows.
        about: Stands beside every number.

    Source:
        github.com/1134112149/MICW-ZIC: ``cifar10_*``, ``cifar100_*`` and ``400_2_zhixin*``. Differs
        in one point: a picture is never compared with itself (they have no such picture).
    """
    if references is None or references.vision is None or pictures.image_norms is None:
        return []
    if pictures.vision is None or pictures.vision_norms is None:
        return []
    tiny = about.dataset == "tinyimagenet"
    text, image, vision, is_raw = _TINY if tiny else _CIFAR
    raw = pictures.image * pictures.image_norms[:, None]
    seen = pictures.vision * (pictures.vision_norms[:, None] if is_raw else 1.0)
    n_classes = len(raw_classes)
    logits = [
        text * (raw.astype(np.float64) @ raw_classes.astype(np.float64).T),
        image * _half_sums(raw, references.image, references, n_classes),
        vision * _half_sums(seen, references.vision, references, n_classes),
    ]
    rows: list[MetricRow] = []
    for weighting in _WEIGHTINGS:
        fused = fuse(
            logits,
            weighting=weighting,
            fixed_weights=_TINY_WEIGHTS if tiny and weighting == "fixed" else None,
            mode=MODE,
        )
        rows += about.closed(
            fused.probabilities,
            pictures.labels,
            table=TABLE,
            heads="+".join(ALIGNMENTS),
            weighting=weighting,
            mode=MODE,
        )
    return rows


def _half_sums(
    pictures: Rows, rows: Rows, references: ReferenceRows, n_classes: int
) -> Float[np.ndarray, "n_images n_classes"]:
    labels: Int[np.ndarray, " n"] = references.labels
    sums, _ = align_references(
        pictures, rows, labels, n_classes=n_classes, logit_scale=1.0, pooling="half_sum"
    )
    for reference in np.flatnonzero(references.own >= 0):
        row = references.own[reference]
        itself = float(pictures[row].astype(np.float64) @ rows[reference])
        sums[row, labels[reference]] -= 0.5 * itself
    return sums
