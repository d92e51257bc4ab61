"""Both towers of a frozen CLIP checkpoint, opened at the places where prompts go in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.checkpoint import checkpoint

from sightglass.encoders.card import Precision

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

# Classes whose activations are alive at the same time while gradients are taken. A thousand
# classes of ViT-B/32's text tower would hold 8 GB; in passes, each computed twice, they hold 1.
CLASSES_PER_PASS = 128


class ClipTowers:
    """The walk through CLIP's two transformers, with learned vectors among the tokens.

    Weights never change: they need no gradient and are not parameters of any prompt.

    Args:
        model: A transformers ``CLIPModel``, or what stands in for one; it is frozen here.
        precision: ``"bf16"`` for matrix products in bfloat16, sums and norms stay float32.
        classes_per_pass: Texts that are run, forwards and backwards, at a time.
    """

    takes_tokens = True  # whether pictures go in as patches that tokens can join

    def __init__(
        self,
        model: Any,
        *,
        precision: Precision = "fp32",
        classes_per_pass: int = CLASSES_PER_PASS,
    ) -> None:
        model.eval().requires_grad_(False)
        self._model = model
        self._text, self._vision = model.text_model, model.vision_model
        self._reduced = precision == "bf16"
        self._per_pass = classes_per_pass
        self.text_width: int = self._text.config.hidden_size
        self.dim: int = model.projection_dim
        self.text_depth: int = len(self._text.encoder.layers)
        self.text_heads: int = self._text.config.num_attention_heads
        self.logit_scale: float = float(model.logit_scale.detach().exp())
        self.vision_width, self.vision_depth, self.vision_heads, self.patches = self._vision_sizes()

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        device: torch.device = self._model.logit_scale.device
        return device

    @property
    def weight_bytes(self) -> int:
        """What the frozen weights hold in memory."""
        return sum(w.numel() * w.element_size() for w in self._model.state_dict().values())

    def embed_tokens(self, ids: Int[Tensor, "c l"]) -> Float[Tensor, "c l text_width"]:
        """The vocabulary's vectors of these tokens, without positions."""
        embedded: Tensor = self._text.embeddings.token_embedding(ids)
        return embedded

    def text_rows(
        self,
        embedded: Float[Tensor, "c l text_width"],
        ends: Int[Tensor, " c"],
        deep: Sequence[Float[Tensor, "k text_width"]] = (),
    ) -> Float[Tensor, "c dim"]:
        """Rows of texts, not yet of unit length.

        Args:
            embedded: Token vectors without positions, from the start token on.
            ends: Where each text's end token stands; what follows it is never looked at.
            deep: ``deep[i]`` takes the place of tokens 1 to k where block ``i + 1`` begins.
        """
        if len(embedded) <= self._per_pass:
            return self._text_pass(embedded, ends, *deep)
        # Short texts share passes with short ones, so that few positions are run for nothing.
        order = ends.argsort(stable=True)
        rows = []
        for at in range(0, len(order), self._per_pass):
            members = order[at : at + self._per_pass]
            own_ends = ends[members]
            part = embedded[members, : int(own_ends[-1]) + 1]
            if torch.is_grad_enabled():
                row = checkpoint(self._text_pass, part, own_ends, *deep, use_reentrant=False)
            else:
                row = self._text_pass(part, own_ends, *deep)
            rows.append(row)
        return torch.cat(rows)[order.argsort()]

    def image_rows(
        self,
        pixels: Float[Tensor, "n 3 height width"],
        tokens: Float[Tensor, "k vision_width"] | None = None,
        deep: Sequence[Float[Tensor, "k vision_width"]] = (),
    ) -> Float[Tensor, "n dim"]:
        """Rows of pictures, not yet of unit length.

        Args:
            pixels: Normalised as the checkpoint's card says.
            tokens: Put behind class token, patches and their positions, before the first norm.
            deep: ``deep[i]`` takes the place of the last k tokens where block ``i + 1`` begins.
        """
        with self._autocast():
            hidden = self._vision.embeddings(pixels)
            if tokens is not None:
                hidden = torch.cat([hidden, _for_each(tokens, hidden)], dim=1)
            hidden = self._vision.pre_layrnorm(hidden)
            for index, layer in enumerate(self._vision.encoder.layers):
                if 0 < index <= len(deep):
                    own = deep[index - 1]
                    hidden = torch.cat([hidden[:, : -len(own)], _for_each(own, hidden)], dim=1)
                hidden = _block(layer, hidden, causal=False)
            rows: Tensor = self._model.visual_projection(self._vision.post_layernorm(hidden[:, 0]))
        return rows.float()

    def digest(self) -> str:
        """Hex digest of every frozen weight: the same before and after, or something trained."""
        total = hashlib.sha256()
        for name, weight in sorted(self._model.state_dict().items()):
            total.update(name.encode())
            # numpy has no bfloat16; widening keeps every bit's meaning.
            total.update(weight.detach().float().cpu().numpy().tobytes())
        return total.hexdigest()

    def _vision_sizes(self) -> tuple[int, int, int, int]:
        """Width, blocks, heads and patches of the vision tower."""
        config = self._vision.config
        depth = len(self._vision.encoder.layers)
        patches = self._vision.embeddings.num_patches
        return config.hidden_size, depth, config.num_attention_heads, patches

    def _text_pass(
        self,
        embedded: Float[Tensor, "c l text_width"],
        ends: Int[Tensor, " c"],
        *deep: Float[Tensor, "k text_width"],
    ) -> Float[Tensor, "c dim"]:
        positions = self._text.embeddings.position_embedding.weight[: embedded.shape[1]]
        with self._autocast():
            hidden = embedded + positions
            for index, layer in enumerate(self._text.encoder.layers):
                if 0 < index <= len(deep):
                    own = deep[index - 1]
                    behind = hidden[:, 1 + len(own) :]
                    hidden = torch.cat([hidden[:, :1], _for_each(own, hidden), behind], dim=1)
                hidden = _block(layer, hidden, causal=True)
            last = hidden[torch.arange(len(hidden), device=hidden.device), ends]
            rows: Tensor = self._model.text_projection(self._text.final_layer_norm(last))
        return rows.float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._reduced)


def _for_each(
    tokens: Float[Tensor, "k width"], hidden: Float[Tensor, "n l width"]
) -> Float[Tensor, "n k width"]:
    return tokens.to(hidden.dtype).expand(len(hidden), -1, -1)


def _block(
    layer: Any, hidden: Float[Tensor, "n l width"], *, causal: bool
) -> Float[Tensor, "n l width"]:
    """One residual block of a CLIP transformer, with the layer's own weights."""
    attention = layer.self_attn
    heads = (*hidden.shape[:2], attention.num_heads, attention.head_dim)
    normed = layer.layer_norm1(hidden)
    query, key, value = (
        project(normed).view(heads).transpose(1, 2)
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    # Written out: for sequences this short torch's fused attention takes several times as long on
    # the way back (on a processor, three quarters of CoOp's time in bf16).
    scores = attention.head_dim**-0.5 * query @ key.transpose(-2, -1)
    if causal:
        ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(ahead, -torch.inf)
    mixed = scores.softmax(dim=-1).to(value.dtype) @ value
    hidden = hidden + attention.out_proj(mixed.transpose(1, 2).flatten(2))
    result: Tensor = hidden + layer.mlp(layer.layer_norm2(hidden))
    return result
