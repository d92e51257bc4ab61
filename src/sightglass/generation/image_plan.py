"""Which reference pictures are wanted, and how each is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sightglass.generation.image_ledger import Entry
from sightglass.generation.image_prompts import image_prompt, image_seed, partners_of
from sightglass.generation.imagined_folder import ImaginedFolder, file_of
from sightglass.inputs.class_book import ClassBook
from sightglass.inputs.labels import LabelSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One picture that is wanted.

    Attributes:
        class_index: In the book's order.
        class_name: The entry's name.
        slot: Which of the class's pictures, from 0.
    """

    class_index: int
    class_name: str
    slot: int


class ImagePlan:
    """Which pictures are wanted, and how they are asked for.

    Args:
        book: The classes and what is confused with what.
        labels: The book's label set.
        folder: Where the pictures go; says what is there already.
        per_class: Pictures wanted of each class.
        attempts: Pictures made for each wanted one at most.
        seed: The run's; each picture's own follows from it.
    """

    def __init__(
        self,
        book: ClassBook,
        labels: LabelSet,
        folder: ImaginedFolder,
        *,
        per_class: int,
        attempts: int,
        seed: int = 0,
    ) -> None:
        self.labels = labels
        self.folder = folder
        self.per_class = per_class
        self.attempts = attempts
        self._book = book
        self._seed = seed
        self._partners = partners_of(book)

    def wishes(self) -> list[Wish]:
        """The pictures that may still be made: first of every class the first, then the second."""
        return [
            wish
            for slot in range(self.per_class)
            for index, entry in enumerate(self._book.classes)
            for wish in [Wish(class_index=index, class_name=entry.name, slot=slot)]
            if self.is_open(wish)
        ]

    def has_arrived(self, wish: Wish) -> bool:
        """Whether its next picture was made and only has to be judged."""
        pending = self.folder.progress(wish.class_name, wish.slot).pending
        return pending is not None and self.folder.arrived(pending.file) is not None

    def most_requests(self) -> int:
        """How many pictures would be made at most, if all were rejected."""
        return sum(
            self.attempts
            - self.folder.progress(wish.class_name, wish.slot).rejected
            - self.has_arrived(wish)
            for wish in self.wishes()
        )

    def request(self, wish: Wish, *, generator: str, licence: str | None, seeded: bool) -> Entry:
        """What will be asked next for the wish."""
        attempt = self.folder.progress(wish.class_name, wish.slot).attempt
        name, slot = wish.class_name, wish.slot
        entry = self._book.classes[wish.class_index]
        prompt = image_prompt(entry, self._partners, slot=slot, attempt=attempt)
        return Entry(
            event="asked",
            time=now(),
            class_name=name,
            slot=slot,
            attempt=attempt,
            file=file_of(name, slot=slot, attempt=attempt),
            prompt=prompt.text,
            partner=prompt.partner,
            features=prompt.features,
            generator=generator,
            seed=self.seed_of(wish, attempt) if seeded else None,
            licence=licence,
        )

    def seed_of(self, wish: Wish, attempt: int) -> int:
        """What the generator draws its noise from."""
        return image_seed(self._seed, wish.class_name, slot=wish.slot, attempt=attempt)

    def is_open(self, wish: Wish) -> bool:
        """Whether its picture is missing and may be asked for."""
        progress = self.folder.progress(wish.class_name, wish.slot)
        return not progress.present and progress.rejected < self.attempts


def now() -> str:
    """The time for a line of the ledger."""
    return datetime.now(UTC).isoformat(timespec="seconds")
