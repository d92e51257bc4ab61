"""Several processes on this machine, started and watched by the one that waits for them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import torch
from torch import distributed

from sightglass.checks import usable_processors
from sightglass.distillation.parallel.processes import LONGEST_WAIT, Processes
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError, ModelError, SightglassError

_HERE = "127.0.0.1"
_SECONDS_TO_END = 30.0


def launch(
    count: int, function: Callable[..., Any], *args: Any, longest_wait: timedelta = LONGEST_WAIT
) -> list[Any]:
    """Run ``function(processes, *args)`` in ``count`` processes on this machine.

    They meet on the loopback interface, on a port that was free; they speak by NCCL where there
    is a graphics card for each of them, else by gloo, and share the processors evenly. The first
    that fails ends all. A count of 1 starts nothing: the function runs here.

    Args:
        count: At least 1.
        function: Of a module, not a local one: the processes import it.
        *args: What can be pickled.
        longest_wait: For the others, at any meeting; without it a process that went astray would
            keep the rest waiting for ever.

    Returns:
        What the function returned in each process, by rank.

    Raises:
        InputError: If ``count`` is below 1, or function or arguments cannot be pickled.
        SightglassError: What the first failing process raised, as it was.
        RuntimeError: What it raised, if that was no SightglassError: its traceback.
        ModelError: If a process died.
    """
    check_whole(count, where="launch", name="count", least=1)
    if count == 1:
        return [function(Processes.alone(), *args)]
    try:
        work = pickle.dumps((function, args))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"launch: function and arguments must be what pickle takes, they are not ({error}). "
            f"Give a function of a module, and plain values."
        ) from error
    # This process keeps the store, so that its port cannot be taken by another in between.
    store = distributed.TCPStore(  # type: ignore[attr-defined]
        _HERE, 0, is_master=True, wait_for_workers=False, timeout=longest_wait
    )
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    try:
        for rank in range(count):
            ours, theirs = context.Pipe()
            setting = _Setting(rank, count, store.port, longest_wait)
            process = context.Process(target=_work, args=(theirs, setting, work))
            process.start()
            theirs.close()
            workers.append(_Worker(process, ours))
        answers = _answers(workers)
        for worker in workers:
            worker.line.close()
        for worker in workers:
            worker.process.join(_SECONDS_TO_END)
    finally:
        for worker in workers:
            worker.end()
    return answers


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a process must know to meet the others."""

    rank: int
    count: int
    port: int
    longest_wait: timedelta


@dataclass(frozen=True, slots=True)
class _Worker:
    """A process, and the line on which it answers once."""

    process: SpawnProcess
    line: Connection

    def end(self) -> None:
        """Make sure that it is gone."""
        self.line.close()
        self.process.kill()
        self.process.join()
        self.process.close()


@dataclass(frozen=True, slots=True)
class _Failure:
    """How a function ended that did not return; ``kind`` is None for what is not ours."""

    kind: type[SightglassError] | None
    args: tuple[Any, ...]
    state: dict[str, Any]

    def as_error(self) -> Exception:
        """The error as it was raised, or one with its traceback."""
        if self.kind is None:
            return RuntimeError(*self.args)
        # Not by calling the class: some take other arguments than they keep.
        error = self.kind.__new__(self.kind, *self.args)
        error.args = self.args
        error.__dict__.update(self.state)
        return error


def _answers(workers: list[_Worker]) -> list[Any]:
    """What each returned. The first failure is raised; a death goes before what it caused."""
    answers: dict[int, Any] = {}
    while len(answers) < len(workers):
        open_lines = [worker.line for rank, worker in enumerate(workers) if rank not in answers]
        ready = wait(open_lines)
        failures = []
        for rank, worker in enumerate(workers):
            if worker.line not in ready:
                continue
            try:
                answer = pickle.loads(worker.line.recv_bytes())
            except (EOFError, ConnectionError):
                raise _died(rank, worker, len(workers)) from None
            if isinstance(answer, _Failure):
                failures.append(answer)
            answers[rank] = answer
        if failures:
            raise failures[0].as_error()
    return [answers[rank] for rank in range(len(workers))]


def _died(rank: int, worker: _Worker, count: int) -> ModelError:
    worker.process.join()
    code = worker.process.exitcode or 0
    how, advice = f"with exit code {code}", "What it printed says why."
    if code < 0:
        how = f"by signal {signal.Signals(-code).name}"
        advice = "If memory is short, use fewer processes or smaller parts."
    return ModelError(
        f"launch: each of {count} processes must answer, number {rank} was ended {how}. {advice}"
    )


def _work(line: Connection, setting: _Setting, work: bytes) -> None:
    """What a started process does."""
    # Ctrl-C reaches every process of a terminal; the one that waits decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(multiprocessing.parent_process())
    try:
        answer = pickle.dumps(_result(setting, work))
    except Exception as error:
        answer = pickle.dumps(_failure(error))
    line.send_bytes(answer)
    # Until all have answered: who leaves early breaks off what others still say to it.
    wait([line])
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _result(setting: _Setting, work: bytes) -> Any:
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, usable_processors() // setting.count))
    backend = "gloo"
    if torch.cuda.device_count() >= setting.count and distributed.is_nccl_available():
        torch.cuda.set_device(setting.rank)
        backend = "nccl"
    # Else gloo looks for the machine's own name, which not every network knows.
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    distributed.init_process_group(
        backend,
        store=distributed.TCPStore(  # type: ignore[attr-defined]
            _HERE, setting.port, is_master=False, timeout=setting.longest_wait
        ),
        rank=setting.rank,
        world_size=setting.count,
        timeout=setting.longest_wait,
    )
    function, args = pickle.loads(work)
    return function(Processes(rank=setting.rank, count=setting.count), *args)


def _failure(error: Exception) -> _Failure:
    if isinstance(error, SightglassError):
        ours = _Failure(type(error), error.args, error.__dict__)
        if _travels(ours):
            return ours
    return _Failure(None, ("".join(traceback.format_exception(error)),), {})


def _travels(failure: _Failure) -> bool:
    try:
        pickle.dumps(failure)
    except Exception:
        return False
    return True


def _end_with(parent: Any) -> None:
    """End this process when ``parent`` is gone: killed, it cannot tell."""

    def watch(handles: Iterable[Any]) -> None:
        wait(list(handles))
        os._exit(1)

    threading.Thread(target=watch, args=([parent.sentinel],), daemon=True).start()
