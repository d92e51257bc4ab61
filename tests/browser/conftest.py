from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from screenshot import FLAGS, find_browser
from sightglass.reports.html import write_report


@dataclass
class Watched:
    """What a page did that a report must never do."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@dataclass
class OpenReport:
    page: Page
    watched: Watched
    address: str


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_report(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., OpenReport]]:
    """Writes a report and opens it from disk; afterwards checks that it kept quiet."""
    opened: list[OpenReport] = []

    def open_it(
        rows: list[dict[str, Any]],
        run: dict[str, Any],
        thumbnails: Callable[[str], bytes | None] = lambda _: None,
        *,
        size_limit: int = 24_000_000,
        most_rows: int | None = None,
        **context: Any,
    ) -> OpenReport:
        path = tmp_path / "report.html"
        write_report(
            path,
            lambda: iter(rows),
            run,
            thumbnails,
            size_limit=size_limit,
            most_rows=most_rows,
        )
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **context})
        watched = Watched()
        page.on(
            "console",
            lambda said: (
                watched.complaints.append(said.text) if said.type in {"error", "warning"} else None
            ),
        )
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on("dialog", lambda box: (watched.complaints.append(box.message), box.dismiss()))
        page.on("request", lambda request: watched.requests.append(request.url))
        page.goto(path.as_uri())
        opened.append(OpenReport(page=page, watched=watched, address=path.as_uri()))
        return opened[-1]

    yield open_it
    for report in opened:
        report.page.close()
        assert report.watched.complaints == []
        fetched = [url for url in report.watched.requests if not url.startswith("data:")]
        assert fetched == [report.address]
