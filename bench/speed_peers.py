"""What people use or write instead: transformers' pipelines, and a plain loop over the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rounds import Row
from sightglass.encoders.registry import MINI_FOLDER
from speed_ours import BATCH, NAMES, TEMPLATE

BATCH_OF_PIPELINE = 16


def pipeline_rows(folder: Path, paths: Sequence[str]) -> tuple[Row, Row]:
    """Transformers' zero-shot pipeline with its defaults, called once a path; and in batches."""
    from transformers import pipeline

    quiet()
    pipe = pipeline("zero-shot-image-classification", model=str(folder))
    asked = {"candidate_labels": NAMES, "hypothesis_template": TEMPLATE}

    def best(answer: Sequence[Mapping[str, Any]]) -> tuple[str, float]:
        return answer[0]["label"], answer[0]["score"] - answer[1]["score"]

    pipe(paths[0], **asked)
    return (
        Row(run=lambda: [best(pipe(path, **asked)) for path in paths], pictures=len(paths)),
        Row(
            run=lambda: [best(a) for a in pipe(list(paths), batch_size=BATCH_OF_PIPELINE, **asked)],
            pictures=len(paths),
        ),
    )


def plain_clip_loop(folder: Path, paths: Sequence[str]) -> Row:
    """As the model's page shows it: open, processor, model on picture and texts, per picture."""
    import torch
    from transformers import AutoProcessor, CLIPModel

    quiet()
    model = CLIPModel.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    texts = [TEMPLATE.format(name) for name in NAMES]

    def run() -> list[tuple[str, float]]:
        found = []
        for path in paths:
            image = Image.open(path).convert("RGB")
            inputs = processor(text=texts, images=image, return_tensors="pt", padding=True)
            with torch.no_grad():
                shares = model(**inputs).logits_per_image.softmax(dim=1)[0]
            top = shares.topk(2)
            found.append((NAMES[int(top.indices[0])], float(top.values[0] - top.values[1])))
        return found

    return Row(run=run, pictures=len(paths))


def plain_vision_loop(folder: Path, paths: Sequence[str]) -> Row:
    """The same for a model without texts."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    quiet()
    model = AutoModel.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder)

    def run() -> None:
        for path in paths:
            inputs = processor(images=Image.open(path).convert("RGB"), return_tensors="pt")
            with torch.no_grad():
                model(**inputs).last_hidden_state[:, 0].numpy()

    return Row(run=run, pictures=len(paths))


def plain_onnx_loop(paths: Sequence[str]) -> Row:
    """The bundled network by hand: open, resize, crop, one run of onnxruntime per picture."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(MINI_FOLDER / "image.onnx"), providers=["CPUExecutionProvider"]
    )

    def run() -> None:
        for path in paths:
            image = Image.open(path).convert("RGB")
            scale = 128 / min(image.size)
            image = image.resize(
                (round(image.width * scale), round(image.height * scale)),
                Image.Resampling.BILINEAR,
            )
            left, top = (image.width - 128) // 2, (image.height - 128) // 2
            pixels = np.asarray(image.crop((left, top, left + 128, top + 128)), np.float32)
            batch = ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
            session.run(["embed"], {"image": batch})

    return Row(run=run, pictures=len(paths))


def bare_forward(folder: Path, pictures: int, *, clip: bool) -> Row:
    """Torch alone, bf16, on a batch that lies ready: what the processor can do for a network."""
    import torch
    from transformers import AutoModel, CLIPModel

    quiet()
    model = (CLIPModel if clip else AutoModel).from_pretrained(folder).eval()
    batch = torch.randn(BATCH, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    def run() -> None:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            for _ in range(0, pictures, BATCH):
                model.get_image_features(batch) if clip else model(batch)

    run()
    return Row(run=run, pictures=-(-pictures // BATCH) * BATCH)


def quiet() -> None:
    """No progress bars between the rounds."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
