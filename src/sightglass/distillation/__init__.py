"""The wing in which a student learns: from a teacher, from pairs of pictures and texts, or both.

Importing it does not import torch: what computes with tensors asks for torch when it is called.
"""

from sightglass.distillation.losses.class_selection import select_classes
from sightglass.distillation.losses.ema import ema_decay
from sightglass.distillation.losses.info_nce import info_nce_loss
from sightglass.distillation.losses.kdpl_loss import kdpl_loss
from sightglass.distillation.losses.sinkhorn import sinkhorn_targets
from sightglass.distillation.losses.soft_target_loss import soft_target_loss
from sightglass.distillation.prompts.epoch_weights import gaussian_epoch_weights
from sightglass.distillation.prompts.schedule import warmup_cosine_lr

__all__ = [
    "ema_decay",
    "gaussian_epoch_weights",
    "info_nce_loss",
    "kdpl_loss",
    "select_classes",
    "sinkhorn_targets",
    "soft_target_loss",
    "warmup_cosine_lr",
]
