"""Tiny vision backbones with random weights, each with its image processor's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    ConvNextImageProcessorPil,
    ConvNextModel,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
    ViTModel,
)
from transformers.modeling_outputs import BaseModelOutput

from adapters.checkpoints import SIDE, write_clip, write_dinov2, write_siglip

RESNET = {"embedding_size": 8, "hidden_sizes": [16, 24], "depths": [1, 2]}
VIT = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
    "patch_size": 8,
}


def write_resnet(folder: Path) -> Path:
    """As the paper's: bottleneck blocks, saved with a head of classes; its processor as of old."""
    torch.manual_seed(0)
    config = ResNetConfig(**RESNET, layer_type="bottleneck", num_labels=3)
    model = ResNetForImageClassification(config)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.save_pretrained(folder)
    settings = {
        "crop_pct": 0.875,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "size": SIDE,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def write_vit(folder: Path) -> Path:
    """With a pooler."""
    torch.manual_seed(1)
    ViTModel(ViTConfig(**VIT)).save_pretrained(folder)
    return _with_vit_processor(folder)


def write_vit_with_classes(folder: Path) -> Path:
    """Without a pooler, as those are that were trained with a head of classes."""
    torch.manual_seed(1)
    ViTForImageClassification(ViTConfig(**VIT, num_labels=3)).save_pretrained(folder)
    return _with_vit_processor(folder)


def write_convnext(folder: Path) -> Path:
    torch.manual_seed(2)
    config = ConvNextConfig(hidden_sizes=[8, 8, 16, 20], depths=[1, 1, 1, 1])
    ConvNextModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 384}).save_pretrained(folder)
    return folder


def _with_vit_processor(folder: Path) -> Path:
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


# What transformers itself gives as the feature of each.
Pool = Callable[[BaseModelOutput], Tensor]
BACKBONES: dict[str, tuple[Callable[[Path], Path], str, Pool]] = {
    "resnet": (write_resnet, "ResNetModel", lambda answer: answer.pooler_output[:, :, 0, 0]),
    "vit": (write_vit, "ViTModel", lambda answer: answer.last_hidden_state[:, 0]),
    "vit with classes": (
        write_vit_with_classes,
        "ViTModel",
        lambda answer: answer.last_hidden_state[:, 0],
    ),
    "convnext": (write_convnext, "ConvNextModel", lambda answer: answer.pooler_output),
    "dinov2": (write_dinov2, "Dinov2Model", lambda answer: answer.last_hidden_state[:, 0]),
    "clip": (write_clip, "CLIPVisionModel", lambda answer: answer.pooler_output),
    "siglip": (write_siglip, "SiglipVisionModel", lambda answer: answer.pooler_output),
}
