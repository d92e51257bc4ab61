"""Open set: every protocol, over the five splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.alignments import TEXT_IMAGE
from sightglass.decisions import (
    PROTOCOLS,
    max_cosine_scores,
    nearest_reference_scores,
    open_set_scores,
    protocol_classes,
)
from sightglass.evaluation.metrics import auroc_score, fpr_at_tpr, oscr_score
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.yin_jiang.embedded import Encoders
from sightglass.evaluation.yin_jiang.heads import Heads
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows
from sightglass.evaluation.yin_jiang.scenes import Scene
from sightglass.evaluation.yin_jiang.several import one_and_several
from sightglass.evaluation.yin_jiang.told import Told, tell
from sightglass.fusion import WEIGHTINGS

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

# Of each protocol the score that stands for it where only one has room.
MAIN_SCORES = {"known_only": "mcm", "oracle_names": "oracle_minmax"}
_SCORES = {
    "known_only": ("mcm", "entropy"),
    "oracle_names": ("oracle_minmax", "oracle_sum", "oracle_max"),
    "oracle_names_no_refs": ("oracle_minmax", "oracle_sum", "oracle_max"),
    "virtual_names": ("oracle_minmax", "oracle_sum", "oracle_max"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What an open-set run needs beside its pictures.

    Attributes:
        encoders: For the texts.
        templates: Sentences with one ``{}`` each.
        weighting: Of the fusion in Tables 1 and 4.
        harvest: How many references per class to harvest where none were brought.
        virtual_names: Guesses for the unknown classes; empty leaves that protocol out.
        released_code: Whether to add the table of the released scripts' formula.
    """

    encoders: Encoders
    templates: Sequence[str]
    weighting: str
    harvest: int
    virtual_names: tuple[str, ...] = ()
    released_code: bool = False

    @property
    def protocols(self) -> tuple[str, ...]:
        """Those that can be run."""
        return tuple(name for name in PROTOCOLS if name != "virtual_names" or self.virtual_names)


def open_set(
    scenes: Iterable[Scene], setting: Setting, about: About, *, weightings: bool
) -> list[MetricRow]:
    """Tables 1, 4 and 7 of one data set, and 6 where ``weightings`` asks for it.

    Of every split a row for each number of Table 1; of the other tables only what is left over all
    splits. Where a split yields no reference, its alignments over references are absent, and there
    is no mean of them: one over fewer splits could not be compared.
    """
    of_splits: list[MetricRow] = []
    n_scenes = 0
    for scene in scenes:
        n_scenes += 1
        for protocol in setting.protocols:
            of_splits += _one(scene, protocol, setting, about, weightings=weightings)
    rows = [row for row in of_splits if row.table == "1"]
    groups: dict[tuple[object, ...], list[MetricRow]] = {}
    for row in of_splits:
        key = (row.table, row.protocol, row.heads, row.weighting, row.metric)
        groups.setdefault(key, []).append(row)
    for (table, *_), members in groups.items():
        if len(members) == n_scenes:
            rows += about.over_splits(members, table=str(table))
    return rows


