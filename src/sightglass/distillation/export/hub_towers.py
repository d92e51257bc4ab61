"""The towers of a hub model, CLIP, SigLIP or DINOv2, as an export takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sightglass.encoders.card import ImageInput, TextInput
from sightglass.encoders.hub_checkpoint import Checkpoint
from sightglass.encoders.hub_tokens import load_tokenizer
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.towers.contract import ImageAnswer, ImageTower, TextTower
from sightglass.errors import ModelError

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

KIND = "hub"


class HubImageTower(ImageTower):
    """The rows that ``--model hf:NAME`` gives; no feature beside them.

    Args:
        checkpoint: Where the model is.
        model: The model itself, in fp32.
        dim: Width of a row.
        image_input: From the model's card.

    Raises:
        ModelError: If pictures are to keep their shape: a graph takes one size.
    """

    def __init__(
        self, checkpoint: Checkpoint, model: Any, *, dim: int, image_input: ImageInput
    ) -> None:
        super().__init__()
        if image_input.resize == "patches":
            raise ModelError(
                f"{checkpoint.name}: a model that takes pictures of one size is needed, this one "
                f"keeps their shape (NaFlex). Export a SigLIP of a fixed size."
            )
        self.dim, self.feature_dim, self.image_input = dim, 0, image_input
        self.model = model
        self._checkpoint = checkpoint

    def forward(self, pixels: Float[Tensor, "n 3 height width"]) -> ImageAnswer:
        """Unit rows, and the same as the model gave them."""
        if self._checkpoint.has_texts:
            rows = self.model.get_image_features(pixel_values=pixels).pooler_output
        else:
            rows = self.model(pixel_values=pixels).last_hidden_state[:, 0]
        return ImageAnswer(functional.normalize(rows, dim=1), rows)

    def settings(self) -> dict[str, Any]:
        """Which model it is."""
        return {"kind": KIND, "name": self._checkpoint.name}


class HubTextTower(TextTower):
    """The rows that ``--model hf:NAME`` gives.

    Args:
        checkpoint: Where the model is.
        model: The model itself, in fp32.
        dim: Width of a row.
        text_input: From the model's card.
    """

    def __init__(
        self, checkpoint: Checkpoint, model: Any, *, dim: int, text_input: TextInput
    ) -> None:
        super().__init__()
        self.dim, self.text_input = dim, text_input
        self.model = model
        self._checkpoint = checkpoint
        self._tokens = make_tokens(load_tokenizer(checkpoint.folder), text_input)

    def tokenise(self, texts: Sequence[str]) -> Int64[Tensor, "n length"]:
        """Ids as the hub encoder makes them, padded to the longest of them."""
        rows = self._tokens(texts)
        length = max((len(row) for row in rows), default=0)
        ids = np.full((len(rows), length), self.text_input.pad_id, np.int64)
        for filled, row in zip(ids, rows, strict=True):
            filled[: len(row)] = row
        return torch.from_numpy(ids)

    def forward(self, ids: Int64[Tensor, "n length"]) -> Float[Tensor, "n dim"]:
        """Unit rows; the model itself knows where a text ends."""
        rows = self.model.get_text_features(input_ids=ids).pooler_output
        return functional.normalize(rows, dim=1)

    def settings(self) -> dict[str, Any]:
        """Which model it is."""
        return {"kind": KIND, "name": self._checkpoint.name}

    def vocabulary_file(self) -> tuple[str, bytes]:
        """``tokenizer.json`` and its content, also where the model came with older files."""
        return "tokenizer.json", load_tokenizer(self._checkpoint.folder).to_str().encode()
