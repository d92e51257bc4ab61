"""The wing that teaches a student from a teacher, by unlabelled pictures alone.

Importing it does not import torch: what computes with tensors asks for torch when it is called.
"""

from sightglass.distillation.class_selection import select_classes
from sightglass.distillation.epoch_weights import gaussian_epoch_weights
from sightglass.distillation.kdpl_loss import kdpl_loss
from sightglass.distillation.schedule import warmup_cosine_lr

# Not by a __getattr__ on first use: a module and its function share the name kdpl_loss, and once
# anything had imported the module, the package would hand out the module.
__all__ = ["gaussian_epoch_weights", "kdpl_loss", "select_classes", "warmup_cosine_lr"]
