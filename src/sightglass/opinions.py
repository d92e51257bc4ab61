"""Three opinions on every picture, fused: class names, and references in two spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import (
    IMAGE_IMAGE,
    TEXT_IMAGE,
    VISION_ONLY,
    Space,
    align_references,
    centred_space,
    leave_one_out,
    without_self,
)
from sightglass.fusion import Fused, FusionPlan, Material, calibrate, fixed_weights, fuse
from sightglass.fusion.logit_scales import a_priori_scale
from sightglass.reference_rows import ReferenceRows

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Int

    Rows = Float[np.ndarray, "n dim"]

_OVER_REFERENCES = (IMAGE_IMAGE, VISION_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """How an alignment over references speaks of pictures that may show no class at all.

    Attributes:
        scale: Nats per unit of centred similarity; 0 is then an average picture.
        weight: Its reliability, in [0, 1]; the class names have 1.
    """

    scale: float
    weight: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Opinions:
    """All that is settled before the first answer.

    Attributes:
        references: What the pictures are compared with.
        spaces: One per encoder, by alignment.
        plan: Scales, coefficients, and who takes part.
        yardsticks: See ``Yardstick``; by alignment over references.
        names: Display names of the classes.
    """

    references: ReferenceRows
    spaces: Mapping[str, Space]
    plan: FusionPlan
    yardsticks: Mapping[str, Yardstick]
    names: Sequence[str]

    def fused(
        self,
        by_name: Float64[np.ndarray, "n n_classes"],
        rows: Sequence[Rows],
        contents: Sequence[bytes],
    ) -> Fused:
        """What the alignments in use say together of pictures.

        Args:
            by_name: The pictures' cosines with the class names.
            rows: The pictures' unit rows, one matrix per encoder.
            contents: sha256 of each picture's bytes: no picture is compared with itself.
        """
        used = self.plan.used
        matrices: list[Rows] = []
        masks: list[Bool[np.ndarray, " n_classes"] | None] = []
        for alignment in used:
            if alignment.name == TEXT_IMAGE:
                matrices.append((alignment.logit_scale * by_name).astype(np.float32))
                masks.append(None)
                continue
            similarity, judged = self.similarity(alignment.name, rows, contents)
            matrices.append(alignment.logit_scale * similarity)
            masks.append(judged)
        return fuse(
            matrices,
            weighting=self.plan.weighting,
            judged=masks,
            fixed_weights=fixed_weights(used, weighting=self.plan.weighting),
            mode=self.plan.mode,
        )

    @staticmethod
    def rows_of(name: str, rows: Sequence[Rows]) -> Rows:
        """Those of ``rows`` that lie in this alignment's space."""
        return rows[_OVER_REFERENCES.index(name)]

    def similarity(
        self, name: str, rows: Sequence[Rows], contents: Sequence[bytes]
    ) -> tuple[Rows, Bool[np.ndarray, " n_classes"]]:
        """Centred cosines with the classes' references, and which classes have any."""
        space = self.spaces[name]
        pictures = space.of(self.rows_of(name, rows))
        similarity, judged = align_references(
            pictures,
            space.rows,
            self.references.labels,
            n_classes=len(self.names),
            logit_scale=1.0,
        )
        own = self.references.places_of(contents)
        without_self(similarity, pictures, space.rows, self.references.labels, own)
        return similarity, judged

    def rise(
        self,
        best: Int[np.ndarray, " n"],
        text_rise: Float[np.ndarray, " n"],
        rows: Sequence[Rows],
        contents: Sequence[bytes],
    ) -> Float64[np.ndarray, " n"]:
        """By how many nats the best class stands out from what is not a class.

        The mean over the opinions, weighted by their reliability: of the class name over everyday
        words, and of the class's references over the average picture.

        Args:
            best: Class index that the fusion gives each picture.
            text_rise: Of that class's name over everyday words, in nats.
            rows: As for ``fused``.
            contents: As for ``fused``.

        Source:
            Ours: geometric mean of odds. Measured in docs/unknown.md.
        """
        total, weights = text_rise.astype(np.float64), np.ones(len(best))
        for name, yardstick in self.yardsticks.items():
            similarity, judged = self.similarity(name, rows, contents)
            says = judged[best]
            of_best = np.where(says, similarity[np.arange(len(best)), best], 0.0)
            total = total + yardstick.weight * yardstick.scale * of_best
            weights = weights + np.where(says, yardstick.weight, 0.0)
        rise: Float64[np.ndarray, " n"] = total / weights
        return rise


def settle_opinions(
    references: ReferenceRows,
    by_name: Material,
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
        by_name: Cosines of references and of ``pictures`` with the class names.
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
    # A picture that is a reference itself would agree with what it was chosen for.
    own = set(references.contents)
    fresh = np.array([content not in own for content in contents], bool)
    material = {
        TEXT_IMAGE: Material(references=by_name.references, pictures=by_name.pictures[fresh])
    }
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
        references=references,
        spaces=spaces,
        plan=plan,
        yardsticks=_yardsticks(plan, material),
        names=tuple(names),
    )


def _yardsticks(plan: FusionPlan, material: Mapping[str, Material]) -> dict[str, Yardstick]:
    """Of the alignments in use whose reliability on unlabelled pictures is known."""
    found = {}
    for alignment in plan.used:
        scale = a_priori_scale(material[alignment.name].pictures)
        if alignment.agreement is not None and scale is not None:
            found[alignment.name] = Yardstick(scale=scale, weight=alignment.agreement.reliability)
    return found
