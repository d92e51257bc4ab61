"""Prompt files of every host for a tiny student, their numbers far from where a host begins."""

from __future__ import annotations

from pathlib import Path

import torch

from sightglass.encoders.prompted.class_tokens import PREFIX
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.prompt_file import PromptsAbout, write_prompts
from sightglass.encoders.prompted.student import Student


def learned_host(
    name: str, student: Student, *, seed: int = 0, change: float = 0.3, depth: int | None = None
) -> PromptHost:
    """A host as if it had learned: every number moved at random."""
    generator = torch.Generator().manual_seed(seed)
    host = build_host(name, student.towers, student.context_ids(), generator=generator, depth=depth)
    with torch.no_grad():
        for parameter in host.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * change)
    return host


def about(host: str, student: Student, /, **changed: object) -> PromptsAbout:
    """A description that fits."""
    return PromptsAbout.model_validate(
        {
            "host": host,
            "prefix": PREFIX,
            "student": student.name,
            "student_fingerprint": student.card.fingerprint,
            "class_names": ("cat", "dog"),
            "teacher": "hf:somebody/teacher",
            "loss": "kdpl",
            "epochs": 3,
            "seed": 7,
            "pictures": 48,
            **changed,
        }
    )


def write_learned(path: Path, name: str, student: Student, *, seed: int = 0) -> PromptHost:
    """The host whose prompts are now in ``path``."""
    host = learned_host(name, student, seed=seed)
    write_prompts(path, host, about=about(name, student))
    return host
