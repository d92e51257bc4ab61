"""One worker of a run on many machines: keeps a process that holds the model, and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sightglass.errors import reason
from sightglass.inputs.outcome import Outcome
from sightglass.reports.prediction import Prediction
from sightglass.scale.answers import Answer, joined
from sightglass.scale.failures import Failure
from sightglass.scale.frames import BEAT, Ready
from sightglass.scale.model_process import ModelProcess
from sightglass.scale.patience import Patience
from sightglass.scale.plan import Plan

# A process can also die of its neighbours (memory), or wait for a server that is away; one that is
# lost twice over one picture is lost over it.
TRIES = 2
# Into how many parts sources are cut over which a process was lost. Another begins within seconds,
# and halves spare most of the work; each silence is long, and with more parts there are fewer.
_PARTS = {"died": 2, "was silent": 32}
_MEMORY = "See that every machine has memory to spare, or take fewer --workers."
_MODEL_FILES = "See that every machine can read the model's files."


@dataclass(frozen=True, slots=True)
class _Loss:
    """Why a process gave no answer: as ``it died, killed by SIGSEGV``, ``it was silent for 9 s``.

    Attributes:
        what: ``died`` or ``was silent``.
        how: What follows it.
    """

    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.what}, {self.how}" if self.what == "died" else f"{self.what} {self.how}"


class Worker:
    """Answers shards, whatever its pictures do to the process that reads them.

    Where that process dies, or gets on with nothing for so long that it must hang and is killed,
    another takes its place, and the sources are cut in parts until the one that it is lost over is
    alone: its row says so.

    Args:
        plan: For the process.
        processors: How many the process may use.
        patience: How long the process may be silent.

    Attributes:
        lost: How many processes died or were killed.
    """

    def __init__(
        self, plan: Plan, *, processors: int = 1, patience: Patience | None = None
    ) -> None:
        self._plan = plan
        self._processors = processors
        self._patience = patience or Patience()
        self._process: ModelProcess | None = None
        self._trial = 0.0
        self.lost = 0

    def answer(self, sources: Sequence[str], shown: Sequence[int] = ()) -> Answer | Failure:
        """All rows of ``sources``; a failure where the process cannot work at all.

        Args:
            sources: At least one.
            shown: Places of the pictures whose thumbnails are wanted.
        """
        losses: list[_Loss] = []
        for _ in range(TRIES if len(sources) == 1 else 1):
            reply = self._ask(sources, shown)
            if not isinstance(reply, _Loss):
                return reply
            losses.append(reply)
        if len(sources) == 1:
            return Answer(rows=[_unreadable(sources[0], losses)])
        parts = _PARTS[losses[-1].what]
        cuts = sorted({len(sources) * part // parts for part in range(parts + 1)})
        answers: list[Answer] = []
        for start, end in pairwise(cuts):
            places = [place - start for place in shown if start <= place < end]
            answer = self.answer(sources[start:end], places)
            if isinstance(answer, Failure):
                return answer
            answers.append(answer)
        return joined(answers)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def _ask(self, sources: Sequence[str], shown: Sequence[int]) -> Answer | Failure | _Loss:
        """What the process replies, or how it was lost over it."""
        if self._process is None:
            failure = self._start()
            if failure is not None:
                return failure
        assert self._process is not None
        limit = self._patience.seconds(sources, self._plan.settings, self._trial)
        reply = self._told((list(sources), list(shown)), limit)
        assert isinstance(reply, Answer | Failure | _Loss)
        return reply

    def _start(self) -> Failure | None:
        try:
            self._process = ModelProcess(self._processors)
        except OSError as error:
            return self._no_process(f"it cannot ({reason(error)})", _MEMORY)
        reply = self._told(self._plan, self._patience.start)
        if isinstance(reply, _Loss):
            advice = _MEMORY if reply.what == "died" else _MODEL_FILES
            return self._no_process(f"it {reply}, before it read any picture", advice)
        if not isinstance(reply, Ready):
            self.close()
            return reply if isinstance(reply, Failure) else Failure(kind="", message=repr(reply))
        self._trial = reply.seconds
        return None

    def _told(self, value: Any, limit: float) -> Any:
        """What the process replies to ``value``; a ``_Loss`` where it does not.

        Args:
            value: For it.
            limit: Seconds that it may be silent on the way.
        """
        assert self._process is not None
        try:
            self._process.tell(value)
            reply = BEAT
            while reply == BEAT:
                reply = self._process.hear(limit)
        except EOFError:
            loss = _Loss("died", self._process.last_words())
        except TimeoutError:
            loss = _Loss("was silent", f"for {limit:,.0f} s")
        else:
            return reply
        self.close()
        self.lost += 1
        return loss

    def _no_process(self, what: str, advice: str) -> Failure:
        return Failure(
            kind="ModelError",
            message=f"Worker: the process with the model {self._plan.settings.model} must start, "
            f"{what}. {advice}",
        )


def _unreadable(source: str, losses: Sequence[_Loss]) -> dict[str, Any]:
    """The row of the picture that the process is lost over."""
    last = losses[-1]
    if any(loss.what != last.what for loss in losses):
        said = ", then ".join(map(str, losses))
    elif last.what == "died":
        said = f"died {len(losses)} times, {last.how}"
    else:
        said = f"{last}, {len(losses)} times"
    detail = f"the process that read it {said}"
    return Prediction(outcome=Outcome(path=source, status="unreadable", detail=detail)).as_row()
