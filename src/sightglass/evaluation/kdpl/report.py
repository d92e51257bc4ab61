"""The suite's folder: metrics.json, every table in three forms, and one page of it all."""

from __future__ import annotations

import html
from pathlib import Path

from sightglass.evaluation.kdpl.suite import SuiteResult
from sightglass.evaluation.metrics_json import write_metrics
from sightglass.evaluation.tables import render_html, write_table
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
    "th{vertical-align:bottom}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "figcaption{max-width:60rem;padding-top:.75rem;font-size:.9rem}"
    "code,li{overflow-wrap:anywhere}"
)


def write_suite(folder: Path, result: SuiteResult) -> None:
    """Write everything into ``folder``, which must exist.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_metrics(folder / METRICS, result.rows)
    for name, table in result.tables.items():
        write_table(folder, table, name=name)
    with replacing(folder / REPORT) as stream:
        stream.write(render_report(result))


def render_report(result: SuiteResult) -> str:
    """One page that needs nothing but itself; everything that is not ours in it is text."""
    shown = {name: table for name, table in result.tables.items() if table.rows}
    links = "".join(
        f'<a href="#{name}">{html.escape(table.title.partition(".")[0])}</a>'
        for name, table in shown.items()
    )
    remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in result.remarks)
    sections = "".join(
        f'<section id="{name}">{render_html(table)}</section>\n' for name, table in shown.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>KDPL 2024, rerun</title>\n<style>{_STYLE}</style></head><body>\n"
        "<h1>KDPL 2024, rerun</h1>\n"
        "<p>The protocols of arXiv:2407.03056 with our own implementation. Where a prompt is "
        "distilled, labels serve to draw as many pictures of every class, and nothing else.</p>\n"
        f"<nav>{links}<a href=\"#remarks\">Remarks</a></nav>\n{sections}"
        f'<section id="remarks"><h2>Remarks</h2><ul>{remarks}</ul></section></body></html>\n'
    )
