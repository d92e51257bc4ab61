from __future__ import annotations

import io
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel

from adapters.checkpoints import LENGTH, clip_tokenizer
from sightglass.cli import main
from sightglass.errors import GenerationError, MissingExtraError, ModelError
from sightglass.generation.budget import Budget, BudgetReached
from sightglass.generation.diffusers_images import DiffusersImages

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        DDPMPipeline,
        DDPMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
        UNet2DModel,
    )

SIDE = 32  # pixels; the decoder doubles the 16 x 16 that the network draws


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion of a few thousand random weights, saved as the hub has such models."""
    folder = tmp_path_factory.mktemp("painter")
    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=SIDE // 2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
    )
    decoder = AutoencoderKL(
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
    )
    pipeline = StableDiffusionPipeline(
        vae=decoder,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.save_pretrained(folder)
    return folder


def source(folder: Path, *, steps: int | None = 2, **options: object) -> DiffusersImages:
    given = {"budget": Budget(None, "pictures"), "device": "cpu", **options}
    return DiffusersImages(model=str(folder), steps=steps, **given)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_same_prompt_and_seed_give_the_same_picture_also_in_another_run(painter: Path) -> None:
    first = source(painter)
    data = first.generate("a red cat", 7)
    assert data.startswith(b"\x89PNG")
    assert pixels(data).shape == (SIDE, SIDE, 3)
    assert first.generate("a red cat", 8) != data
    assert first.generate("a red cat", 7) == data
    assert first.generate("a photo of a bridge", 7) != data
    assert source(painter).generate("a red cat", 7) == data


def test_a_picture_is_the_pipelines_own(painter: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = StableDiffusionPipeline.from_pretrained(painter, safety_checker=None)
        pipeline.set_progress_bar_config(disable=True)
        noise = torch.Generator("cpu").manual_seed(7)
        drawn = pipeline("a red cat", num_inference_steps=2, generator=noise).images[0]
    np.testing.assert_array_equal(pixels(source(painter).generate("a red cat", 7)), drawn)


def test_size_and_steps_reach_the_pipeline(painter: Path) -> None:
    wide = source(painter, size=(48, 32))
    assert pixels(wide.generate("a red cat", 7)).shape == (32, 48, 3)
    more = source(painter, steps=3).generate("a red cat", 7)
    assert more != source(painter).generate("a red cat", 7)


def test_every_picture_counts_towards_the_budget(painter: Path) -> None:
    limited = source(painter, budget=Budget(1, "pictures"))
    limited.generate("a red cat", 7)
    with pytest.raises(BudgetReached):
        limited.generate("a red cat", 8)


def test_nothing_is_loaded_before_the_first_picture(tmp_path: Path) -> None:
    made = source(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"nowhere: a text-to-image pipeline .* cannot be loaded"):
        made.generate("a red cat", 7)


def test_a_model_of_the_hub_that_is_not_here_is_reported() -> None:
    made = DiffusersImages(model="nobody/nothing", budget=Budget(None))
    with pytest.raises(ModelError, match="nobody/nothing: a text-to-image pipeline of diffusers"):
        made.generate("a red cat", 7)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_pickled_weights_are_never_opened(painter: Path, tmp_path: Path, part: str) -> None:
    shutil.copytree(painter, tmp_path / "pickled")
    (weights,) = (tmp_path / "pickled" / part).glob("*.safetensors")
    name = {"text_encoder": "pytorch_model.bin"}.get(part, "diffusion_pytorch_model.bin")
    torch.save(load_file(weights), weights.with_name(name))
    weights.unlink()
    with pytest.raises(ModelError, match="with safetensors weights is needed"):
        source(tmp_path / "pickled").generate("a red cat", 7)


def test_code_that_comes_with_a_model_is_not_run(painter: Path, tmp_path: Path) -> None:
    shutil.copytree(painter, tmp_path / "own")
    index = tmp_path / "own" / "model_index.json"
    trap = tmp_path / "run"
    (tmp_path / "own" / "mine.py").write_text(
        f"import pathlib; pathlib.Path({str(trap)!r}).touch()\n"
        f"from diffusers import StableDiffusionPipeline as Mine\n"
    )
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": ["mine", "Mine"]}))
    with pytest.raises(ModelError, match=r"comes with code \(mine\.py\)"):
        source(tmp_path / "own").generate("a red cat", 7)
    assert not trap.exists()


def test_a_pipeline_that_takes_no_text_is_reported(tmp_path: Path) -> None:
    network = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )
    DDPMPipeline(unet=network, scheduler=DDPMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(
        GenerationError, match="a pipeline that makes a picture of a text is needed"
    ):
        source(tmp_path).generate("a red cat", 7)


def test_nothing_is_said_by_the_libraries(painter: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source(painter).generate("a red cat", 7)
    shown = capfd.readouterr()
    assert shown.out + shown.err == ""


@pytest.mark.parametrize("module", ["torch", "diffusers"])
def test_without_the_libraries_the_extra_is_named(
    painter: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sightglass\[diffusers\]'"):
        source(painter)


def test_imagine_makes_and_judges_pictures_right_here(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("book.yaml").write_text("classes: [{name: cat}, {name: dog}]")
    command = ["imagine", "book.yaml", "--backend", "diffusers", "--image-model", str(painter)]
    code = main([*command, "--steps", "1", "--per-class", "1", "--attempts", "1", "--seed", "3"])
    # Random weights draw no cat: what counts is that each picture got its verdict.
    lines = Path("references/.imagine/ledger.jsonl").read_text().splitlines()
    judged = [json.loads(line) for line in lines if '"asked"' not in line]
    assert [line["class_name"] for line in judged] == ["cat", "dog"]
    assert len({line["seed"] for line in judged}) == 2
    accepted = [line["file"] for line in judged if line["event"] == "accepted"]
    assert all((Path("references") / name).is_file() for name in accepted)
    assert code == (0 if accepted else 1)