def _one(
    scene: Scene, protocol: str, setting: Setting, about: About, *, weightings: bool
) -> Iterator[MetricRow]:
    """All numbers of one split under one protocol."""
    told = protocol_classes(
        protocol,
        scene.names[: scene.n_known],
        scene.names[scene.n_known :],
        setting.virtual_names if protocol == "virtual_names" else (),
    )
    names = tell(told.names, setting.encoders, setting.templates)
    references = _references(scene, protocol, names, harvest=setting.harvest)
    heads = names.heads(scene.pictures, references)
    main = MAIN_SCORES.get(protocol)
    for subset in heads.subsets:
        in_table_1 = subset in {(TEXT_IMAGE,), heads.every}
        in_table_6 = weightings and subset == heads.every and len(subset) > 1
        for weighting in WEIGHTINGS if in_table_6 else (setting.weighting,):
            fused = heads.fused(heads.plan(subset, weighting=weighting))
            answers = fused.scores[:, told.known].argmax(axis=1)
            columns = {
                "heads": "+".join(subset),
                "weighting": None if len(subset) == 1 else weighting,
            }
            for score in _SCORES[protocol]:
                unknown = open_set_scores(fused, score=score, known=told.known)
                tables = [
                    table
                    for table, wanted in (
                        ("1", in_table_1 and weighting == setting.weighting),
                        ("4", score == main and weighting == setting.weighting),
                        ("6", score == main and in_table_6),
                    )
                    if wanted
                ]
                for table in tables:
                    yield from _metrics(
                        scene,
                        unknown,
                        answers,
                        about,
                        protocol=protocol,
                        score=score,
                        table=table,
                        **columns,
                    )
    if references is not None and main is not None:
        for count, some in one_and_several(
            names, scene.pictures, references, per_class=setting.harvest
        ):
            few = names.heads(scene.pictures, some)
            fused = few.fused(few.plan(few.every, weighting=setting.weighting))
            yield from _metrics(
                scene,
                open_set_scores(fused, score=main, known=told.known),
                None,
                about,
                protocol=protocol,
                score=f"{main}_{count}",
                table="7",
                heads="+".join(few.every),
                weighting=setting.weighting,
            )
    if protocol == "known_only":
        for name, unknown in _distances(heads):
            score = "max_cosine" if name == TEXT_IMAGE else "nearest_reference"
            yield from _metrics(
                scene, unknown, None, about, protocol=protocol, score=score, table="1", heads=name
            )


def _references(scene: Scene, protocol: str, names: Told, *, harvest: int) -> ReferenceRows | None:
    """What the protocol lets be seen of the classes that it tells of."""
    if not PROTOCOLS[protocol].references:
        return None
    brought = scene.brought
    if brought is not None and protocol != "oracle_names":
        brought = brought.of_classes(range(scene.n_known))
    return names.references(scene.pictures, brought, per_class=harvest)


def _distances(heads: Heads) -> Iterator[tuple[str, Float[np.ndarray, " n_images"]]]:
    """Unknown scores without a softmax, by alignment."""
    yield TEXT_IMAGE, max_cosine_scores(heads.similarity[TEXT_IMAGE])
    refs = heads.references
    for name, (images, rows) in heads.spaces.items():
        assert refs is not None
        scores = nearest_reference_scores(images, rows)
        mine = np.flatnonzero(refs.own >= 0)
        if len(mine) and len(rows) > 1:
            similarity = images[refs.own[mine]].astype(np.float64) @ rows.T.astype(np.float64)
            similarity[np.arange(len(mine)), mine] = -np.inf
            scores[refs.own[mine]] = 1.0 - similarity.max(axis=1)
        yield name, scores


def _metrics(
    scene: Scene,
    unknown_scores: Float[np.ndarray, " n_images"],
    answers: np.ndarray | None,
    about: About,
    *,
    protocol: str,
    score: str,
    table: str,
    **columns: object,
) -> Iterator[MetricRow]:
    """auroc, and in Table 1 fpr95 and, where there are answers, oscr; None without both kinds."""
    is_unknown: Bool[np.ndarray, " n"] = scene.is_unknown
    values: dict[str, float | None] = {"auroc": None}
    both = bool(is_unknown.any()) and not bool(is_unknown.all())
    if both:
        values["auroc"] = auroc_score(is_unknown, unknown_scores)
    if both and table == "1":
        values["fpr95"] = fpr_at_tpr(is_unknown, unknown_scores)
        if answers is not None:
            correct = answers == scene.pictures.labels
            values["oscr"] = oscr_score(is_unknown, unknown_scores, correct)
    for metric, value in values.items():
        yield about.row(
            f"{metric}_{score}",
            value,
            n=len(is_unknown),
            table=table,
            protocol=protocol,
            split=scene.split,
            **columns,
        )
