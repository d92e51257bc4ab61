"""How a browser bears the report of many rows: to open it, to choose a class, to sort all anew.

    python bench/report_page.py         # prints the table of docs/scale.md
    python bench/report_page.py --rows 100000 --rounds 1

Each page holds all its rows, in headless Chromium, in a browser of its own; then again with
Chromium's own brake, which makes the page's process four times as slow.
"""

from __future__ import annotations

import argparse
import io
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

# Where the browser is found, as for the README's picture.
sys.path.append(str(Path(__file__).parents[1] / "tools"))

from playwright.sync_api import CDPSession, Page, sync_playwright

from memory_writers import CLASSES, THUMBNAIL_BYTES, rows
from pictures import FOLDER, machine
from screenshot import FLAGS, find_browser
from sightglass.reports.html import ReportSummary, write_report
from tables import markdown

ROWS = (50_000, 100_000, 200_000, 300_000, 500_000, 1_000_000)
SLOW = 4
# Opening a million rows takes half a minute with the brake on.
_PATIENCE = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One visit: seconds, and MiB of the page's process at its largest."""

    opened: float
    chosen: float
    sorted: float
    memory: float


def make(n: int, path: Path) -> ReportSummary:
    """A report of ``n`` rows that shows them all."""
    stream = io.BytesIO()
    Image.new("RGB", (160, 120)).save(stream, "JPEG")
    jpeg = stream.getvalue().ljust(THUMBNAIL_BYTES, b"\0")
    run = {"classes": [{"name": name, "names": [name]} for name in CLASSES]}
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_report(path, lambda: rows(n), run, lambda _: jpeg, most_rows=None)


def visit(path: Path, *, slower: int) -> Opened:
    """Open the page, choose its first class, let go of it, sort by the least sure."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE)
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        start = time.perf_counter()
        page.goto(path.resolve().as_uri())
        page.wait_for_function("document.querySelector('.card') !== null")
        page.wait_for_function(_DRAWN)
        opened = time.perf_counter() - start
        chosen = _timed(page, "document.querySelector('.choice').click()")
        page.evaluate("document.querySelector('.choice').click()")
        sort = "s => { s.value = 'least'; s.dispatchEvent(new Event('change', {bubbles: true})); }"
        again = _timed(page, f"({sort})(document.querySelector('#sort'))")
        memory = _peak_memory(browser.new_browser_cdp_session())
        browser.close()
    return Opened(opened=opened, chosen=chosen, sorted=again, memory=memory)


# The second frame begins when the first has been drawn.
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def _timed(page: Page, action: str) -> float:
    """Seconds until what ``action`` changes is drawn, by the page's own clock."""
    script = f"async () => {{ const start = performance.now(); {action}; await {_DRAWN};"
    return float(page.evaluate(f"{script} return performance.now() - start; }}")) / 1000


def _peak_memory(session: CDPSession) -> float:
    """The most memory, in MiB, that a process that draws pages has held, as Linux counts it."""
    found: dict[str, Any] = session.send("SystemInfo.getProcessInfo")
    peaks = [0.0]
    for process in found["processInfo"]:
        if process["type"] == "renderer":
            status = Path(f"/proc/{process['id']}/status").read_text(encoding="utf-8")
            peaks += [int(kib) / 1024 for kib in re.findall(r"VmHWM:\s+(\d+)", status)]
    return max(peaks)


def cells(n: int, *, rounds: int) -> Iterator[str]:
    """One line of the table."""
    path = FOLDER / "report_page" / f"{n}.html"
    made = make(n, path)
    yield from (f"{n:,}", f"{made.bytes / 1e6:.1f}", f"{made.thumbnails:,}")
    for slower in (1, SLOW):
        visits = [visit(path, slower=slower) for _ in range(rounds)]
        for name in ("opened", "chosen", "sorted"):
            yield f"{statistics.median(getattr(one, name) for one in visits):.1f}"
        if slower == 1:
            yield f"{statistics.median(one.memory for one in visits):,.0f}"
    path.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure reports of many rows in a browser.")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    lines = [list(cells(n, rounds=options.rounds)) for n in options.rows]
    times = ("open, s", "class, s", "sort, s")
    titles = ("rows", "page, MB", "thumbnails that fit", *times, "memory, MiB")
    print(machine("sightglass", "playwright"))
    print(markdown((*titles, f"slow: {times[0]}", *times[1:]), "r" * 10, lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
