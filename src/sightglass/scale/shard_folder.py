"""OUT/shards: the answers of a run that is not finished, so that the next one goes on from there.

Each run has a folder of its own there, named after all that its answers depend on. Other settings
are another run: nothing of one is ever taken for the other's, and nothing is lost by trying them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sightglass.errors import ResultsError, reason
from sightglass.reports.folder import SHARD_RUN, SHARDS
from sightglass.reports.prediction import Row
from sightglass.reports.tables import read_rows
from sightglass.scale.answers import Answer
from sightglass.whole_files import put_bytes

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
            self.others = sum(
                1
                for other in self._whole.iterdir()
                if other.name != key and SHARD_RUN.fullmatch(other.name) and other.is_dir()
            )
        except OSError as error:
            raise ResultsError(
                f"{self._folder}: a folder that can be written is needed for unfinished work "
                f"({error.strerror}). Choose another with --out."
            ) from error
        self._places: dict[str, tuple[Path, int, int]] | None = None

    def kept(self) -> set[int]:
        """Numbers of the shards that were answered, well or not."""
        return {int(path.stem) for path in self._folder.glob(f"*{_ROWS}") if path.stem.isdecimal()}

    def is_done(self, number: int, sources: Sequence[str]) -> bool:
        """Whether there is nothing to compute any more: a whole answer, and all could be read.

        What could not be read may be readable now: the network was down, a folder not there.

        Args:
            number: Of the shard.
            sources: Of the shard.
        """
        try:
            return all(row.get("outcome") != "unreadable" for row in self.rows(number, sources))
        except ResultsError:
            return False

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

    def rows(self, number: int, sources: Sequence[str]) -> Iterator[Row]:
        """The rows of a shard that was answered.

        Args:
            number: Of the shard.
            sources: Of the shard; there is one row for each.

        Raises:
            ResultsError: If the file is damaged or cannot be read.
        """
        path = self._path(number, _ROWS)
        rows = read_rows(path)
        for place in range(len(sources) + 1):
            # Only what is read: what the taker of a row raises is another matter.
            try:
                row = next(rows, None)
                _check_one_each(row, sources[place] if place < len(sources) else None)
            except (OSError, ValueError) as error:
                raise ResultsError(
                    f"{path}: a row for each of {len(sources):,} sources is needed, but: "
                    f"{reason(error)}. Remove this file and run again: only this shard is computed "
                    f"anew."
                ) from error
            if row is not None:
                yield row

    def thumbnail(self, sha256: str) -> bytes | None:
        """JPEG bytes, where some shard's answer brought them."""
        if self._places is None:
            self._places = dict(self._thumbnails())
        if sha256 not in self._places:
            return None
        path, start, length = self._places[sha256]
        try:
            with path.open("rb") as stream:
                stream.seek(start)
                return stream.read(length)
        except OSError:
            return None  # the report can do without

    def remove(self) -> None:
        """Forget all of this run, and the folder above where no other run needs it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):  # not empty: other runs, or what is not ours
            self._whole.rmdir()

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:07d}{suffix}"

    def _thumbnails(self) -> Iterator[tuple[str, tuple[Path, int, int]]]:
        for path in sorted(self._folder.glob(f"*{_JPEGS}")):
            lengths, start = _index_of(path)
            for sha256, length in lengths.items():
                yield sha256, (path, start, length)
                start += length


def _check_one_each(row: Any, source: str | None) -> None:
    """ValueError unless a row, or the lack of one, is the answer to a source, or the lack of one.

    What follows is taken as it is: the file was put in place whole.
    """
    if row is None and source is not None:
        raise ValueError("rows are missing")
    if row is not None and (
        source is None or not isinstance(row, dict) or row.get("path") != source
    ):
        raise ValueError("a row is of something else")


def _index_of(path: Path) -> tuple[Mapping[str, int], int]:
    """How long each JPEG of a file is, and where they begin; none where the file is damaged."""
    try:
        with path.open("rb") as stream:
            index = json.loads(stream.readline())
            start = stream.tell()
        lengths = {str(sha256): int(length) for sha256, length in index.items()}
        if start + sum(lengths.values()) == path.stat().st_size and min(lengths.values()) > 0:
            return lengths, start
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    return {}, 0
