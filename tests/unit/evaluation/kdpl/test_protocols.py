"""The three protocols end to end, with numbers that can be counted by hand.

The planned learner's skills: student 1, teacher 4; cross-entropy 2, KDPL 3, KDPL-CA 1, and with
seed 2 one more of each. A test picture of level l is told right with a skill of l or more.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from kdpl_layouts import NAMES, write_by_id, write_imagenet, write_prepared, write_world
from planned_learner import PlannedLearner, answers
from sightglass.errors import InputError, ShapeError, UnknownNameError
from sightglass.evaluation.kdpl.known import SHIFTED, TEN
from sightglass.evaluation.kdpl.located import locate
from sightglass.evaluation.kdpl.measured import About, with_means
from sightglass.evaluation.kdpl.methods import Method
from sightglass.evaluation.kdpl.plan import Plan
from sightglass.evaluation.kdpl.suite import SuiteResult, run_suite
from sightglass.evaluation.metrics_json import MetricRow

ABOUT = About(student="small", teacher="large", shots=2)
DOMAIN, CROSS, NOVEL = "domain_generalisation", "cross_dataset", "base_to_novel"


def value(rows: tuple[MetricRow, ...], **columns: object) -> float:
    (row,) = [
        row for row in rows if all(getattr(row, name) == wanted for name, wanted in columns.items())
    ]
    assert row.value is not None
    return row.value


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def learner() -> PlannedLearner:
    return PlannedLearner()


@pytest.fixture(scope="module")
def result(world: Path, learner: PlannedLearner) -> SuiteResult:
    return run_suite(world, learner, Plan(about=ABOUT, hosts=("coop",)))


def test_imagenet_is_learned_once_per_method_and_seed_for_both_protocols(
    result: SuiteResult, learner: PlannedLearner
) -> None:
    of_source = [one for one in learner.learnt if one["setting"] == "cross_dataset"]
    assert [(one["loss"], one["seed"]) for one in of_source] == [
        (loss, seed) for seed in (1, 2, 3) for loss in ("cross_entropy", "kdpl", "kdpl_ca")
    ]
    # Five classes, two shots each.
    assert {len(one["pictures"]) for one in of_source} == {10}
    assert {row.protocol for row in result.rows} == {DOMAIN, CROSS, NOVEL}


def test_domain_generalisation_averages_the_four_targets_and_not_the_source(
    result: SuiteResult,
) -> None:
    # Skill 2. Levels: ImageNet 1,2,3,4; V2 1,3,3,3; Sketch 3,4; A 1,2,3,4; R 1,2.
    seed_1 = {"imagenet": 0.5, "imagenet_v2": 0.25, "imagenet_sketch": 0.0, "imagenet_a": 0.5}
    seed_1["imagenet_r"] = 1.0
    about = {"protocol": DOMAIN, "heads": "coop", "weighting": "cross_entropy", "metric": "top1"}
    for name, accuracy in seed_1.items():
        assert value(result.rows, dataset=name, split=1, **about) == accuracy
    average = value(result.rows, dataset="average", split=1, **about)
    assert average == (0.25 + 0.0 + 0.5 + 1.0) / 4
    careless = sum(seed_1.values()) / 5
    assert average != careless


def test_the_mean_over_seeds_is_neither_the_best_seed_nor_the_last(result: SuiteResult) -> None:
    about = {"protocol": DOMAIN, "heads": "coop", "weighting": "cross_entropy"}
    of_seeds = [
        value(result.rows, dataset="average", split=seed, metric="top1", **about)
        for seed in (1, 2, 3)
    ]
    # Seed 2, skill 3: 1, 1/2, 3/4 and 1.
    assert of_seeds == [0.4375, 0.8125, 0.4375]
    mean = value(result.rows, dataset="average", split="mean", metric="top1", **about)
    spread = value(result.rows, dataset="average", split="mean", metric="top1_std", **about)
    assert mean == pytest.approx(0.5625, abs=1e-12)
    assert mean not in {max(of_seeds), of_seeds[-1]}
    # Deviations -1/8, 1/4, -1/8; two degrees of freedom.
    assert spread == pytest.approx(math.sqrt((1 / 64 + 1 / 16 + 1 / 64) / 2), abs=1e-12)


def test_imagenet_a_is_scored_over_its_own_classes_only(result: SuiteResult, world: Path) -> None:
    about = {"protocol": DOMAIN, "dataset": "imagenet_a", "metric": "top1"}
    assert value(result.rows, heads="teacher_zero_shot", **about) == 1.0
    # Its pictures look like a class that it does not have: among all classes every one is wrong.
    datasets = locate(world, ("imagenet", "imagenet_a")).datasets
    own, every = datasets["imagenet_a"], datasets["imagenet"].class_names
    careless = answers(own.test_pictures, every, skill=4).argmax(axis=1)
    assert not {every[column] for column in careless} & set(own.class_names)


def test_cross_dataset_is_the_mean_over_ten(result: SuiteResult) -> None:
    about = {"protocol": CROSS, "heads": "coop", "weighting": "kdpl", "metric": "top1"}
    of_ten = [value(result.rows, dataset=name, split=1, **about) for name in TEN]
    # Skill 3: of levels 1,2,3,4 three quarters, of 1,2,3,3 all; five sets have each.
    assert sorted(of_ten) == [0.75] * 5 + [1.0] * 5
    assert value(result.rows, dataset="average", split=1, **about) == 0.875
    assert "imagenet" not in {row.dataset for row in result.rows if row.protocol == CROSS}


def test_base_to_novel_learns_from_base_pictures_with_base_names_only(
    result: SuiteResult, learner: PlannedLearner
) -> None:
    assert result.rows
    of_halves = [one for one in learner.learnt if one["setting"] == "base_to_novel"]
    assert len(of_halves) == 11 * 3 * 3
    names = {one["class_names"] for one in of_halves}
    assert names == {("alpha", "beta", "gamma ray"), ("tench", "goldfish", "great white shark"), ()}
    learnt = {Path(path).parent.name for one in of_halves for path in one["pictures"]}
    assert not learnt & {"delta", "epsilon", "n02085620", "n04254680"}


def test_each_half_is_told_from_its_own_names_only(tmp_path: Path) -> None:
    # Every picture looks like a class of the other half, if that may be answered.
    looks = {"alpha": "delta", "beta": "delta", "gamma_ray": "delta"}
    looks |= {"delta": "alpha", "epsilon": "alpha"}
    write_prepared(tmp_path, "eurosat", looks_like=looks)
    plan = Plan(about=ABOUT, hosts=("maple",), seeds=(1,), protocols=(NOVEL,))
    rows = run_suite(tmp_path, PlannedLearner(), plan).rows
    about = {"dataset": "eurosat", "split": 1, "weighting": "kdpl"}
    assert value(rows, metric="top1_base", **about) == 0.75
    assert value(rows, metric="top1_novel", **about) == 0.75
    dataset = locate(tmp_path, ("eurosat",)).datasets["eurosat"]
    careless = answers(dataset.test_pictures, dataset.class_names, skill=3).argmax(axis=1)
    assert not (careless == dataset.test_labels).any()


def made(dataset: str, metric: str, number: float, seed: int) -> MetricRow:
    return MetricRow(
        suite="kdpl",
        dataset=dataset,
        protocol=NOVEL,
        split=seed,
        heads="coop",
        weighting="kdpl",
        metric=metric,
        value=number,
        n=10,
    )


def test_the_last_harmonic_mean_is_that_of_the_averages() -> None:
    pairs = {"dtd": (0.8, 0.6), "eurosat": (0.4, 1.0)}
    rows = [
        made(name, metric, number, 1)
        for name, pair in pairs.items()
        for metric, number in zip(("top1_base", "top1_novel"), pair, strict=True)
    ]
    complete = with_means(rows, tuple(pairs))
    found = value(complete, dataset="average", split="mean", metric="harmonic_mean")
    # METHODS.md §F, B6, with the two exchanged: HM(60, 80) = HM(80, 60) = 68.571429.
    assert found == pytest.approx(0.68571429, abs=1e-8)
    # Careless: the mean of HM(.8, .6) = .685714 and HM(.4, 1) = .571429.
    of_sets = [
        value(complete, dataset=name, split="mean", metric="harmonic_mean") for name in pairs
    ]
    assert of_sets == pytest.approx([0.68571429, 0.57142857], abs=1e-8)
    assert found != pytest.approx(np.mean(of_sets), abs=1e-3)


def test_the_harmonic_mean_of_a_data_set_is_that_of_its_means_over_seeds() -> None:
    rows = [
        *(made("dtd", "top1_base", 0.8, 1), made("dtd", "top1_novel", 0.6, 1)),
        *(made("dtd", "top1_base", 0.4, 2), made("dtd", "top1_novel", 1.0, 2)),
    ]
    complete = with_means(rows, ("dtd",))
    about = {"dataset": "dtd", "split": "mean"}
    assert value(complete, metric="harmonic_mean", **about) == pytest.approx(0.68571429, abs=1e-8)
    # Of two numbers the sample standard deviation is their distance over the root of 2.
    assert value(complete, metric="harmonic_mean_std", **about) == pytest.approx(
        (0.68571429 - 0.57142857) / math.sqrt(2), abs=1e-8
    )


def test_there_is_no_average_where_a_data_set_is_absent(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    write_by_id(tmp_path / "imagenet-r", ["n01440764"])
    plan = Plan(about=ABOUT, hosts=("coop",), seeds=(1,), protocols=(DOMAIN, CROSS))
    found = run_suite(tmp_path, PlannedLearner(), plan)
    assert {row.dataset for row in found.rows} == {"imagenet", "imagenet_r"}
    assert found.remarks[-2:] == (
        "domain_generalisation: no average, because it is over 4 data sets and these are not "
        "there: ImageNet-V2, ImageNet-Sketch, ImageNet-A.",
        "cross_dataset: not run, because its data are not there.",
    )


def test_without_imagenet_base_to_novel_is_run_on_what_is_there(tmp_path: Path) -> None:
    write_prepared(tmp_path, "dtd", names=NAMES[:1])
    write_prepared(tmp_path, "eurosat")
    found = run_suite(tmp_path, PlannedLearner(), Plan(about=ABOUT, hosts=("vpt",), seeds=(0,)))
    assert {(row.protocol, row.dataset) for row in found.rows} == {(NOVEL, "eurosat")}
    assert "DTD: no base-to-novel. dtd: test pictures are needed, got none. Check its folder." in (
        found.remarks
    )
    # One seed has no spread.
    spreads = [row.value for row in found.rows if row.metric.endswith("_std")]
    assert set(spreads) == {None}


def test_a_folder_without_anything_to_learn_from_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Suite: a data set to learn from is needed in .*DTD is"):
        run_suite(tmp_path, PlannedLearner(), Plan(about=ABOUT))


def test_a_limit_takes_test_pictures_evenly_and_leaves_the_shots(
    result: SuiteResult, world: Path
) -> None:
    learner = PlannedLearner()
    plan = Plan(about=ABOUT, hosts=("coop",), protocols=(DOMAIN,), limit=5)
    limited = run_suite(world, learner, plan)
    assert {row.n for row in limited.rows if row.dataset == "imagenet"} == {5}
    assert {len(one["pictures"]) for one in learner.learnt} == {10}
    assert {row.n for row in result.rows if row.dataset == "imagenet"} >= {20}


def test_scores_of_another_shape_are_refused(world: Path) -> None:
    dataset = locate(world, ("dtd",)).datasets["dtd"]
    with pytest.raises(ShapeError, match=r"dtd: .* are needed, \(20, 5\), got \(20, 4\) from CoOp"):
        ABOUT.row(np.zeros((20, 4)), dataset, Method("coop", "kdpl"), protocol=CROSS)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hosts": ("cop",)}, "Unknown host 'cop'. Did you mean 'coop'?"),
        ({"protocols": ("novel",)}, "Unknown protocol 'novel'"),
        (
            {"seeds": (1, 2, 1)},
            "Plan: seeds are needed, each once, got 1, 2, 1. Name each one once",
        ),
        ({"hosts": ()}, "Plan: hosts are needed, each once, got none."),
        ({"seeds": (-1,)}, "Plan: seeds must be at least 0, got -1."),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises((InputError, UnknownNameError)) as caught:
        Plan(about=ABOUT, **options)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_the_four_targets_are_the_shifted_sets() -> None:
    assert set(SHIFTED) == {"imagenet_v2", "imagenet_sketch", "imagenet_a", "imagenet_r"}
