"""OUT/shards: the answers of a run that is not finished, so that the next one goes on from there.

Each run has a folder of its own there, named after all that its answers depend on. Other settings
are another run: nothing of one is ever taken for the other's, and nothing is lost by trying them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from sightglass.errors import ResultsError
from sightglass.reports.prediction import Row
from sightglass.scale.answers import Answer
from sightglass.whole_files import put_bytes

SHARDS = "shards"
_ROWS, _JPEGS = ".jsonl", ".jpegs"


def run_key(digest: str, sources: Sequence[str], shard_size: int) -> str:
    """Names the run, 16 hex digits.

    Args:
        digest: Of the settings that answers depend on.
        sources: All, in order. What the files hold is not looked at.
        shard_size: Sources in a shard.
    """
    found = hashlib.sha256(f"{digest}\n{shard_size}\n".encode())
    for source in sources:
        found.update(source.encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()[:16]


def without_shards(sources: Sequence[str], out: Path) -> list[str]:
    """``sources`` less what lies in OUT/shards: unfinished answers are not pictures."""
    folder = out / SHARDS
    if not folder.is_dir():
        return list(sources)
    inside = os.path.realpath(folder) + os.sep
    return [
        source
        for source in sources
        if SHARDS not in source
        or "://" in source
        or not os.path.realpath(source).startswith(inside)
    ]


class ShardFolder:
    """The folder of one run.

    Args:
        out: Where the results go.
        key: From ``run_key``.

    Attributes:
        others: How many other runs left unfinished work there.
    """

    def __init__(self, out: Path, key: str) -> None:
        self._whole = out / SHARDS
        self._folder = self._whole / key
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.others = sum(1 for _ in self._whole.iterdir()) - 1
        except OSError as error:
            raise ResultsError(
                f"{self._folder}: a folder that can be written is needed for unfinished work "
                f"({error.strerror}). Choose another with --out."
            ) from error
        self._places: dict[str, tuple[Path, int, int]] | None = None

    def done(self) -> set[int]:
        """Numbers of the shards that were answered."""
        return {int(path.stem) for path in self._folder.glob(f"*{_ROWS}") if path.stem.isdecimal()}

    def save(self, number: int, answer: Answer) -> None:
        """Keep a shard's answer; on return it is on the disk, whole.

        Raises:
            ResultsError: If the disk is full or the file cannot be written.
        """
        self._places = None
        if answer.thumbnails:
            index = {sha256: len(jpeg) for sha256, jpeg in answer.thumbnails.items()}
            blobs = b"".join(answer.thumbnails.values())
            put_bytes(self._path(number, _JPEGS), json.dumps(index).encode() + b"\n" + blobs)
        lines = "".join(json.dumps(row) + "\n" for row in answer.rows)
        put_bytes(self._path(number, _ROWS), lines.encode())

    def rows(self, number: int) -> Iterator[Row]:
        """The rows of a shard that was answered.

        Raises:
            ResultsError: If the file is damaged.
        """
        path = self._path(number, _ROWS)
        with path.open(encoding="utf-8") as lines:
            try:
                for line in lines:
                    yield json.loads(line)
            except ValueError as error:
                raise ResultsError(
                    f"{path}: a row on every line is needed, it is damaged ({error}). Remove this "
                    f"file and run again: only this shard is computed anew."
                ) from error

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes, where some shard's answer brought them."""
        if self._places is None:
            self._places = dict(self._thumbnails())
        if sha256 not in self._places:
            return None
        path, start, length = self._places[sha256]
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(length)

    def remove(self) -> None:
        """Forget all of this run, and the folder above where no other run needs it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if not self.others:
            shutil.rmtree(self._whole, ignore_errors=True)

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:07d}{suffix}"

    def _thumbnails(self) -> Iterator[tuple[str, tuple[Path, int, int]]]:
        for path in sorted(self._folder.glob(f"*{_JPEGS}")):
            with path.open("rb") as stream:
                index = json.loads(stream.readline())
                start = stream.tell()
            for sha256, length in index.items():
                yield sha256, (path, start, length)
                start += length
