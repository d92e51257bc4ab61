"""Answers of language models that were kept on disk."""

from __future__ import annotations

import json

from harness import Harness, scratch
from sightglass.generation.kept_answers import KeptAnswers

_SEED = {
    "format": "sightglass-answer-1",
    "model": "model",
    "messages": [{"role": "user", "content": "What?"}],
    "schema_of_answer": {"type": "object"},
    "answer": "{}",
    "date": "2026-01-02",
}


def one_input(data: bytes) -> None:
    """As the file of one answer: a damaged one is none, a good one is kept as it is."""
    kept = KeptAnswers(scratch() / "answers")
    (kept.folder / "0.json").write_bytes(data)
    answer = kept.get("0")
    if answer is not None:
        kept.put("1", answer)
        again = kept.get("1")
        assert again is not None, "what was kept cannot be read"
        assert again.model_dump_json() == answer.model_dump_json()


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [json.dumps(_SEED).encode()],
    words=(*_SEED, "role", "content"),
    tree=True,
)
