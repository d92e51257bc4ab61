"""What was learned from and tested on, with a hash each: the same hash means the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightglass.evaluation.kdpl.dataset import KdplDataset
from sightglass.evaluation.kdpl.shots import Shots
from sightglass.evaluation.tables import ResultTable

_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One list of pictures.

    Attributes:
        dataset: Its title.
        part: ``all``, ``base`` or ``novel`` classes.
        use: ``learn, seed 1`` or ``test``.
        classes: How many.
        pictures: How many.
        fewest: Pictures of the class that has fewest; None of a test list.
        digest: Hex sha256.
    """

    dataset: str
    part: str
    use: str
    classes: int
    pictures: int
    fewest: int | None
    digest: str


def drawn_shots(dataset: KdplDataset, shots: Shots, *, title: str, part: str, seed: int) -> Drawn:
    """Shots of ``dataset``."""
    return Drawn(
        dataset=title,
        part=part,
        use=f"learn, seed {seed}",
        classes=len(dataset.class_names),
        pictures=len(shots.pictures),
        fewest=shots.fewest,
        digest=shots.digest,
    )


def drawn_test(dataset: KdplDataset, *, title: str, part: str) -> Drawn:
    """The test pictures of ``dataset``."""
    return Drawn(
        dataset=title,
        part=part,
        use="test",
        classes=len(dataset.class_names),
        pictures=len(dataset.test),
        fewest=None,
        digest=dataset.test_digest,
    )


def drawn_table(drawn: Sequence[Drawn]) -> ResultTable:
    """A row for each list."""
    return ResultTable(
        title="Pictures. What was learned from and tested on",
        columns=(
            *("data set", "classes of", "use", "classes", "pictures"),
            *("fewest of a class", "sha256, first digits"),
        ),
        rows=tuple(
            (
                *(one.dataset, one.part, one.use, one.classes, one.pictures),
                *(one.fewest, one.digest[:_DIGITS]),
            )
            for one in drawn
        ),
        note="The hash is of the paths in the data set's folder with their classes; of a test list "
        "also of the class names. Drawing shots by class is the only use of labels where a prompt "
        "is distilled.",
    )
