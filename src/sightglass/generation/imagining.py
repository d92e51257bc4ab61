"""The run that makes reference pictures: ask, keep, judge, ask again; resumable at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sightglass.errors import GenerationError
from sightglass.generation.budget import BudgetReached
from sightglass.generation.image_gate import ImageGate
from sightglass.generation.image_ledger import Entry
from sightglass.generation.image_plan import ImagePlan, Wish, now
from sightglass.generation.image_source import ImageSource, PromptRefusedError
from sightglass.generation.imagined_folder import Progress
from sightglass.generation.imagined_record import write_imagined_record

# Pictures between two writings of references.json, whose every version holds all entries; the
# ledger knows them meanwhile.
_RECORD_EVERY = 25
# So many useless files in a row are the generator's fault, and each may cost money.
_GIVE_UP_AFTER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOutcome:
    """What there is for one class after a run.

    Attributes:
        name: The entry's name.
        wanted: Pictures.
        present: Of these, how many there are.
        rejected: By this run.
        reason: Why pictures are missing; empty if none is.
    """

    name: str
    wanted: int
    present: int
    rejected: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """What a run did.

    Attributes:
        classes: In the book's order.
        stopped: What the budget said when it stopped the run; empty if it did not.
    """

    classes: tuple[ClassOutcome, ...]
    stopped: str = ""


class _Run:
    """One run's state: what it was refused, and how long nothing useful came."""

    def __init__(
        self,
        plan: ImagePlan,
        source: ImageSource,
        gate: ImageGate,
        said: Callable[[str], object],
    ) -> None:
        self.plan = plan
        self.folder = plan.folder
        self.source = source
        self.gate = gate
        self.said = said
        self.rejected: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self._recalled: set[int] = set()
        self._useless = 0
        self._unrecorded = 0
        for entry in self.folder.ledger.entries:
            if entry.event == "accepted":
                for digest in filter(None, (entry.sha256, entry.pixels)):
                    gate.know(digest, entry.file)

    def fulfil(self, wish: Wish) -> None:
        """Make the wish's picture, within the attempts that are left for it."""
        while wish.class_name not in self.refused and self.plan.is_open(wish):
            pending = self.folder.progress(wish.class_name, wish.slot).pending
            data = None if pending is None else self.folder.arrived(pending.file)
            if pending is None or data is None:
                made = self._make(wish)
                if made is None:
                    return
                pending, data = made
            self._judge(wish, pending, data)

    def _make(self, wish: Wish) -> tuple[Entry, bytes] | None:
        """Ask for a picture and put it onto the disk; None if it is refused."""
        asked = self.plan.request(
            wish,
            generator=self.source.name,
            licence=self.source.licence,
            seeded=self.source.uses_seed,
        )
        reason = self.folder.refusal(
            wish.class_name, prompt=asked.prompt, generator=asked.generator
        )
        if reason is None:
            self.folder.add(asked)
            try:
                data = self.source.generate(asked.prompt, self.plan.seed_of(wish, asked.attempt))
            except PromptRefusedError as error:
                reason = str(error)
                self.folder.add(_verdict(asked, "refused", reason=reason))
            else:
                self.folder.keep(asked, data)
                return asked, data
        self.refused[wish.class_name] = reason
        self.said(f"{wish.class_name}: skipped, {reason}")
        return None

    def _judge(self, wish: Wish, asked: Entry, data: bytes) -> None:
        self._recall(wish)
        verdict = self.gate.judge(data, wish.class_index, name=asked.file)
        self.folder.add(
            _verdict(
                asked,
                "accepted" if verdict.reason is None else "rejected",
                reason=verdict.reason,
                sha256=verdict.sha256,
                pixels=verdict.pixels,
                score=verdict.score,
            )
        )
        if verdict.reason is None:
            self.said(f"{asked.file}: accepted")
            self._useless = 0
            self._unrecorded += 1
            if self._unrecorded >= _RECORD_EVERY:
                self.write_record()
            return
        self.said(f"{asked.file}: rejected, {verdict.reason}")
        self.rejected[wish.class_name] = self.rejected.get(wish.class_name, 0) + 1
        self._useless = self._useless + 1 if verdict.score is None else 0
        if self._useless >= _GIVE_UP_AFTER:
            raise GenerationError(
                f"{self.source.name}: pictures are needed, {self._useless} times in a row what "
                f"came is of no use, at last: {verdict.reason}. Look at them in "
                f"'{self.folder.rejected_folder}' and change the model or its options."
            )

    def _recall(self, wish: Wish) -> None:
        """Show the gate what earlier runs made of the class, before it judges another of it."""
        if wish.class_index in self._recalled:
            return
        self._recalled.add(wish.class_index)
        for path in self.folder.pictures(wish.class_name):
            name = path.relative_to(self.folder.folder).as_posix()
            self.gate.recall(self.folder.read(path), wish.class_index, name=name)

    def outcomes(self) -> Iterator[ClassOutcome]:
        """What there is for each class now."""
        for name in self.plan.labels.names:
            progress = [self.folder.progress(name, slot) for slot in range(self.plan.per_class)]
            missing = [one for one in progress if not one.present]
            yield ClassOutcome(
                name=name,
                wanted=self.plan.per_class,
                present=len(progress) - len(missing),
                rejected=self.rejected.get(name, 0),
                reason=self._why_missing(name, missing) if missing else "",
            )

    def _why_missing(self, name: str, missing: list[Progress]) -> str:
        if name in self.refused:
            return self.refused[name]
        if any(one.rejected < self.plan.attempts for one in missing):
            return "not made yet"
        return f"all attempts rejected, at last: {self.folder.last_reason(name)}"

    def write_record(self) -> None:
        """Bring ``references.json`` up to the pictures that are there."""
        self._unrecorded = 0
        write_imagined_record(
            self.folder,
            self.plan.labels,
            {one.name: one.reason for one in self.outcomes() if one.reason},
        )


def imagine(
    plan: ImagePlan,
    source: ImageSource,
    gate: ImageGate,
    *,
    said: Callable[[str], object] = lambda _: None,
) -> Imagined:
    """Make the pictures that are wanted and not there, and write ``references.json``.

    Whoever calls must be the folder's only writer (``whole_files.only_writer``). A picture whose
    file has arrived is never asked for again, whenever the run is killed; only an answer that was
    still on its way then is.

    Args:
        plan: Says which.
        source: Makes them.
        gate: Judges them.
        said: Gets a line for each verdict.

    Raises:
        GenerationError: If the generator fails, or what it makes is of no use ten times in a row;
            the record is written all the same.
        ResultsError: If the folder cannot be written.
    """
    plan.folder.settle()
    run = _Run(plan, source, gate, said)
    stopped = ""
    try:
        for wish in plan.wishes():
            run.fulfil(wish)
    except BudgetReached as error:
        stopped = str(error)
    finally:
        run.write_record()
    return Imagined(classes=tuple(run.outcomes()), stopped=stopped)


def _verdict(asked: Entry, event: str, **said: object) -> Entry:
    return Entry.model_validate(
        asked.model_dump(mode="json") | {"event": event, "time": now()} | said
    )
