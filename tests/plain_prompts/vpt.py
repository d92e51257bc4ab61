"""VPT (deep), Jia et al. 2022, arXiv:2203.12119, on CLIP as MaPLe's authors released it.

Prompts: ``visual`` (k, vision width), behind the patches of every picture from the first block on;
``deep_visual`` (blocks - 1, k, vision width), which take their place in front of each further
block. Texts are the fixed "a photo of a NAME.".
"""

from __future__ import annotations

from torch import Tensor

from plain_clip import PlainClip, embed, image_features, text_features, unit
from plain_prompts.answer import PlainAnswer


def answer(
    clip: PlainClip, prompts: dict[str, Tensor], pixels: Tensor, ids: Tensor, ends: Tensor
) -> PlainAnswer:
    deep = dict(enumerate(prompts["deep_visual"], start=1))
    images = unit(image_features(clip, pixels, prompts["visual"], deep))
    texts = unit(text_features(clip, embed(clip, ids), ends))
    return PlainAnswer(clip.logit_scale * images @ texts.T, images, texts)
