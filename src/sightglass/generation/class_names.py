"""Names in an answer, matched with the classes that were asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sightglass.inputs.labels import LabelSet, clean_name, name_key


@dataclass(frozen=True)
class ClassNames:
    """The names by which a language model and we speak of the classes.

    Attributes:
        labels: The classes; they are counted from 0 in this order.
    """

    labels: LabelSet

    def __len__(self) -> int:
        return len(self.labels.names)

    def said(self, index: int) -> str:
        """The name that a question uses."""
        return clean_name(self.labels.names[index])

    def listed(self, index: int) -> str:
        """The name that a question uses, with the class's other names where there are any."""
        others = ", ".join(clean_name(name) for name in self.labels.synonyms[index][1:])
        return f"{self.said(index)} (also called {others})" if others else self.said(index)

    def index(self, name: str) -> int | None:
        """The class that bears ``name``; None if none does.

        The whole name must be equal, case, spacing and underscores aside: "cat" is no part of
        "cattle" here. Any of a class's names will do.
        """
        return self._index_of.get(name_key(name))

    def indices(self, names: Iterable[str], *, among: Sequence[int]) -> list[int]:
        """The classes that bear ``names`` and are in ``among``, each once, in order."""
        allowed = set(among)
        found = (self.index(name) for name in names)
        return list(dict.fromkeys(index for index in found if index in allowed))

    @cached_property
    def _index_of(self) -> dict[str, int]:
        return {
            name_key(name): index
            for index, names in enumerate(self.labels.synonyms)
            for name in names
        }
