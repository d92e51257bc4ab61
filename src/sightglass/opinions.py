"""Three opinions on every picture, fused: class names, and references in two spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.alignments import (
    IMAGE_IMAGE,
    TEXT_IMAGE,
    VISION_ONLY,
    Space,
    align_references,
    align_text_image,
    centred_space,
    leave_one_out,
)
from sightglass.decisions import Evidence, NearestReference, Opinion
from sightglass.fusion import Fused, FusionPlan, Material, calibrate, fixed_weights, fuse
from sightglass.reference_rows import ReferenceRows

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Rows = Float[np.ndarray, "n dim"]

NEAREST = 3
_OVER_REFERENCES = (IMAGE_IMAGE, VISION_ONLY)


@dataclass(frozen=True, kw_only=True, eq=False)
class Opinions:
    """All that is settled before the first answer.

    Attributes:
        classes: Unit rows of the class names.
        references: What the pictures are compared with.
        spaces: One per encoder, by alignment.
        plan: Scales, coefficients, and who takes part.
        names: Display names of the classes.
    """

    classes: Rows
    references: ReferenceRows
    spaces: Mapping[str, Space]
    plan: FusionPlan
    names: Sequence[str]

    def fused(self, rows: Sequence[Rows], contents: Sequence[bytes]) -> Fused:
        """What the alignments in use say together of pictures.

        Args:
            rows: The pictures' unit rows, one matrix per encoder.
            contents: sha256 of each picture's bytes: no picture is compared with itself.
        """
        used = self.plan.used
        matrices: list[Rows] = []
        masks: list[Bool[np.ndarray, " n_classes"] | None] = []
        for alignment in used:
            if alignment.name == TEXT_IMAGE:
                matrices.append(
                    align_text_image(rows[0], self.classes, logit_scale=alignment.logit_scale)
                )
                masks.append(None)
                continue
            similarity, judged = self._similarity(alignment.name, rows, contents)
            matrices.append(alignment.logit_scale * similarity)
            masks.append(judged)
        return fuse(
            matrices,
            weighting=self.plan.weighting,
            judged=masks,
            fixed_weights=fixed_weights(used, weighting=self.plan.weighting),
            mode=self.plan.mode,
        )

    def _similarity(
        self, name: str, rows: Sequence[Rows], contents: Sequence[bytes]
    ) -> tuple[Rows, Bool[np.ndarray, " n_classes"]]:
        space = self.spaces[name]
        pictures = space.of(rows[_OVER_REFERENCES.index(name)])
        return without_self(
            pictures, space.rows, contents, self.references, n_classes=len(self.names)
        )

    def evidence(
        self, fused: Fused, rows: Sequence[Rows], contents: Sequence[bytes], *, top_k: int
    ) -> list[Evidence]:
        """The opinions behind each row of ``fused``, and the references nearest to the picture."""
        totals = fused.weights.sum(axis=0)
        shares = fused.weights / np.where(totals > 0, totals, 1.0)
        nearest = [
            self._nearest(alignment.name, rows, contents)
            for alignment in self.plan.used
            if alignment.name != TEXT_IMAGE
        ]
        return [
            Evidence(
                opinions=tuple(
                    Opinion(
                        alignment=alignment.name,
                        weight=float(shares[place, index]),
                        top=self._top(fused.distributions[place, index], top_k),
                    )
                    for place, alignment in enumerate(self.plan.used)
                ),
                nearest=tuple(one for of_alignment in nearest for one in of_alignment[index]),
            )
            for index in range(len(rows[0]))
        ]

    def _top(
        self, distribution: Float[np.ndarray, " n_classes"], top_k: int
    ) -> tuple[tuple[str, float], ...]:
        order = np.argsort(-distribution, kind="stable")[:top_k]
        return tuple((self.names[c], float(distribution[c])) for c in order if distribution[c] > 0)

    def _nearest(
        self, name: str, rows: Sequence[Rows], contents: Sequence[bytes]
    ) -> list[list[NearestReference]]:
        space = self.spaces[name]
        cosines = space.of(rows[_OVER_REFERENCES.index(name)]) @ space.rows.T
        own = {content: place for place, content in enumerate(self.references.contents)}
        for index, content in enumerate(contents):
            if content in own:
                cosines[index, own[content]] = -np.inf
        found = []
        for row in cosines:
            order = np.argsort(-row, kind="stable")[:NEAREST]
            found.append(
                [
                    NearestReference(
                        name=self.references.pictures[place].name,
                        label=self.names[self.references.labels[place]],
                        alignment=name,
                        similarity=float(np.clip(row[place], -1, 1)),
                        sha256=self.references.contents[place].hex(),
                    )
                    for place in order
                    if np.isfinite(row[place])
                ]
            )
        return found

    def as_record(self) -> dict[str, Any]:
        """What run.json says under ``fusion``."""
        references, plan = self.references, self.plan
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
        return {
            "weighting": plan.weighting,
            "mode": plan.mode,
            "calibration": {"pictures": plan.pictures, "references": plan.evidence},
            "alignments": [alignment.as_record() for alignment in plan.alignments],
            "references": {
                "pictures": len(references.pictures),
                "classes": len(present),
                "without": [n for index, n in enumerate(self.names) if index not in present],
                "origins": origins,
            },
            "warnings": [*lost, *plan.notes],
        }


def without_self(
    pictures: Rows,
    reference_rows: Rows,
    contents: Sequence[bytes],
    references: ReferenceRows,
    *,
    n_classes: int,
) -> tuple[Rows, Bool[np.ndarray, " n_classes"]]:
    """Similarities with the classes' references; a picture that is one is left out of its own mean.

    Where it is its class's only reference, that class gets the mean of the others: the picture then
    says nothing about itself.
    """
    similarity, judged = align_references(
        pictures, reference_rows, references.labels, n_classes=n_classes, logit_scale=1.0
    )
    own = {content: place for place, content in enumerate(references.contents)}
    counts = np.bincount(references.labels, minlength=n_classes)
    for index, content in enumerate(contents):
        if content not in own:
            continue
        place = own[content]
        label = references.labels[place]
        others = counts[label] - 1
        itself = float(pictures[index].astype(np.float64) @ reference_rows[place])
        if others:
            whole = counts[label] * float(similarity[index, label])
            similarity[index, label] = (whole - itself) / others
        else:
            rest = np.delete(similarity[index], label)
            finite = rest[np.isfinite(rest)]
            similarity[index, label] = finite.mean() if finite.size else 0.0
    return similarity, judged


def settle_opinions(
    references: ReferenceRows,
    classes: Rows,
    names: Sequence[str],
    pictures: Sequence[Rows],
    contents: Sequence[bytes],
    *,
    text_scale: float,
    weighting: str,
) -> Opinions:
    """Centre the spaces and settle the fusion plan. No label of a picture is read.

    Args:
        references: In one space, or in two.
        classes: Unit rows of the class names.
        names: Display names of the classes.
        pictures: Rows of unlabelled pictures, one matrix per encoder; may be empty.
        contents: sha256 of these pictures' bytes.
        text_scale: The encoder card's.
        weighting: As for ``fuse``.
    """
    spaces = {
        name: centred_space(embeddings.rows, rows)
        for name, embeddings, rows in zip(
            _OVER_REFERENCES, references.embeddings, pictures, strict=False
        )
    }
    material = {
        TEXT_IMAGE: Material(
            references=align_text_image(references.embeddings[0].rows, classes, logit_scale=1.0),
            pictures=align_text_image(pictures[0], classes, logit_scale=1.0),
        )
    }
    # A picture that is a reference itself would agree with what it was chosen for.
    own = set(references.contents)
    fresh = np.array([content not in own for content in contents], bool)
    text = material[TEXT_IMAGE]
    material[TEXT_IMAGE] = Material(references=text.references, pictures=text.pictures[fresh])
    for name, rows in zip(spaces, pictures, strict=False):
        space = spaces[name]
        similarity, _ = align_references(
            space.of(rows[fresh]),
            space.rows,
            references.labels,
            n_classes=len(names),
            logit_scale=1.0,
        )
        material[name] = Material(
            references=leave_one_out(space.rows, references.labels, n_classes=len(names)),
            pictures=similarity,
        )
    plan = calibrate(
        material,
        references.labels,
        references.by_construction,
        text_scale=text_scale,
        weighting=weighting,
    )
    return Opinions(
        classes=classes, references=references, spaces=spaces, plan=plan, names=tuple(names)
    )
