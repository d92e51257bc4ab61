"""CoCoOp, Zhou et al. 2022, arXiv:2203.05557: CoOp's context, shifted for each picture.

Prompts: ``context`` (m, text width); ``meta.0`` and ``meta.2``, two linear layers with a ReLU in
between, from the unit row of a picture to one vector that is added to each of the m tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from plain_clip import PlainClip, embed, image_features, text_features, unit
from plain_prompts.answer import PlainAnswer


def answer(
    clip: PlainClip, prompts: dict[str, Tensor], pixels: Tensor, ids: Tensor, ends: Tensor
) -> PlainAnswer:
    images = unit(image_features(clip, pixels))
    embedded = embed(clip, ids)
    logits, texts = [], []
    for image in images:
        hidden = prompts["meta.0.weight"] @ image + prompts["meta.0.bias"]
        hidden = torch.where(hidden > 0, hidden, 0)
        shift = prompts["meta.2.weight"] @ hidden + prompts["meta.2.bias"]
        context = [token + shift for token in prompts["context"]]
        sentences = torch.stack(
            [
                torch.stack([sentence[0], *context, *sentence[1 + len(context) :]])
                for sentence in embedded
            ]
        )
        mine = unit(text_features(clip, sentences, ends))
        texts.append(mine)
        logits.append(clip.logit_scale * mine @ image)
    return PlainAnswer(torch.stack(logits), images, torch.stack(texts))
