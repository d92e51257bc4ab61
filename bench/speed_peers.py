"""What people use or write instead: transformers' pipelines, and a plain loop over the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rounds import Answers, Row
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.hub_network import choose_device
from sightglass.encoders.registry import MINI_FOLDER
from speed_ours import NAMES, TEMPLATE, answer_of

BATCH_OF_PIPELINE = 16
Ask = Callable[[Sequence[str]], Answers]


def pipeline_asks(folder: Path, *, dtype: Any = None) -> tuple[Ask, Ask]:
    """Transformers' zero-shot pipeline, called once a path; and with all paths, in batches.

    Args:
        folder: Of the checkpoint.
        dtype: Of its weights; None for the pipeline's default.
    """
    from transformers import pipeline

    quiet()
    pipe = pipeline(
        "zero-shot-image-classification",
        model=str(folder),
        device=choose_device(),
        **({} if dtype is None else {"dtype": dtype}),
    )
    asked = {"candidate_labels": NAMES, "hypothesis_template": TEMPLATE}

    def best(answer: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
        return answer[0]["label"], answer[0]["score"] - answer[1]["score"]

    def batched(paths: Sequence[str]) -> Answers:
        answers = pipe(list(paths), batch_size=BATCH_OF_PIPELINE, **asked)
        return dict(zip(paths, map(best, answers), strict=True))

    return lambda paths: {path: best(pipe(path, **asked)) for path in paths}, batched


def asked_row(ask: Ask, paths: Sequence[str]) -> Row:
    """A row of ``ask``, which has answered once before."""
    ask(paths[:1])
    return Row(run=lambda: ask(paths), pictures=len(paths))


def plain_clip_loop(folder: Path) -> Ask:
    """As the model's page shows it: open, processor, model on picture and texts, per picture."""
    import torch
    from transformers import AutoProcessor, CLIPModel

    quiet()
    device = choose_device()
    model = CLIPModel.from_pretrained(folder).eval().to(device)
    processor = AutoProcessor.from_pretrained(folder)
    texts = [TEMPLATE.format(name) for name in NAMES]

    def ask(paths: Sequence[str]) -> Answers:
        found = {}
        for path in paths:
            image = Image.open(path).convert("RGB")
            inputs = processor(text=texts, images=image, return_tensors="pt", padding=True)
            with torch.no_grad():
                logits = model(**inputs.to(device)).logits_per_image[0]
            found[path] = answer_of(logits.cpu().numpy())
        return found

    return ask


def plain_vision_loop(folder: Path, paths: Sequence[str]) -> Row:
    """The same for a model without texts."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    quiet()
    device = choose_device()
    model = AutoModel.from_pretrained(folder).eval().to(device)
    processor = AutoImageProcessor.from_pretrained(folder)

    def run() -> int:
        rows = []
        for path in paths:
            inputs = processor(images=Image.open(path).convert("RGB"), return_tensors="pt")
            with torch.no_grad():
                row = model(**inputs.to(device)).last_hidden_state[:, 0]
            rows.append(row.cpu().numpy())
        return len(rows)

    return Row(run=run, pictures=len(paths))


def plain_onnx_loop(encoder: DualEncoder) -> Ask:
    """The bundled network by hand: open, resize, crop, one run of onnxruntime, the best class.

    Args:
        encoder: Of the bundled model; gives the classes' rows, once, before the clock starts.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(MINI_FOLDER / "image.onnx"), providers=["CPUExecutionProvider"]
    )
    texts = encoder.encode_texts([TEMPLATE.format(name) for name in NAMES]).rows
    scale = encoder.card.logit_scale or 1.0

    def ask(paths: Sequence[str]) -> Answers:
        found = {}
        for path in paths:
            image = Image.open(path).convert("RGB")
            shrink = 128 / min(image.size)
            image = image.resize(
                (round(image.width * shrink), round(image.height * shrink)),
                Image.Resampling.BILINEAR,
            )
            left, top = (image.width - 128) // 2, (image.height - 128) // 2
            pixels = np.asarray(image.crop((left, top, left + 128, top + 128)), np.float32)
            batch = ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
            row = session.run(["embed"], {"image": batch})[0][0]
            found[path] = answer_of(scale * (texts @ (row / np.linalg.norm(row))))
        return found

    return ask


def quiet() -> None:
    """No progress bars between the rounds."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
