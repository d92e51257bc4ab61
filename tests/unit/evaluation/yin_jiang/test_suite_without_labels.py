"""What the suite settles, it settles without a label, and without what a protocol withholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightglass.alignments import IMAGE_IMAGE, TEXT_IMAGE
from sightglass.encoders.embeddings import unit_rows
from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.evaluation.yin_jiang.embedded import Embedded, Encoders, evenly
from sightglass.evaluation.yin_jiang.heads import heads_of
from sightglass.evaluation.yin_jiang.measured import About
from sightglass.evaluation.yin_jiang.one_dataset import Findings, examine
from sightglass.evaluation.yin_jiang.open_set import Setting, open_set
from sightglass.evaluation.yin_jiang.reference_rows import ReferenceRows, harvested
from sightglass.evaluation.yin_jiang.scatter import perplexity_of
from sightglass.evaluation.yin_jiang.scenes import Subject, scenes_of
from sightglass.evaluation.yin_jiang.several import exchanged, one_class_bad, shuffled
from sightglass.evaluation.yin_jiang.timing import Clock
from sightglass.evaluation.yin_jiang.told import Told, tell
from sightglass.fusion import WEIGHTINGS
from sightglass.inputs.templates import template_set
from sightglass.store import open_store

NAMES = (
    *("black", "blue", "cyan", "gray", "lime"),
    *("magenta", "orange", "red", "white", "yellow"),
)


def setting(*, harvest: int = 4) -> Setting:
    encoders = Encoders(
        dual=SyntheticEncoder(), vision=SyntheticEncoder(), store=open_store(None), names="colours"
    )
    return Setting(
        encoders=encoders,
        templates=template_set("single"),
        weighting="inverse_entropy",
        harvest=harvest,
    )


def told() -> Told:
    return tell(NAMES, setting().encoders, template_set("single"))


def noisy_pictures(*, per_class: int, seed: int, noise: float = 0.35) -> Embedded:
    rng = np.random.default_rng(seed)
    classes = told().classes
    labels = np.repeat(np.arange(len(NAMES)), per_class)
    rows = [
        unit_rows(classes[labels] + noise * rng.standard_normal(classes[labels].shape) / 5)
        for _ in range(2)
    ]
    return Embedded(
        image=rows[0],
        vision=rows[1],
        labels=labels,
        content=tuple(number.to_bytes(4) for number in range(len(labels))),
    )


def brought(*, per_class: int, seed: int) -> ReferenceRows:
    rows = noisy_pictures(per_class=per_class, seed=seed)
    return ReferenceRows(
        image=rows.image,
        vision=rows.vision,
        labels=rows.labels,
        own=np.full(len(rows), -1),
        by_construction=np.ones(len(rows), bool),
    )


def examined(pictures: Embedded, references: ReferenceRows | None) -> Findings:
    subject = Subject(name="cifar10", class_names=NAMES, pictures=pictures, brought=references)
    return examine(subject, setting(), About(dataset="cifar10", encoders="colours"), Clock())


@pytest.mark.parametrize("per_class", [0, 4])
def test_other_labels_of_the_pictures_change_no_plan_and_no_reference(per_class: int) -> None:
    pictures = noisy_pictures(per_class=20, seed=1)
    references = brought(per_class=per_class, seed=2) if per_class else None
    shuffled = pictures.labelled(np.random.default_rng(3).permutation(pictures.labels))
    true, false = examined(pictures, references), examined(shuffled, references)
    assert set(true.plans) == set(WEIGHTINGS)
    assert true.plans == false.plans
    assert true.references is not None
    assert false.references is not None
    assert np.array_equal(true.references.own, false.references.own)
    assert np.array_equal(true.references.labels, false.references.labels)
    assert [row.value for row in true.rows] != [row.value for row in false.rows]


def open_set_values(references: ReferenceRows) -> dict[tuple[object, ...], float | None]:
    subject = Subject(
        name="cifar10",
        class_names=NAMES,
        pictures=noisy_pictures(per_class=12, seed=4, noise=1.5),
        brought=references,
    )
    scene = next(scenes_of("cifar10", {"cifar10": subject}))
    rows = open_set([scene], setting(harvest=0), About(dataset="x", encoders="x"), weightings=True)
    return {
        (row.table, row.protocol, row.heads, row.weighting, row.metric): row.value
        for row in rows
        if row.split == 0
    }


def test_references_of_unknown_classes_reach_only_the_protocol_that_shows_them() -> None:
    references = brought(per_class=3, seed=5)
    unknown = np.isin(references.labels, [2, 3, 5, 8])  # the first split knows 0 6 4 9 1 7
    noise = unit_rows(np.random.default_rng(6).standard_normal(references.image.shape))
    other = replace(references, image=np.where(unknown[:, None], noise, references.image))
    true, false = open_set_values(references), open_set_values(other)
    changed = {key[1] for key in true if true[key] != false[key]}
    assert changed == {"oracle_names"}


def test_there_is_no_mean_over_fewer_splits_than_there_are() -> None:
    subject = Subject(
        name="cifar10",
        class_names=NAMES,
        pictures=noisy_pictures(per_class=4, seed=4),
        brought=brought(per_class=1, seed=5),
    )
    first, second, *_ = scenes_of("cifar10", {"cifar10": subject})
    scenes = [first, replace(second, brought=None)]
    about = About(dataset="x", encoders="x")
    rows = open_set(scenes, setting(harvest=0), about, weightings=False)
    means = {row.heads for row in rows if row.split == "mean" and row.table in {"1", "4", "7"}}
    assert means == {TEXT_IMAGE}
    assert {row.split for row in rows if row.heads == IMAGE_IMAGE} == {0}


def test_a_picture_that_is_a_reference_is_compared_with_the_others_of_its_class_only() -> None:
    pictures = noisy_pictures(per_class=15, seed=7)
    names = told()
    found = harvested(
        pictures,
        classes=names.classes,
        words=names.words,
        logit_scale=names.text_scale,
        per_class=4,
    )
    heads = heads_of(pictures, names.classes, found, text_scale=names.text_scale)
    images, references = (rows.astype(float) for rows in heads.spaces[IMAGE_IMAGE])
    for row in set(found.own.tolist()):
        for label in set(found.labels.tolist()):
            cosines = [
                float(images[row] @ references[at])
                for at in range(len(found))
                if found.labels[at] == label and found.own[at] != row
            ]
            got = heads.similarity[IMAGE_IMAGE][row, label]
            assert got == pytest.approx(sum(cosines) / len(cosines), abs=1e-5)


def test_the_only_reference_of_a_class_says_nothing_of_itself() -> None:
    pictures = noisy_pictures(per_class=6, seed=8)
    references = replace(brought(per_class=1, seed=9), own=np.arange(0, 60, 6))
    heads = heads_of(pictures, told().classes, references, text_scale=30.0)
    silent = np.isinf(heads.similarity[IMAGE_IMAGE]).all(axis=1)
    assert np.flatnonzero(silent).tolist() == list(range(0, 60, 6))
    fused = heads.fused(heads.plan(heads.every, weighting="max"))
    alone = heads.fused(heads.plan((TEXT_IMAGE,), weighting="max"))
    # With one voice left, the fusion of that picture is that voice.
    assert fused.probabilities[silent].argmax(axis=1).tolist() == (
        alone.probabilities[silent].argmax(axis=1).tolist()
    )


def test_references_that_contradict_each_other_are_dropped_by_the_gate() -> None:
    pictures = noisy_pictures(per_class=20, seed=10)
    references = brought(per_class=4, seed=11)
    names = told()
    good = names.heads(pictures, references)
    assert len(good.plan(good.every, weighting="max").used) == 3
    bad = names.heads(pictures, shuffled(references))
    plan = bad.plan(bad.every, weighting="max")
    assert [one.name for one in plan.used] == [TEXT_IMAGE]


def test_exchanged_references_that_nobody_vouches_for_are_dropped_by_the_gate() -> None:
    pictures = noisy_pictures(per_class=20, seed=10)
    references = exchanged(brought(per_class=4, seed=11), len(NAMES))
    unvouched = replace(references, by_construction=np.zeros(len(references), bool))
    heads = told().heads(pictures, unvouched)
    assert [one.name for one in heads.plan(heads.every, weighting="max").used] == [TEXT_IMAGE]


def test_one_class_bad_means_that_it_shows_its_look_alike() -> None:
    references = brought(per_class=2, seed=12)
    names = told()
    similarity = [
        (float(names.classes[a].astype(float) @ names.classes[b]), a, b)
        for a in range(len(NAMES))
        for b in range(a + 1, len(NAMES))
    ]
    _, victim, other = max(similarity)
    bad = one_class_bad(references, names)
    shown = bad.image[bad.labels == victim]
    assert np.array_equal(shown, references.image[references.labels == other])
    kept = bad.labels != victim
    assert kept.sum() == 2 * (len(NAMES) - 1)
    assert all(row in references.image for row in bad.image[kept])


@given(st.integers(0, 50), st.one_of(st.none(), st.integers(1, 60)))
@settings(max_examples=50, deadline=None)
def test_a_limit_takes_different_pictures_in_order_from_all_of_the_set(
    n: int, most: int | None
) -> None:
    chosen = evenly(n, most).tolist()
    assert len(chosen) == (n if most is None else min(n, most))
    assert chosen == sorted(set(chosen))
    gaps = np.diff([*chosen, n]) if chosen else np.zeros(1)
    assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize(("n", "expected"), [(3, 2), (5, 4), (10, 5), (29, 5), (300, 60)])
def test_the_perplexity_is_the_papers(n: int, expected: int) -> None:
    assert perplexity_of(n) == expected
