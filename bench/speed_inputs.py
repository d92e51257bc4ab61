"""What the speed benchmark runs on beside ``pictures``: large pictures, models, a full store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from pictures import FOLDER, QUALITY, SEED, photograph
from sightglass.encoders.contract import ImageEncoder
from sightglass.encoders.embeddings import Embeddings
from sightglass.store import Store, StoredPicture

# Decoding 2,000 of 12 megapixels is what counts, drawing them would take ten minutes: so many are
# drawn, and every file has a comment of its own, which makes its bytes new to the store.
DISTINCT_LARGE = 40
LARGE = (4000, 3000)


def make_large(n: int, folder: Path = FOLDER / "large") -> list[Path]:
    """``n`` JPEGs of 4000 × 3000 pixels, made where absent; no two have the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.jpg" for number in range(n)]
    drawn: dict[int, bytes] = {}
    for number, path in enumerate(paths):
        if path.exists():
            continue
        which = number % DISTINCT_LARGE
        if which not in drawn:
            whole = folder / f"drawn-{which:02d}.tmp"
            photograph(which).resize(LARGE, Image.Resampling.BICUBIC).save(
                whole, "JPEG", quality=QUALITY
            )
            drawn[which] = whole.read_bytes()
            whole.unlink()
        text = f"file {number}".encode()
        comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
        part = path.with_suffix(".part")
        part.write_bytes(drawn[which][:2] + comment + drawn[which][2:])
        part.replace(path)
    return paths


def make_dinov2(width: int) -> Path:
    """DINOv2 with random weights in transformers' format; width 384 is S/14's, 768 is B/14's."""
    folder = FOLDER / f"dinov2-{width}"
    if not (folder / "preprocessor_config.json").exists():
        import torch
        from transformers import Dinov2Config, Dinov2Model
        from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

        torch.manual_seed(SEED)
        sizes = {"hidden_size": width, "num_attention_heads": width // 64, "image_size": 518}
        Dinov2Model(Dinov2Config(patch_size=14, **sizes)).save_pretrained(folder)
        BitImageProcessorPil(
            size={"shortest_edge": 256},
            crop_size={"height": 224, "width": 224},
            do_center_crop=True,
            image_mean=[0.485, 0.456, 0.406],
            image_std=[0.229, 0.224, 0.225],
        ).save_pretrained(folder)
    return folder


def make_tiny(n: int, folder: Path = FOLDER / "tiny") -> list[Path]:
    """``n`` PNGs of 32 × 32 pixels, as CIFAR's pictures are, made where absent."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.png" for number in range(n)]
    rng = np.random.default_rng(SEED)
    for number, path in enumerate(paths):
        left, top = rng.random(2) * 0.5
        if not path.exists():
            whole = photograph(number)
            box = (left * whole.width, top * whole.height)
            end = (box[0] + whole.width / 2, box[1] + whole.height / 2)
            whole.resize((32, 32), box=(*box, *end)).save(path)
    return paths


def make_references(names: Sequence[str], folder: Path = FOLDER / "references") -> Path:
    """Eight pictures for each class: crops of one photograph per class, that no benchmark asks.

    Args:
        names: Of the classes.
        folder: One for each list of names: every folder in it is taken for a class.
    """
    for number, name in enumerate(names):
        home = folder / name
        home.mkdir(parents=True, exist_ok=True)
        whole = photograph(number)
        for part in range(8):
            path = home / f"{part}.jpg"
            if not path.exists():
                share = 0.5 + part / 20
                size = (int(whole.width * share), int(whole.height * share))
                whole.crop((0, 0, *size)).resize((320, 240)).save(path, "JPEG", quality=QUALITY)
    return folder


def make_known(
    n: int, store: Path, encoder: ImageEncoder, folder: Path = FOLDER / "known"
) -> list[Path]:
    """``n`` files whose embeddings the store has; random rows, since only their number matters.

    The files hold their number, no picture: a run that would read one of them fails.
    """
    paths = [folder / f"{number // 1000:03d}" / f"{number:06d}.jpg" for number in range(n)]
    if store.exists() and paths[-1].exists():
        return paths
    store.unlink(missing_ok=True)
    rng = np.random.default_rng(SEED)
    opened = Store(store)
    thumbnail = (partial(Image.new, "RGB")((4, 3), "grey")).tobytes()
    for start in range(0, n, 1000):
        stored, stamps = [], []
        for number, path in enumerate(paths[start : start + 1000], start=start):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(number))
            os.utime(path, ns=(0, 10**18 + number))
            content = number.to_bytes(32, "big")
            stored.append(StoredPicture(content=content, width=4, height=3, thumbnail=thumbnail))
            status = path.stat()
            stamps.append((str(path), status.st_size, status.st_mtime_ns, content))
        rows = rng.standard_normal((len(stored), encoder.card.dim)).astype(np.float32)
        opened.save_batch(stored, Embeddings.of(rows, fingerprint=encoder.fingerprint), stamps)
    opened.close()
    return paths
