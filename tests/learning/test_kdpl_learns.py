"""KDPL moves a student towards its teacher; five models of each in e2e/test_kdpl_learns.py."""

from __future__ import annotations

import pytest

from learning.adapting import Adaptation, Pair, print_table
from sightglass.encoders.prompted.hosts import HOST_NAMES

SEEDS = (1, 2, 3, 4, 5)


def assert_learned(runs: list[Adaptation]) -> None:
    """More right names and more of the teacher's in most seeds, its distribution nearer in all."""
    assert sum(run.after.accuracy > run.before.accuracy for run in runs) >= 4, runs
    assert sum(run.after.agreement > run.before.agreement for run in runs) >= 4, runs
    for run in runs:
        assert run.after.divergence < min(run.before.divergence, run.begun.divergence), run


def test_the_teacher_knows_what_the_student_does_not(pair: Pair) -> None:
    run = pair.adapt("coop", seed=1, pictures=8, epochs=1)
    assert run.teacher > run.before.accuracy + 0.3
    assert run.before.accuracy > 0.2  # but the student is better than guessing


def test_a_context_begins_as_the_plain_sentence(pair: Pair) -> None:
    run = pair.adapt("coop", seed=1, pictures=8, epochs=1)
    assert run.begun.accuracy == run.before.accuracy
    assert run.begun.divergence == pytest.approx(run.before.divergence, abs=1e-4)


@pytest.mark.parametrize("host", HOST_NAMES)
def test_unlabelled_pictures_bring_a_student_nearer_to_its_teacher(pair: Pair, host: str) -> None:
    runs = [pair.adapt(host, seed=seed, pictures=128, epochs=6) for seed in SEEDS]
    print_table("Known classes", runs)
    assert_learned(runs)
    # What was learned is what this teacher says, not what any would.
    misled = pair.adapt(host, seed=SEEDS[0], pictures=128, epochs=6, wrong_names=True)
    print_table("The same with a teacher that names wrongly", [misled])
    assert misled.after.accuracy < runs[0].after.accuracy
    assert misled.after.divergence > runs[0].after.divergence


def test_a_vocabulary_does_instead_of_the_classes(pair: Pair) -> None:
    runs = [pair.adapt("coop", seed=seed, pictures=128, epochs=6, top_k=20) for seed in SEEDS]
    print_table("20 words at a time, of 70", runs)
    assert_learned(runs)
