"""Five students and five teachers, all trained here; `make e2e`, with `-s` for the tables.

A short form, with one of each and five seeds of everything else, is in tests/learning.
"""

from __future__ import annotations

from pathlib import Path

from learning.adapting import Adaptation, Pair, print_table
from sightglass.encoders.prompted.hosts import HOST_NAMES
from torch_threads import one_torch_thread

SEEDS = (1, 2, 3, 4, 5)


def test_kdpl_improves_most_students_in_every_host(tmp_path: Path) -> None:
    known: dict[str, list[Adaptation]] = {host: [] for host in HOST_NAMES}
    agnostic: list[Adaptation] = []
    supervised: list[Adaptation] = []
    with one_torch_thread():
        for seed in SEEDS:
            folder = tmp_path / str(seed)
            folder.mkdir()
            pair = Pair.train(folder, seed=seed)
            for host in HOST_NAMES:
                known[host].append(pair.adapt(host, seed=seed, pictures=256, epochs=8))
            agnostic.append(pair.adapt("coop", seed=seed, pictures=256, epochs=8, top_k=20))
            supervised.append(
                pair.adapt("coop", seed=seed, pictures=256, epochs=8, loss="cross_entropy")
            )
    for host in HOST_NAMES:
        print_table("KDPL, known classes", known[host])
    print_table("KDPL, 20 words at a time of 70", agnostic)
    print_table("Cross-entropy with labels, for comparison", supervised)
    for runs in (*known.values(), agnostic):
        assert sum(run.after.accuracy > run.before.accuracy for run in runs) >= 4, runs
        assert sum(run.after.agreement > run.before.agreement for run in runs) >= 4, runs
        for run in runs:
            assert run.after.divergence < min(run.before.divergence, run.begun.divergence), run
