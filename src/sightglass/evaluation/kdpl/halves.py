"""Base and novel classes: the first half of the labels, and the rest."""

from __future__ import annotations

from sightglass.evaluation.kdpl.dataset import KdplDataset


def base_and_novel(dataset: KdplDataset) -> tuple[KdplDataset, KdplDataset]:
    """The data set's two halves, each with its own class names as the only candidates.

    Labels ascending; the first ``ceil(n / 2)`` are base, the others novel: of 37 classes 19 and 18.

    Source:
        Zhou et al. 2022 (CoCoOp), arXiv:2203.05557, whose protocol Mistretta et al. 2024 follow.
    """
    n_classes = len(dataset.class_names)
    n_base = -(-n_classes // 2)
    return dataset.part(range(n_base)), dataset.part(range(n_base, n_classes))
