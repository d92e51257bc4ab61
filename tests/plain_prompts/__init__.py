"""The five hosts of prompt learning restated from their papers, apart from the package.

A host here is one function from plain tensors to logits; prompts are a dict by published name.
Nothing of ``sightglass`` is imported, so that agreement means something.
"""

from __future__ import annotations

from plain_prompts import cocoop, coop, maple, promptsrc, vpt

ANSWERS = {
    "coop": coop.answer,
    "cocoop": cocoop.answer,
    "vpt": vpt.answer,
    "maple": maple.answer,
    "promptsrc": promptsrc.answer,
}
# Learning rates of the five hosts. Source: arXiv:2407.03056.
RATES = {"coop": 0.002, "cocoop": 0.002, "vpt": 0.0025, "maple": 0.0035, "promptsrc": 0.0025}
