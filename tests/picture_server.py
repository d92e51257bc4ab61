"""A real local web server with pictures on it, which fails when told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from local_server import LocalServer

LONG_AGO = "Sun, 09 Sep 2001 01:46:40 GMT"


@dataclass(frozen=True)
class Page:
    """What is at one address.

    Attributes:
        body: Of the reply.
        headers: Beside the length.
        failures: Statuses of the first replies to GET, one each, before it succeeds.
        head: The status of the reply to HEAD.
        promised: The Content-Length, if not the body's own; 0 for none.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Last-Modified": LONG_AGO})
    failures: tuple[int, ...] = ()
    head: int = 200
    promised: int | None = None


class PictureServer(LocalServer):
    """Serves ``pages``, by path with query; everything else is 404.

    Attributes:
        pages: May be changed at any time.
        log: ``"GET /a.jpg"`` of each request.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.log: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                outer._answer(self, with_body=True)

            def do_HEAD(self) -> None:
                outer._answer(self, with_body=False)

        super().__init__(Handler)

    def _answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        asked = f"{request.command} {request.path}"
        before = self.log.count(asked)
        self.log.append(asked)
        page = self.pages.get(request.path)
        if page is None:
            status = 404
        elif not with_body:
            status = page.head
        else:
            status = page.failures[before] if before < len(page.failures) else 200
        request.send_response(status)
        if page is None or status != 200:
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        length = len(page.body) if page.promised is None else page.promised
        if length:
            request.send_header("Content-Length", str(length))
        for name, value in page.headers.items():
            request.send_header(name, value)
        request.end_headers()
        if with_body:
            request.wfile.write(page.body)
