"""Shards through Ray Data: workers hold the model, answers come back as they are made."""

from __future__ import annotations

import logging
import os
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sightglass.checks import require_extra, usable_processors
from sightglass.errors import InputError, ResultsError, first_line
from sightglass.scale.answers import Answer
from sightglass.scale.failures import Failure
from sightglass.scale.login import check_login, prepare_login
from sightglass.scale.plan import Plan
from sightglass.scale.reachable import check_reachable
from sightglass.scale.shards import Shard, packed_sources, unpacked_sources
from sightglass.scale.worker import Worker

# Shards that a worker has at once, the one it computes included: it never waits, and with the
# answers that wait for the driver they bound what is under way.
_AHEAD = 2
# What travels is small: paths and answers. Ray's default is a third of the machine's memory.
_OBJECT_STORE_BYTES = 256_000_000
# Answers may fill this much before workers wait for the driver.
_WAITING_BYTES = 64_000_000
# The line that ends a trace of something else than Ray's own errors.
_CAUSE = re.compile(r"^(?!ray\.)[\w.]+(?:Error|Exception): .+", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[\d*m")
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is ever reported to anybody
    "RAY_DEDUP_LOGS_SKIP_REGEX": "[\\s\\S]*",  # what Ray prints on the terminal beside its logs
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # the log of the parts below Python
}


@dataclass(slots=True, kw_only=True)
class ClusterTally:
    """What a run on a cluster did, beside its answers; filled in while it goes on.

    Attributes:
        nodes: Machines (raylets) that were alive when the run began.
        workers: At most so many at once.
        begun: Shards that some worker began; more than ``arrived`` where a worker was lost.
        arrived: Shards whose answer came.
        answered: Ray's names of the nodes that they came from.
    """

    nodes: int = 0
    workers: int = 0
    begun: int = 0
    arrived: int = 0
    answered: set[str] = field(default_factory=set)


def require_ray(address: str | None) -> Any:
    """Ray, and Ray Data.

    Args:
        address: What will be given to ``connected``: Ray looks only when it is imported whether to
            log in.

    Raises:
        MissingExtraError: If one of them is not installed.
    """
    prepare_login(address)
    os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
    ray = require_extra("ray", extra="ray", purpose="--engine ray")
    require_extra("ray.data", extra="ray", purpose="--engine ray")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return ray


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Any]:
    """Ray, with a cluster of this machine alone, or as a driver of the one at ``address``.

    Raises:
        InputError: If there is no such cluster; said within seconds.
        MissingExtraError: If Ray is not installed.
    """
    if address is not None:
        check_reachable(address)
    ray = require_ray(address)
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address is None:
        to_begin = {
            "address": "local",
            "num_cpus": workers or usable_processors(),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    else:
        to_begin = {"address": address}
    try:
        with _without_standard_error():
            ray.init(**to_begin, **quiet)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        check_login(error, address)
        where = "this machine" if address is None else f"--address {address}"
        raise InputError(
            f"Ray: a cluster that can be joined is needed, {where} gives none "
            f"({first_line(error)}). See docs/scale.md for how to start one."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def answers(
    ray: Any,
    plan: Plan,
    shards: Iterable[Shard],
    shown: Callable[[Shard], Sequence[int]],
    *,
    workers: int | None,
    tally: ClusterTally,
) -> Iterator[tuple[int, Answer]]:
    """The number and the answer of each shard, as they come, each at most once.

    A shard whose worker is lost is given to another. Workers wait where answers are not taken.

    Args:
        ray: From ``connected``.
        plan: For every worker.
        shards: At least one; what is kept of each is its packed sources.
        shown: Given a shard, the places of pictures whose thumbnails are wanted.
        workers: At most so many at once; None for one per processor of the cluster.
        tally: Filled in.

    Raises:
        SightglassError: What a worker raised.
        InputError: If the cluster has no processors.
        ResultsError: If the cluster fails.
    """
    from ray.data import ActorPoolStrategy, DataContext, from_items
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    alive = [node for node in ray.nodes() if node["Alive"]]
    processors = int(sum(node["Resources"].get("CPU", 0) for node in alive))
    if not processors:
        raise InputError(
            "Ray: a cluster with processors is needed, this one has none. Add a machine to it "
            "with `ray start --address`, see docs/scale.md."
        )
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.resource_limits = context.execution_options.resource_limits.copy(
        object_store_memory=_WAITING_BYTES
    )
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    counter = ray.remote(num_cpus=0, scheduling_strategy=here)(_Counter).remote()
    items = [
        {
            "shard": shard.number,
            "sources": packed_sources(shard.sources),
            "shown": pickle.dumps(list(shown(shard))),
        }
        for shard in shards
    ]
    count = min(workers or processors, processors, len(items))
    tally.nodes, tally.workers = len(alive), count
    dataset: Any = from_items(items, override_num_blocks=len(items)).map_batches(
        RayWorker,
        fn_constructor_args=(pickle.dumps(plan), counter),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
        # From one upwards, so that a worker that has nothing left to do makes room for the
        # successor of one that was lost.
        compute=ActorPoolStrategy(
            min_size=1, max_size=count, initial_size=count, max_tasks_in_flight_per_actor=_AHEAD
        ),
    )
    batches = dataset.iter_batches(batch_size=1, prefetch_batches=0, batch_format="pyarrow")
    yield from arrived(batches, lambda: ray.get(counter.count.remote()), tally)


def arrived(
    batches: Iterable[Any], begun: Callable[[], int], tally: ClusterTally
) -> Iterator[tuple[int, Answer]]:
    """What ``RayWorker`` made, as it comes back.

    Args:
        batches: Tables of one shard each, as Ray Data gives them.
        begun: How many shards some worker began.
        tally: Filled in.

    Raises:
        SightglassError: What a worker raised.
        ResultsError: If the cluster fails.
    """
    coming = iter(batches)
    while True:
        # Ray Data raises errors of Ray's, of its own and of the system's. None may pass for an
        # error of the files that rows are written to, which is what an OSError is there.
        try:
            batch = next(coming, None)
            tally.begun = begun()
        except Exception as error:
            raise ResultsError(
                f"Ray: a cluster that goes on is needed, it failed ({_said(error)}). Finished "
                f"shards are kept; run the same command again."
            ) from error
        if batch is None:
            return
        (row,) = batch.to_pylist()
        reply: Answer | Failure = pickle.loads(row["reply"])
        if isinstance(reply, Failure):
            raise reply.as_error()
        tally.answered.add(row["node"])
        tally.arrived += 1
        yield row["shard"], reply


def _said(error: Exception) -> str:
    """One line of Ray's many: the error inside the traces, if there is one, else the first."""
    cause = _CAUSE.search(str(error))
    return cause[0] if cause else _COLOUR.sub("", first_line(error, otherwise=type(error).__name__))


class _Counter:
    """Counts shards that were begun, on the driver's own machine."""

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        self._count += 1

    def count(self) -> int:
        return self._count


class RayWorker:
    """``Worker`` in the form that Ray Data calls: a table with one shard in, one answer out."""

    def __init__(self, plan: bytes, counter: Any) -> None:
        self._worker = Worker(pickle.loads(plan))
        self._counter = counter

    def __call__(self, batch: Any) -> dict[str, list[Any]]:
        """The answers to the shards of ``batch``."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        made: dict[str, list[Any]] = {"shard": [], "reply": [], "node": []}
        for row in batch.to_pylist():
            self._counter.add.remote()
            reply = self._worker.answer(
                unpacked_sources(row["sources"]), pickle.loads(row["shown"])
            )
            made["shard"].append(row["shard"])
            made["reply"].append(pickle.dumps(reply))
            made["node"].append(node)
        return made


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """What the libraries below Python print there is lost: Ray's says that its log is quiet."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
