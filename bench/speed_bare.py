"""What torch alone does with a network: the limit of its stage, in the format that is fastest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rounds import Row
from sightglass.encoders.hub_network import choose_device
from speed_peers import quiet

SIZES_OF_A_BATCH = {"cpu": (32,), "cuda": (64, 256), "mps": (64,)}
BATCHES_ON_A_GPU = (1, 8, 32, 64, 128, 256)
PICTURES_ON_A_GPU = 2048
FORMATS = ("fp32", "bf16", "fp16")
SIDE = 224
TRIALS = 2


def bare_row(folder: Path, pictures: int, *, clip: bool) -> tuple[str, Row]:
    """Its name, which says the format, and the row: batches that lie ready on the device.

    The same weights are tried in fp32 and bf16, on a graphics card in fp16 too; the fastest counts.
    """
    device = choose_device()
    formats = FORMATS if device == "cuda" else FORMATS[:2]
    tried = {}
    for form in formats:
        network = _network(folder, form, clip=clip)
        for size in SIZES_OF_A_BATCH[device]:
            once = _passes(network, form, size, passes=1)
            once()
            tried[form, size] = min(_seconds(once) for _ in range(TRIALS)) / size
    form, size = min(tried, key=lambda one: tried[one])
    passes = -(-pictures // size)
    run = _passes(_network(folder, form, clip=clip), form, size, passes=passes)
    return f"the network alone, torch {form}, batch {size}", Row(run=run, pictures=passes * size)


def batch_rows(folder: Path, *, few: int) -> dict[str, Row]:
    """The image tower at several sizes of a batch, in each format.

    Args:
        folder: Of a CLIP checkpoint.
        few: Without a graphics card, as many pictures and no larger batches than this.
    """
    on_a_gpu = choose_device() == "cuda"
    sizes = BATCHES_ON_A_GPU if on_a_gpu else [n for n in BATCHES_ON_A_GPU if n <= few]
    rows = {}
    for form in FORMATS:
        network = _network(folder, form, clip=True)
        for size in sizes:
            # Every pass starts work of its own, so that many of one picture take long enough.
            pictures = PICTURES_ON_A_GPU if on_a_gpu else few
            passes = max(1, min(pictures // size, 256))
            _passes(network, form, size, passes=1)()
            run = _passes(network, form, size, passes=passes)
            rows[f"{form}, batch {size}"] = Row(run=run, pictures=passes * size)
    return rows


def _network(folder: Path, form: str, *, clip: bool) -> Callable[[Any], Any]:
    from transformers import AutoModel, CLIPModel

    quiet()
    model = (CLIPModel if clip else AutoModel).from_pretrained(folder).eval()
    # Converted once: autocast would convert the weights in every pass.
    model.to(choose_device(), _dtype(form))
    if clip:
        return lambda batch: model.get_image_features(batch).pooler_output
    return lambda batch: model(batch).last_hidden_state[:, 0]


def _passes(
    network: Callable[[Any], Any], form: str, size: int, *, passes: int
) -> Callable[[], int]:
    import torch

    device = choose_device()
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(size, 3, SIDE, SIDE, generator=generator).to(device, _dtype(form))

    def run() -> int:
        done = 0
        with torch.inference_mode():
            for _ in range(passes):
                done += len(network(batch))
        # A graphics card is handed work and answers later: what counts is when it has finished.
        if device == "cuda":
            torch.cuda.synchronize()
        elif device == "mps":
            torch.mps.synchronize()
        return done

    return run


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _dtype(form: str) -> Any:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[form]
