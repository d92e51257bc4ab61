"""Students small enough to be exported in seconds, as a training run would leave them."""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

import pytest
import torch
from onnx import ModelProto

from sightglass.distillation.export import graphs
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.encoders.towers.student import DualStudent
from sightglass.encoders.towers.student_file import write_student
from sightglass.encoders.towers.word_table import WordTable

SIDE, DIM = 32, 24
_MARKS = string.ascii_lowercase + string.digits
VOCABULARY = "\n".join(["[PAD]", "[UNK]", "photo", "cat", *_MARKS, *(f"##{m}" for m in _MARKS)])


def small_student(*, texts: bool = True, seed: int = 0) -> DualStudent:
    """Random weights; batch normalisation has statistics as after some training."""
    torch.manual_seed(seed)
    image = ConvolutionalTower(DIM, size=SIDE, n_logits=6, stages=((8, 2, 1, 2), (12, 2, 1, 2)))
    image.set_anchors(torch.nn.functional.normalize(torch.randn(6, DIM)))
    for module in image.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    text = WordTable(VOCABULARY.encode(), dim=DIM, width=32, hidden=48, length=12)
    return DualStudent(image, text if texts else None).eval()


def write_small_student(folder: Path, *, texts: bool = True, seed: int = 0) -> Path:
    """``small_student`` as ``sightglass distill encoder`` leaves it."""
    folder.mkdir(parents=True)
    write_student(folder, small_student(texts=texts, seed=seed), logit_scale=12.5)
    return folder


@cache
def small_graphs() -> dict[str, ModelProto]:
    """What torch makes of ``small_student``, once for all tests: it takes seconds."""
    student = small_student()
    assert student.text is not None
    return {
        "image_graph": graphs.image_graph(student.image, ("embed", "feature"), where="small"),
        "text_graph": graphs.text_graph(student.text, where="small"),
    }


def use_small_graphs(patch: pytest.MonkeyPatch) -> None:
    """Let every export take ``small_graphs`` for what torch makes of the student."""
    for name, model in small_graphs().items():
        patch.setattr(graphs, name, lambda *_, model=model, **__: model)
