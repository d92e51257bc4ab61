"""What the report shows of the opinions: each one's best classes, weights, nearest references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.alignments import TEXT_IMAGE
from sightglass.decisions import Evidence, NearestReference, Opinion
from sightglass.fusion import Fused
from sightglass.opinions import Opinions

if TYPE_CHECKING:
    from jaxtyping import Float

    Rows = Float[np.ndarray, "n dim"]

NEAREST = 3


def evidence_of(
    opinions: Opinions,
    fused: Fused,
    rows: Sequence[Rows],
    contents: Sequence[bytes],
    *,
    top_k: int,
) -> list[Evidence]:
    """The opinions behind each row of ``fused``, and the references nearest to the picture.

    Args:
        opinions: What was settled beforehand.
        fused: From ``opinions.fused`` of the same pictures.
        rows: The pictures' unit rows, one matrix per encoder.
        contents: sha256 of each picture's bytes.
        top_k: How many classes each opinion lists.
    """
    totals = fused.weights.sum(axis=0)
    shares = fused.weights / np.where(totals > 0, totals, 1.0)
    order = np.argsort(-fused.distributions, axis=2, kind="stable")[:, :, :top_k]
    names = [alignment.name for alignment in opinions.plan.used]
    nearest = [_nearest(opinions, name, rows, contents) for name in names if name != TEXT_IMAGE]
    return [
        Evidence(
            opinions=tuple(
                Opinion(
                    alignment=name,
                    weight=float(shares[place, index]),
                    top=tuple(
                        (opinions.names[c], float(fused.distributions[place, index, c]))
                        for c in order[place, index]
                        if fused.distributions[place, index, c] > 0
                    ),
                )
                for place, name in enumerate(names)
            ),
            nearest=tuple(one for of_alignment in nearest for one in of_alignment[index]),
        )
        for index in range(len(rows[0]))
    ]


def _nearest(
    opinions: Opinions, name: str, rows: Sequence[Rows], contents: Sequence[bytes]
) -> list[list[NearestReference]]:
    references = opinions.references
    space = opinions.spaces[name]
    cosines = space.of(opinions.rows_of(name, rows)) @ space.rows.T
    for index, place in references.places_of(contents).items():
        cosines[index, place] = -np.inf
    kept = min(NEAREST, cosines.shape[1])
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :kept]
    return [
        [
            NearestReference(
                name=references.pictures[place].name,
                label=opinions.names[references.labels[place]],
                alignment=name,
                similarity=float(np.clip(row[place], -1, 1)),
                sha256=references.contents[place].hex(),
            )
            for place in places
            if np.isfinite(row[place])
        ]
        for row, places in zip(cosines, order, strict=True)
    ]


def fusion_record(opinions: Opinions) -> dict[str, Any]:
    """What run.json says under ``fusion``."""
    references, plan = opinions.references, opinions.plan
    present = set(references.labels.tolist())
    origins: dict[str, int] = {}
    for picture in references.pictures:
        origin = picture.provenance.origin if picture.provenance else "brought"
        origins[origin] = origins.get(origin, 0) + 1
    lost = [
        f"{len(references.unusable)} references cannot be used; the first is {first.path} "
        f"({first.status}: {first.detail})."
        for first in references.unusable[:1]
    ]
    dropped = [
        f"{alignment.name}: {alignment.why}." for alignment in plan.alignments if not alignment.used
    ]
    return {
        "weighting": plan.weighting,
        "mode": plan.mode,
        "calibration": {"pictures": plan.pictures, "references": plan.evidence},
        "alignments": [alignment.as_record() for alignment in plan.alignments],
        "references": {
            "pictures": len(references.pictures),
            "classes": len(present),
            "without": [n for index, n in enumerate(opinions.names) if index not in present],
            "origins": origins,
        },
        "warnings": [*lost, *plan.notes, *dropped],
    }
