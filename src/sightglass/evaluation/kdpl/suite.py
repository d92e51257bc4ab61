"""The suite: three protocols over the data sets that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sightglass.errors import EvaluationError, InputError
from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.drawn import Drawn, drawn_shots, drawn_test
from sightglass.evaluation.kdpl.known import ELEVEN, SOURCE, known_datasets
from sightglass.evaluation.kdpl.learning import PromptLearner
from sightglass.evaluation.kdpl.located import Say, locate
from sightglass.evaluation.kdpl.measured import CROSS, DOMAIN, NOVEL, PROTOCOLS, with_means
from sightglass.evaluation.kdpl.methods import methods_of
from sightglass.evaluation.kdpl.novel import Halves, base_to_novel, halves_of, halves_untrained
from sightglass.evaluation.kdpl.plan import AVERAGED, NEEDS, SHOWN, Plan
from sightglass.evaluation.kdpl.shots import draw_shots
from sightglass.evaluation.kdpl.source_trained import Targets, transfer, untrained
from sightglass.evaluation.kdpl.suite_tables import tables_of
from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.suite_result import SuiteResult


def run_suite(
    data: Path,
    learner: PromptLearner,
    plan: Plan,
    *,
    command: str = "",
    say: Say = lambda _: None,
) -> SuiteResult:
    """Run every protocol for which there are data.

    Args:
        data: Folder with the data sets, each in a folder named after it.
        learner: Student and teacher.
        plan: What to run.
        command: What makes the tables again.
        say: Takes a line about what is being done.

    Raises:
        InputError: If there is nothing in ``data`` to learn from.
    """
    wanted = [name for name in known_datasets() if any(name in NEEDS[p] for p in plan.protocols)]
    located = locate(data, wanted, say=say)
    datasets = located.datasets
    remarks = list(located.remarks)
    targets = _targets(datasets, plan) if SOURCE in datasets else {}
    halves = _halves(datasets, plan, remarks) if NOVEL in plan.protocols else {}
    if not targets and not halves:
        raise InputError(
            f"Suite: a data set to learn from is needed in '{data}', found none. "
            + " ".join(remarks)
        )
    drawn: list[Drawn] = []
    rows: list[MetricRow] = []
    # Nothing is learned before every test picture has been read once: a damaged one must not show
    # after days of training.
    targets = _untrained_targets(
        learner, targets, plan, say=say, rows=rows, drawn=drawn, remarks=remarks
    )
    halves = _untrained_halves(
        learner, halves, plan, say=say, rows=rows, drawn=drawn, remarks=remarks
    )
    trainings = len(methods_of(plan.hosts)) * len(plan.seeds)
    count = _Count(say, trainings * (bool(targets) + len(halves)))
    if targets:
        rows += _transferred(learner, datasets[SOURCE], targets, plan, count=count, drawn=drawn)
    for name, both in halves.items():
        rows += _halved(
            learner, both, plan, count=count, drawn=drawn, title=known_datasets()[name].title
        )
    complete = tuple(
        row
        for protocol in PROTOCOLS
        for row in with_means([one for one in rows if one.protocol == protocol], AVERAGED[protocol])
    )
    remarks += _without_average(plan, targets, halves)
    tables = tables_of(complete, drawn, plan)
    return SuiteResult(
        rows=complete,
        tables={name: replace(table, command=command) for name, table in tables.items()},
        remarks=tuple(remarks),
    )


class _Count:
    """Says which training begins, of how many."""

    def __init__(self, say: Say, total: int) -> None:
        self.say, self._total, self._begun = say, total, 0

    def training(self, line: str) -> None:
        self._begun += 1
        self.say(f"training {self._begun:,} of {self._total:,}: {line}")


def _targets(datasets: Mapping[str, KdplDataset], plan: Plan) -> Targets:
    targets = {
        protocol: {
            name: datasets[name].limited(plan.limit) for name in SHOWN[protocol] if name in datasets
        }
        for protocol in (DOMAIN, CROSS)
        if protocol in plan.protocols
    }
    return {protocol: of_protocol for protocol, of_protocol in targets.items() if of_protocol}


def _halves(
    datasets: Mapping[str, KdplDataset], plan: Plan, remarks: list[str]
) -> dict[str, Halves]:
    halves = {}
    for name in ELEVEN:
        if name not in datasets:
            continue
        try:
            halves[name] = halves_of(datasets[name], limit=plan.limit)
        except InputError as error:
            remarks.append(f"{known_datasets()[name].title}: no base-to-novel. {error}")
    return halves


def _untrained_targets(
    learner: PromptLearner,
    targets: Targets,
    plan: Plan,
    *,
    say: Say,
    rows: list[MetricRow],
    drawn: list[Drawn],
    remarks: list[str],
) -> Targets:
    """Zero-shot rows of all targets; those with a picture that cannot be used are left out."""
    usable: dict[str, dict[str, KdplDataset]] = {}
    for protocol, of_protocol in targets.items():
        for name, target in of_protocol.items():
            title = known_datasets()[name].title
            say(f"{title}: zero-shot")
            try:
                rows += list(untrained(learner, target, protocol=protocol, about=plan.about))
            except EvaluationError as error:
                remarks.append(f"{title}: left out of {protocol}. {error}")
                continue
            drawn.append(drawn_test(target, title=title, part="all"))
            usable.setdefault(protocol, {})[name] = target
    return usable


def _untrained_halves(
    learner: PromptLearner,
    halves: Mapping[str, Halves],
    plan: Plan,
    *,
    say: Say,
    rows: list[MetricRow],
    drawn: list[Drawn],
    remarks: list[str],
) -> dict[str, Halves]:
    """Zero-shot rows of all halves; those with a picture that cannot be used are left out."""
    usable = {}
    for name, both in halves.items():
        title = known_datasets()[name].title
        say(f"{title}, base and novel classes: zero-shot")
        try:
            rows += list(halves_untrained(learner, both, about=plan.about))
        except EvaluationError as error:
            remarks.append(f"{title}: left out of {NOVEL}. {error}")
            continue
        drawn.append(drawn_test(both.base, title=title, part="base"))
        drawn.append(drawn_test(both.novel, title=title, part="novel"))
        usable[name] = both
    return usable


def _transferred(
    learner: PromptLearner,
    source: KdplDataset,
    targets: Targets,
    plan: Plan,
    *,
    count: _Count,
    drawn: list[Drawn],
) -> list[MetricRow]:
    rows: list[MetricRow] = []
    title = known_datasets()[SOURCE].title
    for seed in plan.seeds:
        shots = draw_shots(source, per_class=plan.about.shots, seed=seed)
        drawn.append(drawn_shots(source, shots, title=title, part="all", seed=seed))
        for method in methods_of(plan.hosts):
            count.training(
                f"{method.title}, seed {seed}, {len(shots.pictures):,} pictures of {title}"
            )
            rows += transfer(learner, method, source, shots, targets, seed=seed, about=plan.about)
    return rows


def _halved(
    learner: PromptLearner,
    both: Halves,
    plan: Plan,
    *,
    count: _Count,
    drawn: list[Drawn],
    title: str,
) -> list[MetricRow]:
    rows: list[MetricRow] = []
    for seed in plan.seeds:
        shots = draw_shots(both.base, per_class=plan.about.shots, seed=seed)
        drawn.append(drawn_shots(both.base, shots, title=title, part="base", seed=seed))
        for method in methods_of(plan.hosts):
            count.training(
                f"{method.title}, seed {seed}, {len(shots.pictures):,} pictures of {title}, "
                f"base classes"
            )
            rows += base_to_novel(learner, method, both, shots, seed=seed, about=plan.about)
    return rows


def _without_average(plan: Plan, targets: Targets, halves: Mapping[str, Halves]) -> list[str]:
    """A sentence for each protocol that is not run, or whose average lacks a data set."""
    remarks = []
    present = {**targets, NOVEL: halves}
    for protocol in plan.protocols:
        have = present.get(protocol, {})
        if not have:
            remarks.append(f"{protocol}: not run, because its data are not there.")
            continue
        absent = [known_datasets()[one].title for one in AVERAGED[protocol] if one not in have]
        if absent:
            remarks.append(
                f"{protocol}: no average, because it is over {len(AVERAGED[protocol])} data sets "
                f"and these are not there: {', '.join(absent)}."
            )
    return remarks
