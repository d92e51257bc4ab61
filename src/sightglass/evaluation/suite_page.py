"""The folder that a suite ends in, and its page: tables and drawings, links to them above."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from sightglass.evaluation.metrics_json import MetricRow, write_metrics
from sightglass.evaluation.tables import ResultTable, write_table
from sightglass.whole_files import replacing

METRICS, REPORT = "metrics.json", "report.html"

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:1rem auto;padding:0 1rem;max-width:90rem}"
    "nav a{display:inline-block;margin:0 1rem .25rem 0}"
    "section{margin:2.5rem 0}table{font-size:.85rem;border-collapse:collapse}"
    "figure{margin:0;overflow-x:auto}"
    "caption{text-align:left;font-weight:600;font-size:1.15rem;padding-bottom:.5rem}"
    "th,td{text-align:left;padding:.2rem .5rem;border-bottom:1px solid #8884}"
    "th{vertical-align:bottom}td{vertical-align:top}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "figcaption{max-width:60rem;padding-top:.75rem;font-size:.9rem}"
    "code,li{overflow-wrap:anywhere}img{max-width:100%;height:auto;background:#fff}"
    "h2{font-size:1.15rem}"
)


def write_suite_folder(
    folder: Path, rows: Sequence[MetricRow], tables: Mapping[str, ResultTable], page: str
) -> None:
    """Write metrics.json, every table in its three forms, and the page.

    Args:
        folder: Must exist.
        rows: All that was measured.
        tables: By the name of their files.
        page: What ``suite_page`` made.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_metrics(folder / METRICS, rows)
    for name, table in tables.items():
        write_table(folder, table, name=name)
    with replacing(folder / REPORT) as stream:
        stream.write(page)


def suite_page(
    heading: str,
    about: str,
    parts: Sequence[tuple[str, str, str]],
    remarks: Sequence[str],
) -> str:
    """One page that needs nothing but itself.

    Args:
        heading: Of the page, plain text.
        about: What a reader must know first, plain text.
        parts: Title, name for links, and body of each part; the body is HTML, the rest is text.
        remarks: What is absent, and why; plain text.
    """
    links = "".join(
        f'<a href="#{name}">{html.escape(title.partition(".")[0])}</a>' for title, name, _ in parts
    )
    sections = "".join(f'<section id="{name}">{body}</section>\n' for _, name, body in parts)
    listed = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks)
    title = html.escape(heading)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head><body>\n"
        f"<h1>{title}</h1>\n<p>{html.escape(about)}</p>\n"
        f'<nav>{links}<a href="#remarks">Remarks</a></nav>\n{sections}'
        f'<section id="remarks"><h2>Remarks</h2><ul>{listed}</ul></section></body></html>\n'
    )
