"""Commands in processes that have everything loaded when they begin: many can be killed a minute.

A server process imports what commands need; every command is a fork of it, with a process of its
own that `kill -9` ends like any other. Only the interpreter's start is left out.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Protocol

import torch

from commands import environment
from sightglass.checks import usable_processors

# Not onnxruntime: it starts a thread, and a process with threads is no safe one to fork.
_LOADED = [
    "torch",
    "transformers",
    "openai",
    "sightglass.cli",
    "sightglass.pipeline",
    "sightglass.encoders.mini",
    "sightglass.encoders.hub",
    "sightglass.reports.folder",
    "sightglass.evaluation.closed_set_tables",
    "sightglass.evaluation.datasets",
    "sightglass.distillation.prompts.training",
    "sightglass.distillation.encoder.run",
    "sightglass.generation.imagining",
]


class Running(Protocol):
    """A command that was begun: as ``subprocess.Popen`` has it."""

    stderr: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...


Start = Callable[..., Running]


class _Forked:
    stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("sightglass", timeout or 0)
        return code

    def send_signal(self, number: int, /) -> None:
        assert number == signal.SIGKILL
        self._process.kill()


def start_forked(*arguments: str | Path, home: Path) -> Running:
    """The command, begun; its current folder is ``home`` and what it says goes to ``said.txt``."""
    context = multiprocessing.get_context("forkserver")
    assert isinstance(context, ForkServerContext)
    context.set_forkserver_preload(_LOADED)
    process = context.Process(
        target=_command, args=(list(map(str, arguments)), home, environment(home)), daemon=True
    )
    process.start()
    return _Forked(process)


def _command(arguments: list[str], home: Path, variables: dict[str, str]) -> None:
    # The server, and torch in it, was loaded under the variables of the test that asked first.
    os.environ.clear()
    os.environ.update(variables)
    torch.set_num_threads(int(variables.get("OMP_NUM_THREADS") or usable_processors()))
    os.chdir(home)
    said = os.open(home / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    from sightglass.cli import main

    sys.exit(main(arguments))
