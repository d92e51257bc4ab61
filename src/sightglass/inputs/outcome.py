"""What happened to one file. Every file found has exactly one; nothing is lost silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal[
    "ok",  # decoded and classified
    "duplicate",  # same bytes as an earlier file of this run; classified like it
    "corrupt",  # a picture by its header, but its data make no sense; or an empty file
    "truncated",  # the data stop before the picture is complete
    "unsupported",  # not a picture, or a format that this installation cannot read
    "too_large",  # would decode to more pixels than the limit
    "unreadable",  # the operating system refused: permission, vanished, not a regular file
]
STATUSES: tuple[Status, ...] = get_args(Status)
CLASSIFIED: tuple[Status, ...] = ("ok", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One per file found.

    Attributes:
        path: As found: the person's own spelling of the folder, then the rest. Pictures that
            never were files are called ``image[0]``, ``image[1]`` …
        status: One word of ``Status``.
        detail: For a person: why it failed, or what it is a duplicate of; empty if all is well.
    """

    path: str
    status: Status
    detail: str = ""

    @property
    def classified(self) -> bool:
        """True where a label was given."""
        return self.status in CLASSIFIED
