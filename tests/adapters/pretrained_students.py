"""Students of transformers' towers, tiny and random, as a recipe names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.text_checkpoints import write_bert
from adapters.vision_checkpoints import write_resnet, write_vit


def write_still_bert(folder: Path) -> Path:
    """BERT without dropout."""
    return _with(write_bert(folder), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def _with(folder: Path, **settings: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


def pretrained(folder: Path, *, image: str = "resnet", dropout: bool = False) -> dict[str, Any]:
    """A student of transformers' towers: tiny ResNet or ViT, tiny BERT."""
    folder.mkdir(parents=True, exist_ok=True)
    towers = {
        "image": {"resnet": write_resnet, "vit": write_vit}[image](folder / image),
        "text": (write_bert if dropout else write_still_bert)(folder / f"bert-{dropout}"),
    }
    return {
        side: {"kind": "transformers", "checkpoint": str(path)} for side, path in towers.items()
    }
