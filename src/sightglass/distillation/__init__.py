"""The wing in which a student learns: from a teacher, from pairs of pictures and texts, or both.

Importing it does not import torch: what computes with tensors asks for torch when it is called.
"""

from sightglass.distillation.class_selection import select_classes
from sightglass.distillation.ema import ema_decay
from sightglass.distillation.epoch_weights import gaussian_epoch_weights
from sightglass.distillation.info_nce import info_nce_loss
from sightglass.distillation.kdpl_loss import kdpl_loss
from sightglass.distillation.schedule import warmup_cosine_lr
from sightglass.distillation.sinkhorn import sinkhorn_targets
from sightglass.distillation.soft_target_loss import soft_target_loss

# Not by a __getattr__ on first use: a module and its function share the names kdpl_loss and
# soft_target_loss, and once anything had imported the module, the package would hand that out.
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
