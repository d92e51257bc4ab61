"""A text tower made of any text encoder of transformers: the mean of its tokens' outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.nn import functional

from sightglass.encoders.card import TextInput
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.towers.contract import TextTower
from sightglass.encoders.towers.text_checkpoint import (
    build_backbone,
    load_backbone,
    parse_tokenizer,
    read_tokenizer,
)
from sightglass.encoders.towers.token_batch import token_batch
from sightglass.errors import InputError, ModelError

if TYPE_CHECKING:
    from jaxtyping import Float, Int64

KIND = "transformers"
FILE_NAME = "tokenizer.json"
LONGEST = 60
_SMALLEST = 1e-9
# These count positions from the padding's id onwards, so that many of the table are never used.
_OFFSET_POSITIONS = ("camembert", "data2vec-text", "mpnet", "roberta", "xlm-roberta")


class PretrainedText(TextTower):
    """Unit rows of texts: a backbone, the mean of its tokens, a linear layer where widths differ.

    The mean is over every token that is not padding, the special ones included, never the first
    token alone. The linear layer is there only where the backbone's width is not ``dim``. Dropout
    is the checkpoint's, and works in ``train`` mode.

    Args:
        backbone: A transformers model whose outputs have ``last_hidden_state``.
        tokenizer: Content of its ``tokenizer.json``.
        pad_id: The padding token's id.
        dim: Width of the shared space; None: the backbone's.
        length: Tokens at most, special ones included; fewer where the backbone has fewer positions.

    Raises:
        InputError: If ``dim`` or ``length`` is below 1.
        ModelError: If the tokeniser is malformed or has ids that the backbone does not know.

    Source:
        Reimers & Gurevych 2019, arXiv:1908.10084, for the mean; Cheng et al. 2021,
        arXiv:2104.08945, for DeCLUTR so used, with at most 60 tokens.
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: bytes,
        *,
        pad_id: int,
        dim: int | None = None,
        length: int = LONGEST,
    ) -> None:
        super().__init__()
        config: Any = backbone.config
        width = int(config.hidden_size)
        self.dim = width if dim is None else dim
        if min(self.dim, length) < 1:
            raise InputError(
                f"Text tower: dim and length must be at least 1, got {dim} and {length}."
            )
        self._tokenizer = tokenizer
        parsed = parse_tokenizer(tokenizer)
        if (largest := max(parsed.get_vocab().values(), default=0)) >= config.vocab_size:
            raise ModelError(
                f"Text tower: a {config.model_type} model for {config.vocab_size} tokens needs "
                f"ids below that, its tokeniser has the id {largest}. Give the tokeniser that "
                f"belongs to the model."
            )
        self.text_input = TextInput(length=_at_most(length, config, pad_id), pad_id=pad_id)
        self._tokens = make_tokens(parsed, self.text_input)
        self.backbone = backbone
        # Never trained, since only the tokens' outputs are used.
        if hasattr(backbone, "pooler"):
            backbone.register_module("pooler", None)
        self.projection = nn.Identity() if self.dim == width else nn.Linear(width, self.dim)

    def tokenise(self, texts: Sequence[str]) -> Int64[Tensor, "n length"]:
        """Ids, padded on the right; too long texts keep their special tokens.

        Raises:
            InputError: If one text is given instead of a list.
        """
        return token_batch(self._tokens, texts, self.text_input)

    def forward(self, ids: Int64[Tensor, "n length"]) -> Float[Tensor, "n dim"]:
        """Unit rows; padding says nothing, whatever its amount."""
        there = ids != self.text_input.pad_id
        tokens = self.backbone(input_ids=ids, attention_mask=there.long()).last_hidden_state
        # Not a product with the mask: where no token is there at all, outputs may be NaN.
        total = tokens.float().masked_fill(~there.unsqueeze(2), 0.0).sum(dim=1)
        mean = total / there.float().sum(dim=1, keepdim=True).clamp(min=_SMALLEST)
        return functional.normalize(self.projection(mean).float(), dim=1)

    def settings(self) -> dict[str, Any]:
        """Kind, sizes and the backbone's configuration in full: no checkpoint is named."""
        config: Any = self.backbone.config
        stated = config.to_dict()
        stated.pop("_name_or_path", None)
        return {
            "kind": KIND,
            "dim": self.dim,
            "length": self.text_input.length,
            "pad_id": self.text_input.pad_id,
            "config": stated,
        }

    def vocabulary_file(self) -> tuple[str, bytes]:
        """``tokenizer.json`` and its content."""
        return FILE_NAME, self._tokenizer


def build_pretrained_text(
    *,
    vocabulary: bytes | None = None,
    checkpoint: str | None = None,
    config: Mapping[str, Any] | None = None,
    dim: int | None = None,
    length: int = LONGEST,
    pad_id: int | None = None,
) -> PretrainedText:
    """The tower of a checkpoint with its weights, or of a configuration with random ones.

    What ``settings()`` and ``vocabulary_file()`` gave is of the second form.

    Args:
        vocabulary: Content of ``tokenizer.json``; None: the checkpoint's.
        checkpoint: ``hf:ORG/NAME`` or a folder; the weights must be safetensors.
        config: As in ``config.json``, ``model_type`` included.
        dim: Width of the shared space; None: the model's.
        length: Tokens at most.
        pad_id: None: what the checkpoint's tokeniser says, else ``pad_token_id`` of ``config``.

    Raises:
        InputError: If not exactly one of ``checkpoint`` and ``config`` is given, or a number is
            out of range.
        MissingExtraError: If transformers is not installed.
        ModelError: If the model cannot be fetched, loaded or built, or has no fast tokeniser.
    """
    if (checkpoint is None) == (config is None):
        raise InputError(
            "Text tower: either a checkpoint with weights or a config for random ones is needed, "
            f"got {'neither' if checkpoint is None else 'both'}. Give one of them."
        )
    if checkpoint is not None:
        backbone, folder = load_backbone(checkpoint)
        content, padding = read_tokenizer(folder)
        vocabulary = content if vocabulary is None else vocabulary
        pad_id = padding if pad_id is None else pad_id
    else:
        assert config is not None
        backbone = build_backbone(config)
    if vocabulary is None:
        raise ModelError(
            "Text tower: a tokenizer.json is needed beside a config, got none. Give the one that "
            "belongs to the model."
        )
    if pad_id is None:
        pad_id = getattr(backbone.config, "pad_token_id", None)
    if pad_id is None:
        raise ModelError(
            "Text tower: the id of the padding token is needed, neither tokeniser nor "
            "configuration say it. Give pad_id."
        )
    return PretrainedText(backbone, vocabulary, pad_id=pad_id, dim=dim, length=length)


def _at_most(length: int, config: Any, pad_id: int) -> int:
    """``length``, or what the backbone has positions for; relative positions have no end."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        return length
    offset = pad_id + 1 if config.model_type in _OFFSET_POSITIONS else 0
    return min(length, int(positions) - offset)
