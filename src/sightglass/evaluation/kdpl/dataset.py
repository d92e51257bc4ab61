"""KdplDataset: which pictures there are to learn from and to test on, as lists; nothing is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.errors import InputError
from sightglass.inputs.spreading import evenly_spread

if TYPE_CHECKING:
    from jaxtyping import Int

Listed = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KdplDataset:
    """One data set of the protocols.

    Attributes:
        name: One word.
        class_names: In ascending order of the labels, with spaces for underscores.
        template: The teacher's sentence, with one ``{}``.
        folder: What the paths below are relative to.
        train: Path and class index of each picture to draw shots from; none for a mere target.
        test: The same of each picture to be scored on; at least one.

    Raises:
        InputError: If there is no test picture, a class index has no name, or there are training
            pictures but some class has none.
    """

    name: str
    class_names: tuple[str, ...]
    template: str
    folder: str
    train: Listed
    test: Listed

    def __post_init__(self) -> None:
        if not self.test:
            raise InputError(f"{self.name}: test pictures are needed, got none. Check its folder.")
        for path, label in (*self.train, *self.test):
            if not 0 <= label < len(self.class_names):
                raise InputError(
                    f"{self.name}: the class index of '{path}' must be below "
                    f"{len(self.class_names)}, got {label}. Check the list that says it."
                )
        unlearnt = set(range(len(self.class_names))) - {label for _, label in self.train}
        if self.train and unlearnt:
            raise InputError(
                f"{self.name}: every class needs a picture to learn from, "
                f"'{self.class_names[min(unlearnt)]}' has none. Complete its folder."
            )

    @property
    def test_pictures(self) -> tuple[str, ...]:
        """Paths of the test pictures, in order."""
        return self.paths(path for path, _ in self.test)

    @property
    def test_labels(self) -> Int[np.ndarray, " n_images"]:
        """Class index of each test picture."""
        return np.array([label for _, label in self.test], dtype=np.int64)

    @property
    def test_digest(self) -> str:
        """Hex sha256 of the class names and the test list, the same wherever the folder lies."""
        return digest_of([self.class_names, self.test])

    def paths(self, relative: Iterable[str]) -> tuple[str, ...]:
        """Paths that can be opened."""
        folder = Path(self.folder)
        return tuple(str(folder / path) for path in relative)

    def part(self, classes: Sequence[int]) -> KdplDataset:
        """The data set as if it had these classes only, counted anew in the order given."""
        place = {old: new for new, old in enumerate(classes)}
        return replace(
            self,
            class_names=tuple(self.class_names[old] for old in classes),
            train=tuple((path, place[old]) for path, old in self.train if old in place),
            test=tuple((path, place[old]) for path, old in self.test if old in place),
        )

    def limited(self, limit: int | None) -> KdplDataset:
        """With at most ``limit`` test pictures, evenly spread; None keeps all."""
        return replace(
            self, test=tuple(self.test[at] for at in evenly_spread(len(self.test), limit))
        )


def digest_of(value: object) -> str:
    """Hex sha256 of lists, texts and whole numbers, by way of JSON."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
