"""A real local HTTP server that speaks the OpenAI wire protocol, and fails when told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from local_server import LocalServer

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"


@dataclass(frozen=True)
class Received:
    """One request as it arrived; names of headers in lower case."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What is sent back; or, with ``reset``, a connection that breaks."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    seconds_per_byte: float = 0.0
    promised: int | None = None  # the Content-Length, if not the body's own
    reset: bool = False


def as_json(value: Any, *, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(value).encode(), status=status, headers=headers)


def failure(status: int, message: str = "something is wrong", **headers: str) -> Reply:
    """An error as such servers report it; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"message": message, "type": "error", "code": None}
    return as_json({"error": error}, status=status, **named)


def chat_reply(
    text: str | None, *, finish_reason: str = "stop", refusal: str | None = None
) -> Reply:
    """A chat completion that says ``text``."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return as_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [choice],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    )


EMPTY = Reply()
RESET = Reply(reset=True)
HALF = Reply(chat_reply('{"classes": []}').body[:60], promised=4000)
HTML = Reply(b"<html><body>502 upstream</body></html>", content_type="text/html")
WRONG_SHAPE = as_json({"result": "ok"})
SLOW = Reply(chat_reply("{}").body, seconds_per_byte=0.05)


class GenerationServer(LocalServer):
    """Serves until the ``with`` block ends.

    ``faults`` are sent first, one per request; after them ``handlers`` answer, one per path.

    Attributes:
        handlers: Path -> what it answers.
        faults: Sent before any handler is asked.
        received: Every request, in order.
    """

    def __init__(self, models: tuple[str, ...] = ("scripted",)) -> None:
        self.handlers: dict[str, Callable[[Received], Reply]] = {
            MODELS: lambda _: as_json(
                {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}
            )
        }
        self.faults: deque[Reply] = deque()
        self.received: list[Received] = []
        self._ending = threading.Event()
        super().__init__(_handler(self))

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def asked(self, path: str = CHAT) -> list[Received]:
        """The requests to ``path``."""
        return [request for request in self.received if request.path == path]

    def answer(self, request: Received) -> Reply:
        self.received.append(request)
        if self.faults:
            return self.faults.popleft()
        handler = self.handlers.get(request.path)
        return failure(404, "no such path") if handler is None else handler(request)

    def pause(self, seconds: float) -> bool:
        """Wait; False if the server ends meanwhile."""
        return not self._ending.wait(seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        super().__exit__(kind, error, trace)


def _handler(server: GenerationServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._answer(json.loads(self.rfile.read(length)))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the tests look at ``received``."""

        def _answer(self, body: dict[str, Any]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.answer(Received(self.path, body, headers))
            self.close_connection = True
            if reply.reset:
                # Closing with time zero to linger sends a reset in place of a farewell.
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
                return
            length = len(reply.body) if reply.promised is None else reply.promised
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(length))
                self.send_header("Connection", "close")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self._write(reply)
            except OSError:  # whoever asked has gone
                return

        def _write(self, reply: Reply) -> None:
            if not reply.seconds_per_byte:
                self.wfile.write(reply.body)
                return
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if not server.pause(reply.seconds_per_byte):
                    return

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):  # after a reset there is nothing left to flush
                return

    return Handler
