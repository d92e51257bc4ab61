"""A language model that knows a few classes well: it reads the question and answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generation_server import Received, Reply, chat_reply


def listed(request: Received) -> list[str]:
    """The lines of the question's list."""
    return re.findall(r"^- (.+)$", request.body["messages"][1]["content"], flags=re.MULTILINE)


def kind(request: Received) -> str:
    """Which of the four questions it is, by what only it says."""
    text = request.body["messages"][1]["content"]
    (found,) = (
        name
        for name, words in {
            "parts": "Cut this list into parts",
            "looks": "Describe what each one looks like",
            "look_alikes": "may be taken for the other",
            "features": "have in common to the eye",
        }.items()
        if words in text
    )
    return found


def plain(line: str) -> str:
    """The name in a line of a list."""
    return re.split(": What a | \\(also called", line)[0]


@dataclass
class KnowingModel:
    """Answers by the book; change a method's result to make it err.

    Attributes:
        kinds: Title -> names, for cutting lists.
        look_alikes: Name -> names, said of the first only.
        features: Said of every pair.
    """

    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    look_alikes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    features: Sequence[str] = ("four legs", "fur")

    def __call__(self, request: Received) -> Reply:
        return chat_reply(json.dumps(self.said(request)))

    def said(self, request: Received) -> dict[str, Any]:
        answer = {
            "parts": self.parts,
            "looks": self.looks,
            "look_alikes": self.alike,
            "features": self.common,
        }
        return answer[kind(request)](request)

    def parts(self, request: Received) -> dict[str, Any]:
        names = [plain(line) for line in listed(request)]
        kinds = {title: [n for n in names if n in whole] for title, whole in self.kinds.items()}
        return {"parts": [{"title": t, "classes": found} for t, found in kinds.items() if found]}

    def looks(self, request: Received) -> dict[str, Any]:
        names = [plain(line) for line in listed(request)]
        return {"classes": [{"name": n, "description": f"What a {n} looks like."} for n in names]}

    def alike(self, request: Received) -> dict[str, Any]:
        names = [plain(line) for line in listed(request)]
        asked = names
        only = re.search(r"For these classes: (.+?), name", request.body["messages"][1]["content"])
        if only:
            asked = only[1].split("; ")
        return {
            "classes": [
                {"name": n, "looks_like": [o for o in self.look_alikes.get(n, ()) if o in names]}
                for n in asked
            ]
        }

    def common(self, request: Received) -> dict[str, Any]:
        pairs = [re.search(r": both (.+) and (.+) have …$", line) for line in listed(request)]
        return {
            "pairs": [
                {"first": pair[1], "second": pair[2], "shared_features": list(self.features)}
                for pair in pairs
                if pair
            ]
        }
