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
    from jaxtyping import Float, Float64, Int

    Rows = Float[np.ndarray, "n dim"]

NEAREST = 3
# More than float32 can be wrong in a product of two unit rows, twice: of 4,096 numbers by 0.0005.
_TO_SPARE = 0.001


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
    pictures = space.of(opinions.rows_of(name, rows))
    cosines = pictures @ space.rows.T
    for index, place in references.places_of(contents).items():
        cosines[index, place] = -np.inf
    found = []
    for picture, row in zip(pictures, cosines, strict=True):
        places, similarities = _first(picture, row, space.rows)
        found.append(
            [
                NearestReference(
                    name=references.pictures[place].name,
                    label=opinions.names[references.labels[place]],
                    alignment=name,
                    similarity=float(np.clip(similarity, -1, 1)),
                    sha256=references.contents[place].hex(),
                )
                for place, similarity in zip(places, similarities, strict=True)
            ]
        )
    return found


def _first(
    picture: Float[np.ndarray, " dim"], rough: Float[np.ndarray, " n"], rows: Rows
) -> tuple[Int[np.ndarray, " kept"], Float64[np.ndarray, " kept"]]:
    """Places and similarities of the nearest ``rows``; of equal ones the first.

    A matrix product's last bits depend on how many pictures are in the batch. It chooses, with some
    to spare; who is nearest, and how near, is summed anew, one picture at a time in one order.

    Args:
        picture: A unit row.
        rough: Its products with ``rows``; -inf where there is to be no comparison.
        rows: The references' unit rows.
    """
    kept = min(NEAREST, len(rough))
    least = np.partition(rough, -kept)[-kept] - _TO_SPARE
    near = np.flatnonzero(np.isfinite(rough) & (rough >= least))
    similarities = (rows[near].astype(np.float64) * picture).sum(axis=1)
    order = np.argsort(-similarities, kind="stable")[:kept]
    return near[order], similarities[order]


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
