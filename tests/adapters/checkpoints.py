"""Tiny checkpoints with random weights, written in the format of the model hub."""

from __future__ import annotations

import math
import string
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BitImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    PreTrainedTokenizerFast,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    Siglip2Tokenizer,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

SIDE, PATCH, LENGTH = 32, 8, 24
WORDS = ("photo", "of", "cat", "dog", "red", "train", "tower", "bridge")
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "patch_size": PATCH,
}
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": LENGTH,
}


def write_clip(folder: Path, *, seed: int = 0, **save: object) -> Path:
    """CLIP, with a preprocessor_config.json as on the hub."""
    return _save_clip(_clip(_TEXT, _VISION, dim=16, scale=4.6052, seed=seed), folder, **save)


def write_uneven_clip(folder: Path, *, seed: int = 0) -> Path:
    """CLIP whose towers differ in width and depth, so that neither can pass for the other.

    Text: 4 blocks, 24 wide. Vision: 5 blocks, 40 wide. Rows of 48. Gains of the norms differ from
    1, and the logit scale, 20, is none that is published.
    """
    text = _TEXT | {"hidden_size": 24, "intermediate_size": 96, "num_hidden_layers": 4}
    vision = _VISION | {"hidden_size": 40, "intermediate_size": 56, "num_hidden_layers": 5}
    model = _clip(text, vision, dim=48, scale=math.log(20), seed=seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name and name.endswith("weight"):
                torch.nn.init.uniform_(weight, 0.5, 1.5)
    return _save_clip(model, folder)


def _clip(
    text: dict[str, int], vision: dict[str, int], *, dim: int, scale: float, seed: int
) -> CLIPModel:
    tokenizer = clip_tokenizer()
    torch.manual_seed(seed)
    model = CLIPModel(
        CLIPConfig(
            text_config=text
            | {
                "vocab_size": len(tokenizer),
                "bos_token_id": tokenizer.bos_token_id,
                "eos_token_id": tokenizer.eos_token_id,
                "pad_token_id": tokenizer.pad_token_id,
            },
            vision_config=vision | {"image_size": SIDE},
            projection_dim=dim,
            logit_scale_init_value=scale,
        )
    )
    _enliven(model)
    return model


def _save_clip(model: CLIPModel, folder: Path, **save: object) -> Path:
    model.save_pretrained(folder, **save)
    clip_tokenizer().save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)
    return folder


def write_siglip(folder: Path, *, seed: int = 0) -> Path:
    """SigLIP of one fixed size; its tokenizer neither lowers the case nor drops punctuation."""
    tokenizer = unigram_tokenizer()
    torch.manual_seed(seed)
    text = _TEXT | {
        "vocab_size": len(tokenizer),
        "projection_size": 32,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model = SiglipModel(
        SiglipConfig(text_config=text, vision_config=_VISION | {"image_size": SIDE})
    )
    _enliven(model)
    _set_scale_and_bias(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def write_siglip2(folder: Path, *, seed: int = 0, max_patches: int = 25) -> Path:
    """SigLIP 2 that takes pictures of any shape."""
    tokenizer = gemma_like_tokenizer()
    torch.manual_seed(seed)
    text = _TEXT | {
        "vocab_size": len(tokenizer),
        "projection_size": 32,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model = Siglip2Model(
        Siglip2Config(text_config=text, vision_config=_VISION | {"num_patches": 16})
    )
    _enliven(model)
    _set_scale_and_bias(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=max_patches).save_pretrained(folder)
    return folder


def write_dinov2(folder: Path, *, registers: bool = False, seed: int = 0) -> Path:
    """DINOv2, made for 48 pixels and used at 32, as the published ones are made for 518."""
    torch.manual_seed(seed)
    config = {key: _VISION[key] for key in _VISION if key != "intermediate_size"} | {
        "image_size": 48,
        "mlp_ratio": 2,
    }
    if registers:
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**config))
    else:
        model = Dinov2Model(Dinov2Config(**config))
    _enliven(model)
    model.save_pretrained(folder)
    BitImageProcessorPil(
        size={"shortest_edge": 40}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)
    return folder


def clip_tokenizer() -> CLIPTokenizer:
    """Byte pairs for a few words, spelled as CLIP spells them."""
    vocabulary = {letter: index for index, letter in enumerate(string.printable.strip())}
    for letter in list(vocabulary):
        vocabulary[letter + "</w>"] = len(vocabulary)
    merges = _merges(WORDS, vocabulary, end="</w>")
    vocabulary["<|startoftext|>"] = len(vocabulary)
    vocabulary["<|endoftext|>"] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)


def gemma_like_tokenizer() -> Siglip2Tokenizer:
    """Byte pairs with a visible space, padding 0 and end 1, as Gemma has them."""
    vocabulary = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4}
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    for letter in "▁" + string.printable.strip():
        vocabulary[letter] = len(vocabulary)
    merges = _merges(WORDS, vocabulary, end="")
    return Siglip2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        add_bos_token=False,
        add_eos_token=True,
        padding_side="right",
        model_max_length=LENGTH,
    )


def unigram_tokenizer() -> PreTrainedTokenizerFast:
    """Scored pieces with a visible space, the end token also padding, as SigLIP has them."""
    pieces = [("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [(letter, -5.0) for letter in string.printable.strip()]
    pieces += [("▁" + word, -1.0) for word in WORDS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="</s>",
        unk_token="<unk>",
        model_max_length=LENGTH,
        padding_side="right",
    )


def pictures(count: int = 6, *, seed: int = 0) -> list[Image.Image]:
    """Pictures of many shapes with structure in them: blocks of colour, enlarged."""
    rng = np.random.default_rng(seed)
    sizes = [(48, 48), (37, 101), (90, 33), (7, 5), (64, 65), (200, 31), (32, 32), (33, 120)]
    made = []
    for index in range(count):
        blocks = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        made.append(Image.fromarray(blocks).resize(sizes[index % len(sizes)], Image.Resampling.BOX))
    return made


def _merges(words: tuple[str, ...], vocabulary: dict[str, int], end: str) -> list[tuple[str, str]]:
    """Pairs that put each word together from the left; the new pieces go into ``vocabulary``."""
    merges = []
    for word in words:
        parts = [*word[:-1], word[-1] + end]
        left = parts[0]
        for right in parts[1:]:
            if (left, right) not in merges:
                merges.append((left, right))
            left += right
            vocabulary.setdefault(left, len(vocabulary))
    return merges


def _enliven(model: torch.nn.Module) -> None:
    """Larger weights: freshly made ones give nearly the same row for every picture."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2:
                torch.nn.init.normal_(weight, std=weight.shape[-1] ** -0.5)
            elif name.endswith("bias"):
                torch.nn.init.normal_(weight, std=0.1)


def _set_scale_and_bias(model: torch.nn.Module) -> None:
    with torch.no_grad():
        model.logit_scale.fill_(4.75)
        model.logit_bias.fill_(-16.5)
