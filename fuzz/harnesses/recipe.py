"""Recipes of distillation, YAML or JSON."""

from __future__ import annotations

from harness import Harness, check_sentence, written
from sightglass.distillation.encoder.recipe import identity, read_recipe
from sightglass.errors import InputError

_RECIPE = b"""\
data:
- {path: pairs.csv, weight: 2}
student:
  dim: 8
  text: {kind: word_table}
teachers:
  image: {model: teacher.onnx, top: 255}
optimiser: {kind: adamw, lr: 3.0e-3, betas: [0.9, 0.98]}
view: {area: [0.35, 1.0], aspect: 0.2, flip: true}
phases:
- name: first
  epochs: 10
  freeze: [text]
  losses: &one
    contrastive: {}
- {name: second, pictures: 100, losses: {<<: *one}}
"""
_JSON = (
    b'{"data": [{"path": "pairs.csv"}], "student": {"text": {"kind": "word_table"}},'
    b' "phases": [{"name": "pairs", "epochs": 10, "losses": {"contrastive": {}}}]}'
)
_WORDS = (
    *("data", "student", "teachers", "words", "phases", "optimiser", "view", "views", "losses"),
    *("batch_size", "part_size", "precision", "bf16", "average", "seed", "name", "epochs", "size"),
    *("contrastive", "maps", "features", "logits", "otter", "image", "text", "kind", "dim", "path"),
    *("convolutional", "pictures", "freeze", "<<", "&a ", "*a", "!!float ", "!!timestamp ", "0o7"),
    *("1:30", "2026-01-02", "!!set {a}", "!!binary QQ==", ".inf", ".nan", "1e3", "0x_", "? a\n: b"),
)


def one_input(data: bytes) -> None:
    """As a recipe's file."""
    try:
        recipe = read_recipe(written("recipe.yaml", data))
    except InputError as error:
        check_sentence(error)
        return
    identity(recipe)


HARNESS = Harness(
    one_input=one_input, seeds=lambda: [_RECIPE, _JSON], words=_WORDS, longest=2048, tree=True
)
