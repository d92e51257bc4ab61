"""Domain generalisation and cross-dataset: one prompt learned on ImageNet, tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.known import PLAIN_TEMPLATE
from sightglass.evaluation.kdpl.learning import PromptLearner, Who, learn
from sightglass.evaluation.kdpl.measured import TOP1, About
from sightglass.evaluation.kdpl.methods import STUDENT, TEACHER, Method
from sightglass.evaluation.kdpl.shots import Shots
from sightglass.evaluation.metrics_json import MetricRow

# Protocol and data set.
Targets = Mapping[str, Mapping[str, KdplDataset]]


def transfer(
    learner: PromptLearner,
    method: Method,
    source: KdplDataset,
    shots: Shots,
    targets: Targets,
    *,
    seed: int,
    about: About,
) -> Iterator[MetricRow]:
    """Learn once from ``source``, then test the same prompt on every target.

    A target's own template is the teacher's; here there is none but the learned context.
    """
    learned = learn(learner, method, source, shots, seed=seed, setting="cross_dataset")
    for protocol, of_protocol in targets.items():
        for target in of_protocol.values():
            logits = learned.logits(target.test_pictures, target.class_names)
            yield about.row(logits, target, method, protocol=protocol, seed=seed)


def untrained(
    learner: PromptLearner,
    dataset: KdplDataset,
    *,
    protocol: str,
    about: About,
    metric: str = TOP1,
) -> Iterator[MetricRow]:
    """The student with the plain template, and the teacher with the data set's."""
    models: tuple[tuple[Who, Method, str], ...] = (
        ("student", STUDENT, PLAIN_TEMPLATE),
        ("teacher", TEACHER, dataset.template),
    )
    for who, method, template in models:
        logits = learner.zero_shot(who, dataset.test_pictures, dataset.class_names, template)
        yield about.row(logits, dataset, method, protocol=protocol, metric=metric)
