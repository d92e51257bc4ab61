"""Two CLIP checkpoints that know handwritten digits, one well and one badly, trained on the spot.

The teacher has seen worn pictures (turned, faded, noisy); the student, smaller, only fewer and
clean ones. Worn pictures are what the student is adapted to and judged by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from tokenizers import AddedToken
from torch.nn import functional
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from adapters.checkpoints import CLIP_MEAN, CLIP_STD, SIDE, clip_tokenizer
from sightglass.distillation.crops import random_crop
from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Words that no picture shows; both models learn that, as they are the other classes in training.
OTHER_WORDS = (
    *("anchor", "apple", "arrow", "basket", "bell", "bench", "bird", "boat", "book", "bottle"),
    *("brick", "bucket", "button", "cable", "candle", "carpet", "castle", "chair", "clock"),
    *("cloud", "coin", "comb", "crown", "cup", "desk", "door", "drum", "engine", "fence"),
    *("flag", "flower", "fork", "garden", "glove", "hammer", "harbour", "hat", "hill", "house"),
    *("island", "jacket", "kettle", "key", "ladder", "lamp", "leaf", "lemon", "mirror"),
    *("mountain", "needle", "paper", "pencil", "piano", "plate", "river", "saddle", "ship"),
    *("spoon", "table", "wheel"),
)
VOCABULARY = (*DIGITS, *OTHER_WORDS)
PLAIN = "a photo of a {}."
# One scale for both, as published CLIPs have one: the teacher's logits are taken at the student's.
LOGIT_SCALE = 20.0
# The first half of the digits is for training models; the rest is adapted to or held out.
N_DIGITS, FOR_MODELS = 1797, 897
STUDENT_SEES = 400
_BATCH = 64
_OTHERS_PER_STEP = 20
_WHOLE = 0.3  # how many of a batch are whole pictures, as those held out are; the rest are crops
# Sentences that tell nothing of the picture teach a text tower to overlook all but the name, and
# then no context can steer it. PromptSRC's sixty must still mean something to it.
_PLAIN_SHARE = 0.7
_LR = 2e-3


@dataclass(frozen=True)
class Size:
    """Of a checkpoint and of its training."""

    width: int
    blocks: int
    patch: int
    steps: int


STUDENT = Size(width=48, blocks=2, patch=8, steps=300)
TEACHER = Size(width=64, blocks=2, patch=16, steps=350)


def clean_digit(index: int) -> Image.Image:
    """A digit of the data set, enlarged: light on black."""
    return Image.fromarray(_strokes(index)).convert("RGB")


def worn_digit(index: int) -> Image.Image:
    """The same digit turned, faded and noisy, always in the same way."""
    rng = np.random.default_rng([index, 8])
    turned = Image.fromarray(_strokes(index)).rotate(
        rng.uniform(-25, 25), Image.Resampling.BILINEAR
    )
    ground, ink = rng.uniform(40, 110), rng.uniform(0.35, 0.6)
    faded = ground + ink * np.asarray(turned, dtype=np.float64)
    noisy = faded + rng.normal(0, 20, (SIDE, SIDE))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).convert("RGB")


def digit_of(index: int) -> int:
    """Which digit a picture shows."""
    return int(_digits().target[index])


def write_student(folder: Path, *, seed: int) -> Path:
    """Small, briefly trained on few and clean pictures."""
    rng = np.random.default_rng([seed, 1])
    seen = rng.choice(FOR_MODELS, STUDENT_SEES, replace=False)
    return _write(folder, STUDENT, [clean_digit(i) for i in seen], seen, seed=seed)


def write_teacher(folder: Path, *, seed: int) -> Path:
    """Larger, trained longer on many pictures of the kind that the student will meet."""
    seen = np.arange(FOR_MODELS)
    return _write(folder, TEACHER, [worn_digit(i) for i in seen], seen, seed=seed + 1000)


def _write(
    folder: Path, size: Size, pictures: list[Image.Image], seen: np.ndarray, *, seed: int
) -> Path:
    """Train on a name's sentence against those of all other words, and save as from the hub."""
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    model = CLIPModel(_config(size, tokenizer))
    _enliven(model)
    model.logit_scale.requires_grad_(False)
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=_LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _LR, total_steps=size.steps, pct_start=0.1
    )
    truth = torch.tensor([digit_of(i) for i in seen])
    rng = np.random.default_rng([seed, 2])
    for _ in range(size.steps):
        batch = rng.choice(len(pictures), _BATCH)
        parts = np.stack([_part(pictures[i], rng) for i in batch])
        words = (*DIGITS, *rng.choice(OTHER_WORDS, _OTHERS_PER_STEP, replace=False))
        template = PLAIN if rng.random() < _PLAIN_SHARE else str(rng.choice(GENERAL_TEMPLATES))
        texts = tokenizer([template.format(w) for w in words], return_tensors="pt", padding=True)
        answer = model(pixel_values=_pixels(parts), **texts)
        loss = functional.cross_entropy(answer.logits_per_image, truth[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)
    return folder


def _config(size: Size, tokenizer: CLIPTokenizer) -> CLIPConfig:
    tower = {
        "hidden_size": size.width,
        "intermediate_size": 2 * size.width,
        "num_hidden_layers": size.blocks,
        "num_attention_heads": 4,
    }
    text = tower | {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": tokenizer.model_max_length,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return CLIPConfig(
        text_config=text,
        vision_config=tower | {"patch_size": size.patch, "image_size": SIDE},
        projection_dim=64,
        logit_scale_init_value=float(np.log(LOGIT_SCALE)),
    )


def _enliven(model: CLIPModel) -> None:
    """Begin with positions and words that differ; as transformers begins, learning takes longer."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "position_embedding" in name or "token_embedding" in name:
                torch.nn.init.normal_(weight, std=0.6 if "vision" in name else 0.5)
            elif weight.ndim >= 2:
                torch.nn.init.normal_(weight, std=0.7 * weight[0].numel() ** -0.5)


def _part(picture: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Whole, or such a crop as students are distilled on: a teacher has to know both."""
    if rng.random() < _WHOLE:
        return np.asarray(picture)
    return random_crop(picture, (SIDE, SIDE), rng)


@cache
def _tokenizer() -> CLIPTokenizer:
    """One token for each word that is used; spelled in letters, sentences would be too long."""
    tokenizer = clip_tokenizer()
    used = " ".join((*VOCABULARY, *GENERAL_TEMPLATES)).replace("{}.", "").split()
    words = [word for word in dict.fromkeys(used) if len(word) > 1]
    tokenizer.add_tokens([AddedToken(word, single_word=True) for word in words])
    return tokenizer


def _pixels(crops: np.ndarray) -> torch.Tensor:
    scaled = (crops / 255.0 - CLIP_MEAN) / CLIP_STD
    return torch.from_numpy(scaled.astype(np.float32).transpose(0, 3, 1, 2))


@cache
def _digits() -> Bunch:
    return load_digits()


def _strokes(index: int) -> np.ndarray:
    """0 to 16 in 8 x 8 as bytes in SIDE x SIDE."""
    small = Image.fromarray((_digits().images[index] * 255 / 16).astype(np.uint8))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
