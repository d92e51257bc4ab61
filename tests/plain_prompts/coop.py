"""CoOp, Zhou et al. 2022, arXiv:2109.01134: one context for all classes, the name behind it.

Prompts: ``context`` (m, text width), the vectors of m tokens between the start token and the name.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plain_clip import PlainClip, embed, image_features, text_features, unit
from plain_prompts.answer import PlainAnswer


def answer(
    clip: PlainClip, prompts: dict[str, Tensor], pixels: Tensor, ids: Tensor, ends: Tensor
) -> PlainAnswer:
    context = prompts["context"]
    sentences = []
    for sentence in embed(clip, ids):
        start, rest = sentence[0], sentence[1 + len(context) :]
        sentences.append(torch.stack([start, *context, *rest]))
    texts = unit(text_features(clip, torch.stack(sentences), ends))
    images = unit(image_features(clip, pixels))
    return PlainAnswer(clip.logit_scale * images @ texts.T, images, texts)
