"""What is computed once per run about the classes: tokens, and rows that do not change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES
from sightglass.distillation.prompts.objective import Classes
from sightglass.encoders.prompted.class_tokens import PREFIX
from sightglass.encoders.prompted.promptsrc import PromptSRC
from sightglass.inputs.labels import clean_name

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from sightglass.encoders.prompted.host import PromptHost
    from sightglass.encoders.prompted.student import Student

_TEXTS_PER_PASS = 256
# Sixty sentences for each of 20,000 words would take days; the vocabulary has one for each.
_MOST_CLASSES_WITH_ALL_TEMPLATES = 2_000


def classes_for(host: PromptHost, student: Student, names: Sequence[str]) -> Classes:
    """The classes' tokens, and what of them the host needs unlearned.

    Args:
        host: VPT's texts are fixed, and PromptSRC's are held near to the frozen student's.
        student: With the frozen towers.
        names: At least one.
    """
    tokens = student.tokens(names)
    fixed = frozen = None
    with torch.no_grad():
        if not host.learns_texts:
            everyone = torch.arange(len(tokens), device=tokens.ids.device)
            parts = [
                everyone[at : at + _TEXTS_PER_PASS] for at in range(0, len(tokens), _TEXTS_PER_PASS)
            ]
            fixed = torch.cat([host.text_rows(student.towers, tokens.select(p)) for p in parts])
        if isinstance(host, PromptSRC):
            frozen = _remembered_rows(student, tuple(names))
    return Classes(tokens=tokens, fixed_rows=fixed, frozen_rows=frozen)


def frozen_rows(student: Student, names: Sequence[str]) -> Float[Tensor, "c dim"]:
    """t_0: per class the mean row over sixty templates, made unit length afterwards.

    Source:
        Khattak et al. 2023, arXiv:2307.06948: the mean is over rows as the tower gives them.
        Above 2,000 names, which no published run has, there is one template: "a photo of a".
    """
    few = len(names) <= _MOST_CLASSES_WITH_ALL_TEMPLATES
    templates = GENERAL_TEMPLATES if few else (f"{PREFIX} {{}}.",)
    total = torch.zeros(len(names), student.towers.dim, device=student.towers.device)
    for template in templates:
        # Not str.format: a name may contain braces.
        total += _rows(student, [template.replace("{}", clean_name(name)) for name in names])
    return functional.normalize(total / len(templates), dim=-1)


@lru_cache(maxsize=2)  # a suite trains on the same classes time and again
def _remembered_rows(student: Student, names: tuple[str, ...]) -> Float[Tensor, "c dim"]:
    return frozen_rows(student, names)


def _rows(student: Student, texts: Sequence[str]) -> Float[Tensor, "c dim"]:
    """Rows of whole texts as the tower gives them."""
    rows = []
    for at in range(0, len(texts), _TEXTS_PER_PASS):
        tokens = student.texts(texts[at : at + _TEXTS_PER_PASS])
        rows.append(student.towers.text_rows(student.towers.embed_tokens(tokens.ids), tokens.ends))
    return torch.cat(rows)
