"""MaPLe, Khattak et al. 2023, arXiv:2210.03117: tokens of texts, and of pictures made from them.

Prompts: ``context`` (k, text width) in place of the first k words; the other words of "a photo of
a" stay. ``deep_context`` (blocks - 1, k, text width) take the place of tokens 1 to k in front of
each further block. ``couplings.i``: a linear layer from text width to vision width per block, which
makes that block's tokens of pictures out of that block's tokens of texts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plain_clip import PlainClip, embed, image_features, text_features, unit
from plain_prompts.answer import PlainAnswer


def answer(
    clip: PlainClip, prompts: dict[str, Tensor], pixels: Tensor, ids: Tensor, ends: Tensor
) -> PlainAnswer:
    per_block = [prompts["context"], *prompts["deep_context"]]
    visual = []
    for block, tokens in enumerate(per_block):
        weight, bias = prompts[f"couplings.{block}.weight"], prompts[f"couplings.{block}.bias"]
        visual.append(torch.stack([weight @ token + bias for token in tokens]))

    embedded = embed(clip, ids).clone()
    for place, token in enumerate(per_block[0], start=1):
        embedded[:, place] = token
    texts = unit(text_features(clip, embedded, ends, dict(enumerate(per_block[1:], start=1))))
    images = unit(image_features(clip, pixels, visual[0], dict(enumerate(visual[1:], start=1))))
    return PlainAnswer(clip.logit_scale * images @ texts.T, images, texts)
