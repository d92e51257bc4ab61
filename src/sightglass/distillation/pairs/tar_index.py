"""Where a tar shard holds its samples, from its headers alone."""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_NAME = re.compile(r"(?P<key>(?:.*/)?[^/.]+)\.(?P<ending>[^/]+)", re.DOTALL)
_PICTURES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp"})
_BLOCK = 512

Extent = tuple[int, int]  # first byte, length
NOTHING: Extent = (0, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The members of one key.

    Attributes:
        key: Their name up to its first dot, folders included.
        image: The encoded picture.
        text: ``.txt``, or ``NOTHING``.
        record: ``.json``, or ``NOTHING``.
        label: ``.cls``, or ``NOTHING``.
    """

    key: str
    image: Extent
    text: Extent = NOTHING
    record: Extent = NOTHING
    label: Extent = NOTHING


def index_shard(path: Path) -> tuple[list[Sample], list[str]]:
    """The samples with a picture, in the shard's order, and remarks on what is not whole.

    Of a shard that ends early or is damaged, what lies before is used. Of a member that comes
    twice the last one counts, as when a tar is unpacked.

    Raises:
        OSError: If the file cannot be opened.
    """
    members: dict[str, dict[str, Extent]] = {}
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            # Not "r": a compressed tar has no place where a picture begins.
            with tarfile.open(fileobj=file, mode="r:") as tar:
                fault = _members(tar, members, size) or _end(file, tar.offset, size)
        except tarfile.TarError:
            return [], [f"{path}: is no uncompressed tar, nothing of it is used"]
    kinds = ((key, of) for key, of in members.items() if not _PICTURES.isdisjoint(of))
    samples = [
        Sample(
            key=key,
            image=next(of[kind] for kind in of if kind in _PICTURES),
            text=of.get("txt", NOTHING),
            record=of.get("json", NOTHING),
            label=of.get("cls", NOTHING),
        )
        for key, of in kinds
    ]
    remarks = [] if fault is None else [f"{path}: {fault}; what lies before is used"]
    if len(samples) < len(members):
        without = len(members) - len(samples)
        remarks.append(f"{path}: {without:,} of {len(members):,} samples have no picture")
    return samples, remarks


def _members(tar: tarfile.TarFile, found: dict[str, dict[str, Extent]], size: int) -> str | None:
    """Fill ``found``; what stopped it, if not the end."""
    last = 0
    while True:
        try:
            member = tar.next()
        except tarfile.TarError:
            return f"ends early, at byte {size:,}"
        if member is None:
            return None
        if member.size < 0 or member.offset_data <= last:
            # Some releases of tarfile would go round in a circle.
            return f"is damaged at byte {member.offset:,}"
        last = member.offset_data
        tar.members = []  # type: ignore[attr-defined]  # it would keep them all
        match = _NAME.fullmatch(member.name)
        if match is None or not member.isreg() or member.issparse():
            continue
        if member.offset_data + member.size > size:
            return f"ends early, at byte {size:,}, within '{member.name}'"
        extents = found.setdefault(match["key"], {})
        extents[match["ending"].casefold()] = (member.offset_data, member.size)


def _end(file: BinaryIO, at: int, size: int) -> str | None:
    """What is wrong where tarfile saw no further member: it takes damage for the end."""
    file.seek(at)
    block = file.read(_BLOCK)
    if len(block) < _BLOCK:
        return f"ends early, at byte {size:,}: it has no end mark"
    return f"is damaged at byte {at:,}" if any(block) else None
