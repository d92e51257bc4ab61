"""The groups of rows with networks of the sizes that people take from a model hub."""

from __future__ import annotations

from functools import partial

from pictures import FOLDER, make_checkpoint, make_photos
from rounds import rate
from sightglass.encoders.hub import load_hub_encoder
from sightglass.encoders.hub_network import choose_device
from speed_bare import bare_row, batch_rows
from speed_group import (
    BF16,
    BF16_BATCHED,
    FORWARD,
    FUSED,
    LOOP,
    OURS,
    OURS_FP32,
    PIPELINE,
    PIPELINE_BATCHED,
    WARMING,
    Group,
    best_decoding,
    limits,
    ratio,
    some,
)
from speed_inputs import make_dinov2, make_references, make_tiny
from speed_ours import NAMES, TEMPLATE, classify, cold, embed, forward
from speed_peers import asked_row, pipeline_asks, plain_clip_loop, plain_vision_loop

CIFAR = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
PAPER_SECONDS, PAPER_PICTURES = 232, 10_000


def clip_group(pictures: int, few: int) -> Group:
    """A checkpoint of ViT-B/32's size, and transformers' pipeline with the same files."""
    import torch

    paths = [str(path) for path in make_photos(pictures)]
    asked, twice = paths[:few], paths[: few * 2]
    folder = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    encoder = load_hub_encoder(str(folder))
    exact = load_hub_encoder(str(folder), precision="fp32")
    for one in (encoder, exact):
        classify(paths[:2], one, store=None)
    one_by_one, batched = pipeline_asks(folder)
    one_by_one_bf16, batched_bf16 = pipeline_asks(folder, dtype=torch.bfloat16)
    decoder, decoded = best_decoding(paths)
    bare, network = bare_row(folder, few * 2, clip=True)
    same_pictures = f"ours, the same {few:,} pictures"
    peers = {
        PIPELINE: asked_row(one_by_one, asked),
        PIPELINE_BATCHED: asked_row(batched, asked),
        BF16: asked_row(one_by_one_bf16, asked),
        BF16_BATCHED: asked_row(batched_bf16, asked),
        LOOP: asked_row(plain_clip_loop(folder), asked),
    }
    rows = {
        decoder: decoded,
        bare: network,
        FORWARD: forward(encoder, twice),
        **peers,
        OURS: cold(partial(classify, paths, encoder), len(paths)),
        same_pictures: cold(partial(classify, asked, encoder), len(asked)),
        OURS_FP32: cold(partial(classify, twice, exact), len(twice)),
    }
    return Group(
        title=f"ViT-B/32's size: {pictures:,} JPEGs of about 500 × 375",
        rows=rows,
        ratios=[
            *limits(decoder, bare, FORWARD),
            ratio(OURS, FORWARD),
            *(ratio(same_pictures, other) for other in peers),
            *(ratio(OURS, other) for other in peers),
            *(ratio(OURS_FP32, other) for other in (PIPELINE, PIPELINE_BATCHED)),
        ],
        same=(PIPELINE, (*list(peers)[1:], OURS_FP32, same_pictures, OURS)),
        must=(OURS_FP32, same_pictures, OURS),
        note=f"“{same_pictures}” pays for the texts of 15 classes and of the unknown score, and "
        f"for the first look into the store, with as few pictures as the peers have; “ours” goes "
        f"through the whole folder. The ratios against both are given.",
    )


def dino_group(pictures: int, few: int) -> Group:
    """A vision-only checkpoint: reading and embedding are all there is."""
    paths = [str(path) for path in make_photos(pictures)]
    folder = make_dinov2(384)
    encoder = load_hub_encoder(str(folder))
    decoder, decoded = best_decoding(paths)
    bare, network = bare_row(folder, few * 2, clip=False)
    rows = {
        decoder: decoded,
        bare: network,
        FORWARD: forward(encoder, paths[: few * 2]),
        LOOP: plain_vision_loop(folder, paths[:few]),
        OURS: cold(partial(embed, paths, encoder), len(paths)),
    }
    return Group(
        title=f"DINOv2-S's size: {pictures:,} JPEGs of about 500 × 375, embedded and stored",
        rows=rows,
        ratios=[*limits(decoder, bare, FORWARD), ratio(OURS, LOOP), ratio(OURS, FORWARD)],
    )


def paper_group(pictures: int) -> Group:
    """What Yin & Jiang timed: CIFAR-10's test set, three alignments, 232 seconds on a GPU."""
    paths = [str(path) for path in make_tiny(pictures)]
    run = partial(
        classify,
        model=load_hub_encoder(str(make_checkpoint([TEMPLATE.format(name) for name in NAMES]))),
        vision=load_hub_encoder(str(make_dinov2(768))),
        names=CIFAR,
        references=make_references(CIFAR, FOLDER / "references-cifar"),
    )
    run(some(paths, WARMING), store=None)
    theirs = f"the paper's {PAPER_PICTURES:,} in {PAPER_SECONDS} s"
    return Group(
        title=f"ViT-B/32's and DINOv2-B/14's sizes, fused: {pictures:,} PNGs of 32 × 32",
        rows={FUSED: cold(partial(run, paths), pictures)},
        ratios=[(FUSED, theirs, rate(FUSED), lambda _: PAPER_PICTURES / PAPER_SECONDS)],
        seconds=(FUSED,),
        note=f"CIFAR-10's ten class names with eight references each; the pictures are generated, "
        f"of CIFAR's size. The paper reports {PAPER_SECONDS} s for CIFAR-10's "
        f"{PAPER_PICTURES:,} test pictures, on a GPU of its own.",
    )


def batches_group(few: int) -> Group:
    """The image tower of ViT-B/32's size at several sizes of a batch, in three formats."""
    folder = make_checkpoint([TEMPLATE.format(name) for name in NAMES])
    rows = batch_rows(folder, few=few)
    return Group(
        title=f"ViT-B/32's size: torch at several sizes of a batch, on {choose_device()}", rows=rows
    )
