"""The hub on this machine: as much of its protocol as fetching a model or a data set needs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from local_server import LocalServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LISTINGS = ("/api/models/org/name", "/api/datasets/org/name")


class HubServer(LocalServer):
    """Serves the files below ``folder`` as those of the repository ``org/name``.

    Args:
        folder: None for a hub that refuses everything.
        refusal: The status of what is not there.

    Attributes:
        asked: The path of each request.
    """

    def __init__(self, folder: Path | None, *, refusal: int = 404) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                outer.asked.append(self.path)
                found = None if folder is None else _found(folder, self.path.partition("?")[0])
                self.send_response(refusal if found is None else 200)
                body = b"" if found is None else found
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: the test reads ``asked``."""

        super().__init__(Handler)


def _found(folder: Path, path: str) -> bytes | None:
    files = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    if path.startswith(tuple(f"{listing}/tree/" for listing in _LISTINGS)):
        entries = [
            {"type": "file", "path": name, "size": file.stat().st_size, "oid": ""}
            for name, file in files.items()
        ]
        return json.dumps(entries).encode()
    if path.startswith(_LISTINGS):
        siblings = [{"rfilename": name} for name in files]
        return json.dumps({"id": "org/name", "sha": COMMIT, "siblings": siblings}).encode()
    wanted = path.partition(f"/resolve/{COMMIT}/")[2]
    return files[wanted].read_bytes() if wanted in files else None


def told_by(program: str, *arguments: str, home: Path, **environment: str) -> str:
    """What a program prints that knows the hub by these variables alone; it must print no error."""
    keep = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=keep | {"HF_HOME": str(home)} | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.strip()
