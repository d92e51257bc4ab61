"""The suite's folder: metrics.json, every table in three forms, and one page of it all."""

from __future__ import annotations

from pathlib import Path

from sightglass.evaluation.suite_page import suite_page, write_suite_folder
from sightglass.evaluation.suite_result import SuiteResult
from sightglass.evaluation.tables import render_html


def write_suite(folder: Path, result: SuiteResult) -> None:
    """Write everything into ``folder``, which must exist.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_suite_folder(folder, result.rows, result.tables, render_report(result))


def render_report(result: SuiteResult) -> str:
    """One page that needs nothing but itself; everything that is not ours in it is text."""
    parts = [(table.title, name, render_html(table)) for name, table in result.tables.items()]
    return suite_page(
        "Data-efficient language-supervised recognition, rerun",
        "The evaluation of arXiv:2104.08945 and arXiv:2112.09445: zero-shot over ten thousand "
        "classes and more, flat hit at k. Labels met nothing but the metrics.",
        parts,
        result.remarks,
    )
