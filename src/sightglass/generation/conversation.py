"""Asking until the answer is complete, a bounded number of times; nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sightglass.generation.chat import ChatServer, Reply
from sightglass.generation.kept_answers import KeptAnswer, KeptAnswers
from sightglass.generation.questions import Question
from sightglass.inputs.class_book import Origin

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ROUNDS = 3  # the first question, and two more for what is missing


class NotAskedYetError(Exception):
    """The answer is not kept, and this conversation sends nothing. Never leaves ``generation``."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """One thing that was answered, and where it comes from."""

    value: V
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled(Generic[K, V]):
    """What was answered of what was asked.

    Attributes:
        answers: By item; items without an answer are not in it.
        last_fault: What was wrong with the last answer that was of no use; "" if none was.
    """

    answers: dict[K, Answer[V]]
    last_fault: str = ""


@dataclass(kw_only=True)
class Conversation:
    """A conversation with one model, of which every useful answer is kept.

    Attributes:
        model: Name of the model; answers of another model are not used.
        kept: Where answers are kept.
        server: None sends nothing: what is not kept is noted in ``unasked``.
        said: Called with a line for the person before each request.
        unasked: Questions whose answers are not kept, of a conversation without a server.
    """

    model: str
    kept: KeptAnswers
    server: ChatServer | None
    said: Callable[[str], object] = lambda _: None
    unasked: list[Question] = field(default_factory=list)

    def fill(
        self,
        items: Sequence[K],
        *,
        question: Callable[[Sequence[K]], Question],
        read: Callable[[list[Any], Sequence[K]], dict[K, V]],
    ) -> Filled[K, V]:
        """An answer for each item as far as the model has one after ``ROUNDS`` rounds.

        Args:
            items: What is asked about.
            question: The question about those items that are still missing.
            read: What rows of an answer say about the items asked; an item is left out where they
                say nothing valid.

        Raises:
            NotAskedYetError: If there is no server and the next answer is not kept.
            BudgetReached: If the next request would be one too many.
            GenerationError: If the server gives no answer at all.
        """
        answers: dict[K, Answer[V]] = {}
        fault = last_fault = ""
        for _ in range(ROUNDS):
            missing = [item for item in items if item not in answers]
            if not missing:
                break
            found, origin, fault = self._ask(question(missing), missing, read, fault)
            answers.update({item: Answer(value, origin) for item, value in found.items()})
            last_fault = fault or last_fault
        return Filled(answers=answers, last_fault=last_fault)

    def _ask(
        self,
        question: Question,
        items: Sequence[K],
        read: Callable[[list[Any], Sequence[K]], dict[K, V]],
        fault_before: str,
    ) -> tuple[dict[K, V], Origin, str]:
        """What the answer says, who said it when, and what is wrong if it says nothing."""
        digest = question.digest(self.model)
        kept = self.kept.get(digest)
        if kept is not None:
            found = read(question.form.rows_in(kept.answer), items)
            if found:
                return found, self._origin(question, kept.date), ""
        if self.server is None:
            self.unasked.append(question)
            raise NotAskedYetError
        self.said(f"Asking {question.about}")
        messages = question.messages
        if fault_before:
            again = (
                f"An earlier answer to this could not be used: {fault_before}. Keep to the form."
            )
            messages = [*messages, {"role": "user", "content": again}]
        reply = self.server.ask(
            messages,
            schema=question.schema,
            what=f"Asking {self.model} {question.about}",
        )
        date = datetime.now(UTC).isoformat(timespec="seconds")
        rows = question.form.rows_in(reply.text)
        found = read(rows, items)
        if found:
            # Under the digest of the question without the complaint: the next run asks that first.
            self.kept.put(
                digest,
                KeptAnswer(
                    model=self.model,
                    messages=messages,
                    schema_of_answer=question.schema,
                    answer=reply.text,
                    date=date,
                ),
            )
            return found, self._origin(question, date), ""
        return {}, self._origin(question, date), _fault(reply, rows)

    def _origin(self, question: Question, date: str) -> Origin:
        return Origin(by=self.model, prompt=question.asked, date=date)


def _fault(reply: Reply, rows: list[Any]) -> str:
    """Why ``reply`` is of no use, for the person and for the model."""
    if rows:
        fault = "no entry is about what was asked, by a name from the list"
    elif start := " ".join(reply.text[:80].split()):
        fault = f"no JSON of the wanted form is in it, it begins '{start}'"
    else:
        fault = "it is empty"
    return f"{reply.fault}, {fault}" if reply.fault else fault
