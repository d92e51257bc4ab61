"""The suite's folder: metrics.json, every table in three forms, figures, and one page of it all."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from sightglass.evaluation.suite_page import suite_page, write_suite_folder
from sightglass.evaluation.tables import render_html
from sightglass.evaluation.yin_jiang.figures import Figure
from sightglass.evaluation.yin_jiang.suite import SuiteResult
from sightglass.whole_files import put_bytes


def write_suite(folder: Path, result: SuiteResult) -> None:
    """Write everything into ``folder``, which must exist.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_suite_folder(folder, result.rows, result.tables, render_report(result))
    for figure in result.figures:
        put_bytes(folder / f"{figure.name}.svg", figure.svg.encode())
        put_bytes(folder / f"{figure.name}.png", figure.png)


def render_report(result: SuiteResult) -> str:
    """One page that needs nothing but itself; everything that is not ours in it is text."""
    parts = [
        (table.title, name, render_html(table))
        for name, table in result.tables.items()
        if table.rows
    ]
    parts[len(parts) - 1 : len(parts) - 1] = [
        (figure.title, f"{figure.name}_drawing", _drawing(figure)) for figure in result.figures
    ]
    return suite_page(
        "Yin & Jiang 2024, rerun",
        "Tables and figures of arXiv:2405.02155 as our own: other encoders, scales without labels. "
        "No label of a picture met anything but the metrics.",
        parts,
        result.remarks,
    )


def _drawing(figure: Figure) -> str:
    encoded = base64.b64encode(figure.png).decode()
    title = html.escape(figure.title)
    return (
        f'<h2>{title}</h2><figure><img alt="{title}" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{html.escape(figure.note)}</figcaption></figure>\n"
    )
