"""FlatHitDataset: candidate names in order, and pictures with the classes they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sightglass.errors import InputError
from sightglass.inputs.spreading import evenly_spread

# A picture's path in the data set's folder, and the indices of its classes, ascending.
Labelled = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatHitDataset:
    """One data set. Pictures are listed from disk, anew each time: there may be millions.

    Attributes:
        name: One word.
        folder: What the paths are relative to.
        candidates: A name for each class index. Two classes may have one name: they stay two, for
            taking one out would shift the index of every class behind it.
        pictures: Lists those that are there and show at least one candidate.
        n_pictures: How many these are.
        missing: How many pictures that a list names are not there.
        unlabelled: How many pictures are there but show no candidate, as far as is known; no
            answer could be right for them, so they are left out.
        remarks: What else a reader must know.

    Raises:
        InputError: If there is no candidate or no picture.
    """

    name: str
    folder: str
    candidates: tuple[str, ...] = field(repr=False)
    pictures: Callable[[], Iterator[Labelled]]
    n_pictures: int
    missing: int = 0
    unlabelled: int = 0
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.candidates) < 2:
            raise InputError(
                f"{self.name}: at least two candidate classes are needed, got "
                f"{len(self.candidates)}. Check its list of names."
            )
        if not self.n_pictures:
            raise InputError(
                f"{self.name}: pictures with labels are needed in '{self.folder}', found none "
                f"({self.missing:,} that are listed are not there, {self.unlabelled:,} show no "
                f"candidate). Check the folder."
            )

    def chosen(self, limit: int | None) -> Iterator[Labelled]:
        """At most ``limit`` of the pictures, evenly spread; None takes all."""
        if limit is None or limit >= self.n_pictures:
            yield from self.pictures()
            return
        listed = self.pictures()
        at = 0
        for wanted in evenly_spread(self.n_pictures, limit).tolist():
            yield from islice(listed, wanted - at, wanted - at + 1)
            at = wanted + 1
