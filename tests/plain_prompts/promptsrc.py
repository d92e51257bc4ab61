"""PromptSRC, Khattak et al. 2023, arXiv:2307.06948: deep tokens on both sides, not coupled.

Prompts: ``context`` (m, text width) and ``deep_context`` (blocks - 1, m, text width) for texts;
``visual`` (k, vision width) and ``deep_visual`` (blocks - 1, k, vision width) for pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plain_clip import PlainClip, embed, image_features, text_features, unit
from plain_prompts.answer import PlainAnswer


def answer(
    clip: PlainClip, prompts: dict[str, Tensor], pixels: Tensor, ids: Tensor, ends: Tensor
) -> PlainAnswer:
    embedded = embed(clip, ids).clone()
    for place, token in enumerate(prompts["context"], start=1):
        embedded[:, place] = token
    deep_texts = {block + 1: tokens for block, tokens in enumerate(prompts["deep_context"])}
    deep_images = {block + 1: tokens for block, tokens in enumerate(prompts["deep_visual"])}
    texts = unit(text_features(clip, embedded, ends, deep_texts))
    images = unit(image_features(clip, pixels, prompts["visual"], deep_images))
    return PlainAnswer(clip.logit_scale * images @ texts.T, images, texts)


def regulariser(
    *, answer: PlainAnswer, frozen: PlainAnswer, text_weight: float = 25, image_weight: float = 10
) -> Tensor:
    """What keeps the prompted student near the frozen one; ``frozen`` is the latter's answer.

    Mean absolute differences of unit rows, over all entries; and KL(frozen || prompted) summed over
    pictures and classes, divided by the number of logits.
    """
    texts = sum(abs(a - b) for a, b in zip(answer.texts.ravel(), frozen.texts.ravel(), strict=True))
    images = sum(
        abs(a - b) for a, b in zip(answer.images.ravel(), frozen.images.ravel(), strict=True)
    )
    divergence = torch.zeros((), dtype=torch.float64)
    for prompted_row, frozen_row in zip(answer.logits, frozen.logits, strict=True):
        p_s = prompted_row.exp() / prompted_row.exp().sum()
        p_0 = frozen_row.exp() / frozen_row.exp().sum()
        divergence = divergence + (p_0 * (p_0 / p_s).log()).sum()
    return (
        text_weight * texts / answer.texts.numel()
        + image_weight * images / answer.images.numel()
        + divergence / answer.logits.numel()
    )
