"""All predictions of one call, in memory: what the Python API returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightglass.inputs.outcome import Outcome
from sightglass.reports.html import write_report
from sightglass.reports.prediction import Prediction, Row
from sightglass.reports.tables import write_csv, write_jsonl

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One entry per picture found, in order.

    Attributes:
        predictions: All there is to know of each picture.
        class_names: Display names, in the order of ``probabilities``' columns.
        run: What ``run.json`` says of this run.
        thumbnails: JPEG bytes by sha256, for the report.
    """

    predictions: tuple[Prediction, ...]
    class_names: tuple[str, ...]
    run: dict[str, Any] = field(repr=False)
    thumbnails: Callable[[str], bytes | None] = field(repr=False)

    def __len__(self) -> int:
        return len(self.predictions)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.predictions)

    @property
    def paths(self) -> list[str]:
        """As found; ``image[0]`` … for pictures that never were files."""
        return [prediction.path for prediction in self.predictions]

    @property
    def labels(self) -> list[str | None]:
        """Class, ``"unknown"``, or None where the file could not be classified."""
        return [prediction.label for prediction in self.predictions]

    @property
    def outcomes(self) -> list[Outcome]:
        """What happened to each file."""
        return [prediction.outcome for prediction in self.predictions]

    @property
    def probabilities(self) -> Float[np.ndarray, "n_images n_classes"]:
        """Rows that sum to 1; a row of NaN where the file could not be classified."""
        missing = np.full(len(self.class_names), np.nan, np.float32)
        rows = [
            missing if prediction.decision is None else prediction.decision.probabilities
            for prediction in self.predictions
        ]
        return np.array(rows, np.float32).reshape(len(rows), len(self.class_names))

    @property
    def unknown_scores(self) -> Float[np.ndarray, " n_images"]:
        """In [0, 1], higher means more likely none of the classes; NaN where the file failed."""
        return np.array(
            [
                np.nan if prediction.decision is None else prediction.decision.unknown_score
                for prediction in self.predictions
            ],
            np.float32,
        )

    def to_csv(self, path: str | Path) -> None:
        """Write the columns of predictions.csv."""
        write_csv(Path(path), self._rows())

    def to_jsonl(self, path: str | Path) -> None:
        """Write the lines of predictions.jsonl."""
        write_jsonl(Path(path), self._rows())

    def to_html(self, path: str | Path) -> None:
        """Write the report: one file that needs no network."""
        write_report(
            Path(path),
            rows=self._rows,
            run=self.run,
            thumbnails=self.thumbnails,
        )

    def _rows(self) -> Iterator[Row]:
        return (prediction.as_row() for prediction in self.predictions)
