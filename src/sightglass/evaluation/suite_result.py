"""What a suite found, before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sightglass.evaluation.metrics_json import MetricRow
from sightglass.evaluation.tables import ResultTable


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """All that the suite found.

    Attributes:
        rows: For metrics.json.
        tables: By the name of their files.
        remarks: What a reader must know beside the tables: what is absent, and why.
    """

    rows: tuple[MetricRow, ...]
    tables: Mapping[str, ResultTable]
    remarks: tuple[str, ...]
