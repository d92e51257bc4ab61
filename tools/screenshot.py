"""Pictures of a report: desktop.png, phone.png and dark.png.

    python tools/screenshot.py out/report.html --out docs/images

Needs playwright and a Chromium, Chrome or other browser of that family.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}


def find_browser() -> str:
    """The browser to use: what CHROMIUM names, or the first one on the PATH."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise SystemExit(
            f"screenshot: a browser is needed ({', '.join(_NAMES)}), none was found. "
            "Install one, or name it in the environment variable CHROMIUM."
        )
    return found


def take_screenshots(report: Path, out: Path, *, whole_page: bool = False) -> list[Path]:
    """The paths of the pictures, one per view, after writing them into ``out``."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        for view, options in _VIEWS.items():
            page = browser.new_page(**options)
            page.goto(report.resolve().as_uri())
            page.wait_for_function(
                "Array.from(document.querySelectorAll('img[src]')).every((image) => image.complete)"
            )
            written.append(out / f"{view}.png")
            page.screenshot(path=written[-1], full_page=whole_page)
            page.close()
        browser.close()
    return written


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Take pictures of a report.")
    parser.add_argument("report", type=Path, help="a report.html")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the PNG files")
    parser.add_argument("--whole-page", action="store_true", help="not only the first screen")
    options = parser.parse_args(arguments)
    if not options.report.is_file():
        parser.error(f"a report.html is needed, got '{options.report}', which is no file.")
    for path in take_screenshots(options.report, options.out, whole_page=options.whole_page):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
