"""A recipe from a few options, for those who do not want to write one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sightglass.distillation.encoder.recipe import Recipe, recipe_of
from sightglass.errors import InputError, unknown_name

LOSSES = ("infonce", "smoothing", "kd", "otter", "named")
_SMOOTHING = 0.1
_HALF = 0.5  # alpha: how far the given pair is trusted.
# What is wrong with an entry is said of the option that it came from.
_OPTIONS = {
    "student.dim": "--dim",
    "phases.0.epochs": "--epochs",
    "optimiser.lr": "--lr",
    "batch_size": "--batch-size",
    "part_size": "--part-size",
    "precision": "--precision",
    "seed": "--seed",
}


def quick_recipe(
    sources: Sequence[str],
    *,
    loss: str,
    image_tower: str = "convolutional",
    text_tower: str = "word_table",
    teachers: Sequence[str] = (),
    classes: str | None = None,
    references: str | None = None,
    vision_model: str | None = "mini:vision",
    captions: str | None = None,
    images: str | None = None,
    size: int | None = None,
    dim: int = 256,
    epochs: float = 10,
    batch_size: int = 256,
    part_size: int | None = None,
    lr: float = 1e-3,
    seed: int = 1,
    precision: str = "fp32",
) -> Recipe:
    """The recipe that the options stand for.

    Args:
        sources: Tables of pairs, tar shards, parquet files, folders.
        loss: ``infonce``: the pair itself; ``smoothing``: a little of all others too; ``kd``: half
            the pair, half what a teacher holds to be alike; ``otter``: half a transport plan;
            ``named``: class names as the teachers see them, without captions.
        image_tower: ``convolutional``, or a checkpoint, ``hf:ORG/NAME``.
        text_tower: ``word_table``, or a checkpoint.
        teachers: Frozen encoders with a text side; without one, ``kd`` and ``otter`` follow the
            student's own moving average. Weights after ``=``: ``hf:ORG/NAME=2``.
        classes: For ``named``: names or a file.
        references: For ``named``: the teacher is then its fusion with these pictures.
        vision_model: Of the fusion.
        captions: Column of the captions.
        images: Folder that a table's paths are relative to.
        size: Pixels per side that the small tower sees.
        dim: Width of the shared space.
        epochs: Passes over the data.
        batch_size: Pairs that are compared with each other.
        part_size: Pairs at a time in memory.
        lr: Highest rate.
        seed: Everything random follows from it.
        precision: ``fp32`` or ``bf16``.

    Raises:
        UnknownNameError: If there is no such loss or tower.
        InputError: If the options do not go together.
    """
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    if not sources:
        raise InputError("distill encoder: data is needed, got none. Name files or folders.")
    weighted = [_weighted(teacher) for teacher in teachers]
    if weighted and loss in ("infonce", "smoothing"):
        raise InputError(
            f"distill encoder: a teacher goes with --loss kd, otter or named, got {weighted[0][0]} "
            f"with {loss}. Name another loss or leave the teacher out."
        )
    if loss == "named":
        if not weighted or classes is None:
            raise InputError(
                "distill encoder: the loss 'named' needs --classes and a --teacher that knows "
                "their names."
            )
    elif classes or references:
        raise InputError(
            f"distill encoder: --classes and --references go with --loss named, got {loss}."
        )
    return recipe_of(
        {
            "seed": seed,
            "data": [_source(path, captions, images, loss) for path in sources],
            "student": {
                "dim": dim,
                "image": _image_tower(image_tower, size),
                "text": _tower(text_tower, "word_table"),
            },
            "teachers": _teachers(weighted, loss, classes, references, vision_model),
            "phases": [{"name": loss, "epochs": epochs, "losses": _losses(loss, weighted)}],
            "optimiser": {"lr": lr},
            "view": {"worn": 0.0},
            "batch_size": batch_size,
            "part_size": part_size,
            "precision": precision,
        },
        where="distill encoder",
        called=_OPTIONS,
    )


def _weighted(teacher: str) -> tuple[str, float]:
    name, mark, weight = teacher.rpartition("=")
    if not mark:
        return teacher, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise InputError(
            f"--teacher {teacher}: after '=' a weight of 0 or more is needed, such as 0.5, got "
            f"'{weight}'."
        )
    return name, value


def _source(path: str, captions: str | None, images: str | None, loss: str) -> dict[str, Any]:
    found: dict[str, Any] = {"path": path}
    if captions is not None:
        found["caption_column"] = captions
    if images is not None:
        found["images"] = images
    if loss == "named":
        found["captions"] = "none"
    return found


def _tower(name: str, own: str) -> dict[str, Any]:
    if name == own:
        return {"kind": own}
    if not name.startswith("hf:"):
        raise unknown_name("tower", name, (own, "hf:ORG/NAME"))
    return {"kind": "transformers", "checkpoint": name}


def _image_tower(name: str, size: int | None) -> dict[str, Any]:
    tower = _tower(name, "convolutional")
    if size is None:
        return tower
    if name != "convolutional":
        raise InputError(
            f"distill encoder: --size is the convolutional tower's, got it with {name}, which has "
            f"its own. Leave --size out."
        )
    return tower | {"size": size}


def _teachers(
    weighted: Sequence[tuple[str, float]],
    loss: str,
    classes: str | None,
    references: str | None,
    vision_model: str | None,
) -> dict[str, Any]:
    if loss != "named":
        return {"pairs": [{"model": name, "weight": weight} for name, weight in weighted]}
    shared = {"classes": classes, "references": references, "vision_model": vision_model}
    return {"named": [{"model": name, "weight": w, **shared} for name, w in weighted]}


def _losses(loss: str, weighted: Sequence[tuple[str, float]]) -> dict[str, Any]:
    if loss == "named":
        return {"named": 1.0, "name_scale": None}
    if loss == "infonce":
        return {"contrastive": {}}
    if loss == "smoothing":
        return {"contrastive": {"smoothing": _SMOOTHING}}
    teacher = "pairs" if weighted else "average"
    return {
        "contrastive": {"weight": _HALF},
        "soft": {"kind": loss, "weight": 1 - _HALF, "teacher": teacher},
    }
