"""The suite's folder: metrics.json, every table in three forms, figures, and one page of it all."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from sightglass.evaluation.metrics_json import write_metrics
from sightglass.evaluation.tables import render_html, write_table
from sightglass.evaluation.yin_jiang.figures import Figure
from sightglass.evaluation.yin_jiang.suite import SuiteResult
from sightglass.whole_files import put_bytes, replacing

METRICS, REPORT = "metrics.json", "report.html"
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:1rem auto;padding:0 1rem;max-width:80rem}"
    "nav a{display:inline-block;margin:0 1rem .25rem 0}"
    "section{margin:2.5rem 0}table{font-size:.85rem}"
    "figure{margin:0;overflow-x:auto}table{border-collapse:collapse}"
    "caption{text-align:left;font-weight:600;font-size:1.15rem;padding-bottom:.5rem}"
    "th,td{text-align:left;padding:.2rem .5rem;border-bottom:1px solid #8884}"
    "th{vertical-align:bottom}td{vertical-align:top}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "figcaption{max-width:60rem;padding-top:.75rem;font-size:.9rem}"
    "code,li{overflow-wrap:anywhere}img{max-width:100%;height:auto;background:#fff}"
    "h2{font-size:1.15rem}"
)


def write_suite(folder: Path, result: SuiteResult) -> None:
    """Write everything into ``folder``, which must exist.

    Raises:
        ResultsError: If a file cannot be written.
    """
    write_metrics(folder / METRICS, result.rows)
    for name, table in result.tables.items():
        write_table(folder, table, name=name)
    for figure in result.figures:
        put_bytes(folder / f"{figure.name}.svg", figure.svg.encode())
        put_bytes(folder / f"{figure.name}.png", figure.png)
    with replacing(folder / REPORT) as stream:
        stream.write(render_report(result))


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
    links = "".join(
        f'<a href="#{name}">{html.escape(title.partition(".")[0])}</a>' for title, name, _ in parts
    )
    remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in result.remarks)
    sections = "".join(f'<section id="{name}">{body}</section>\n' for _, name, body in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Yin &amp; Jiang 2024, rerun</title>\n<style>{_STYLE}</style></head><body>\n"
        "<h1>Yin &amp; Jiang 2024, rerun</h1>\n"
        "<p>Tables and figures of arXiv:2405.02155 as our own: other encoders, scales without "
        "labels. No label of a picture met anything but the metrics.</p>\n"
        f"<ul>{remarks}</ul>\n<nav>{links}</nav>\n{sections}</body></html>\n"
    )


def _drawing(figure: Figure) -> str:
    encoded = base64.b64encode(figure.png).decode()
    title = html.escape(figure.title)
    return (
        f'<h2>{title}</h2><figure><img alt="{title}" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{html.escape(figure.note)}</figcaption></figure>\n"
    )
