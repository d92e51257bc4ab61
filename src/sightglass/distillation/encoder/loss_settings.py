"""What a phase of a recipe minimises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sightglass.distillation.encoder.entry import Entry, Share, Weight

_BY_PICTURE = (
    *("features", "logits", "maps", "last_map", "anchors", "anchors_cosine", "labels", "named"),
)


class Contrastive(Entry):
    """InfoNCE, or with smoothing its soft-label form; both directions, summed."""

    weight: Weight = Field(default=1.0, description="of this loss")
    smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of all other pairs of the batch in the target",
    )


class _Soft(Entry):
    """Targets that follow from a teacher's similarities within the batch."""

    weight: Weight = Field(default=0.5, description="of this loss")
    teacher: Literal["average", "pairs"] = Field(
        default="average", description="the student's own moving average, or teachers.pairs"
    )
    decay: Share = Field(
        default=0.999, description="of the moving average, at most; early steps have less"
    )


class SelfTaught(_Soft):
    """Self-distillation: the softmax of the teacher's similarities."""

    kind: Literal["kd"] = Field(default="kd", description="chooses this form")
    scale: float = Field(default=100.0, gt=0, description="of the teacher's similarities")
    image_weight: Weight = Field(default=0.0, description="of picture-picture similarity")
    text_weight: Weight = Field(default=0.0, description="of text-text similarity")
    remove_diagonal: bool = Field(
        default=False, description="100 less where a picture, or a text, is like itself"
    )


class Otter(_Soft):
    """The plan that transports pictures to texts at the least cost."""

    kind: Literal["otter"] = Field(default="otter", description="chooses this form")
    image_weight: Weight = Field(default=1.0, description="of picture-picture similarity")
    text_weight: Weight = Field(default=1.0, description="of text-text similarity")
    regularisation: float = Field(
        default=0.15, gt=0, description="λ: the larger, the more even the plan"
    )
    iterations: int = Field(default=5, ge=1, description="of Sinkhorn")
    remove_diagonal: bool = Field(
        default=True, description="100 less where a picture, or a text, is like itself"
    )


Soft = Annotated[SelfTaught | Otter, Field(discriminator="kind")]


class Losses(Entry):
    """What a phase minimises: the sum of these, each with its weight; null or 0 for none."""

    contrastive: Contrastive | None = Field(
        default=None, description="each picture with its own caption; {} for all defaults"
    )
    soft: Soft | None = Field(
        default=None, description="each picture with all captions of the batch, as a teacher says"
    )
    features: Weight = Field(default=0.0, description="difference from the image teacher's feature")
    features_kind: Literal["mean_squared_error", "cosine"] = Field(
        default="mean_squared_error",
        description="of all numbers; cosine: 1 - cosine, where a feature's length says nothing",
    )
    logits: Weight = Field(default=0.0, description="KL from the image teacher's classes, times T²")
    logits_temperature: float = Field(default=2.0, gt=0, description="T, of both sides")
    maps: Weight = Field(
        default=0.0, description="mean squared difference of normalised maps, all but the last"
    )
    last_map: Weight = Field(default=0.0, description="the same of the last map, unnormalised")
    anchors: Weight = Field(
        default=0.0,
        description="KL from the image teacher's classes, of cosines with the classes' names",
    )
    anchors_cosine: Weight = Field(
        default=0.0, description="1 - cosine with the mean of those names, weighted by likelihood"
    )
    anchors_temperature: float = Field(
        default=1.5, gt=0, description="of the image teacher's logits, for both"
    )
    labels: Weight = Field(default=0.0, description="cross-entropy over the data's class names")
    named: Weight = Field(default=0.0, description="KL from teachers.named, over class names")
    name_scale: float | None = Field(
        default=20.0,
        gt=0,
        description="of cosines with names; null: the learned contrastive scale",
    )

    @property
    def need_texts(self) -> bool:
        """Whether one of them compares pictures with texts."""
        singles = (self.anchors, self.anchors_cosine, self.labels, self.named)
        return self.contrastive is not None or self.soft is not None or any(singles)

    @property
    def weights(self) -> dict[str, float]:
        """Those that are not 0, under the names that they have in the log."""
        found = {} if self.contrastive is None else {"contrastive": self.contrastive.weight}
        if self.soft is not None:
            found[self.soft.kind] = self.soft.weight
        found |= {name: getattr(self, name) for name in _BY_PICTURE}
        return {name: weight for name, weight in found.items() if weight}
