from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional
from transformers import AutoImageProcessor, BertConfig, BertModel

from adapters.checkpoints import SIDE, pictures
from adapters.vision_checkpoints import (
    BACKBONES,
    RESNET,
    VIT,
    write_convnext,
    write_resnet,
    write_vit,
)
from sightglass.distillation.parallel.global_batch_norm import batch_norms
from sightglass.encoders.card import ImageInput
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.encoders.towers.building import build_image_tower
from sightglass.encoders.towers.contract import ImageTower
from sightglass.encoders.towers.pretrained_image import PretrainedImage, build_pretrained_image
from sightglass.encoders.towers.student import DualStudent
from sightglass.encoders.towers.student_file import read_student, write_student
from sightglass.errors import InputError, ModelError

pytestmark = pytest.mark.usefixtures("one_thread")

DIM = 7
RANDOM_RESNET = {"model_type": "resnet", **RESNET}
RANDOM_VIT = {"model_type": "vit", **VIT, "hidden_dropout_prob": 0.5}
TINY_MOBILEVIT = {
    "model_type": "mobilevit",
    "hidden_sizes": [8, 8, 8],
    "neck_hidden_sizes": [4, 4, 4, 8, 8, 8, 8],
    "num_attention_heads": 2,
}
SMALL = {"size": [SIDE, SIDE], "resize": "exact"}


@pytest.fixture(scope="module", params=list(BACKBONES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write, _, _ = BACKBONES[kind]
    return write(tmp_path_factory.mktemp("vision"))


@pytest.fixture(scope="module")
def tower(folder: Path) -> PretrainedImage:
    torch.manual_seed(3)
    return build_pretrained_image(dim=DIM, checkpoint=f"hf:{folder}")


def test_pixels_are_those_of_the_models_own_image_processor(
    folder: Path, tower: PretrainedImage
) -> None:
    images = pictures(8)
    theirs = AutoImageProcessor.from_pretrained(folder)(images=images, return_tensors="np")
    ours = normalise([prepare(image, tower.image_input) for image in images], tower.image_input)
    np.testing.assert_allclose(ours, theirs["pixel_values"], atol=2e-6)


def test_features_are_those_of_transformers_and_rows_follow_from_them(
    kind: str, folder: Path, tower: PretrainedImage
) -> None:
    _, name, pool = BACKBONES[kind]
    model = getattr(transformers, name).from_pretrained(folder).eval()
    pixels = torch.randn(3, 3, *tower.image_input.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = pool(model(pixel_values=pixels))
        answer = tower.eval()(pixels)
    tower.train()
    assert expected.std(dim=0).max() > 1e-4, "a network that tells no pictures apart shows nothing"
    torch.testing.assert_close(answer.features, expected, atol=1e-5, rtol=1e-5)
    rows = expected @ tower.head.weight.T + tower.head.bias
    rows = rows / rows.square().sum(dim=1, keepdim=True).sqrt()
    torch.testing.assert_close(answer.embeddings, rows, atol=1e-5, rtol=1e-5)
    assert (answer.logits, answer.maps) == (None, ())
    assert (tower.dim, tower.feature_dim) == (DIM, expected.shape[1])


def test_every_weight_that_decides_a_row_is_trained(tower: PretrainedImage) -> None:
    assert isinstance(tower, ImageTower)
    assert tower.training
    assert tower.backbone.training
    answer = tower(torch.randn(2, 3, *tower.image_input.size))
    answer.embeddings[:, 0].sum().backward()
    without = [name for name, one in tower.named_parameters() if one.grad is None]
    # DINOv2's is for masked pictures, which nobody gives it.
    assert without in ([], ["backbone.embeddings.mask_token"])
    tower.zero_grad()


def test_settings_rebuild_the_tower_without_its_checkpoint(
    folder: Path, tower: PretrainedImage, tmp_path: Path
) -> None:
    settings = json.loads(json.dumps(tower.settings()))
    assert str(folder) not in json.dumps(settings)
    again = build_image_tower(settings)
    again.load_state_dict(tower.state_dict())
    pixels = torch.randn(2, 3, *tower.image_input.size)
    with torch.no_grad():
        ours, theirs = again.eval()(pixels), tower.eval()(pixels)
    tower.train()
    assert torch.equal(ours.embeddings, theirs.embeddings)
    assert again.image_input == tower.image_input
    assert again.settings() == tower.settings()


def test_a_students_folder_holds_all_of_it(tmp_path: Path) -> None:
    checkpoint = write_resnet(tmp_path / "checkpoint")
    student = DualStudent(build_pretrained_image(dim=DIM, checkpoint=str(checkpoint), lock=True))
    (tmp_path / "student").mkdir()
    write_student(tmp_path / "student", student)
    shutil.rmtree(checkpoint)
    again, _ = read_student(tmp_path / "student")
    pixels = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        expected = student.eval().image(pixels).embeddings
        assert torch.equal(again.image(pixels).embeddings, expected)


def test_the_head_begins_at_a_normal_of_the_features_width() -> None:
    torch.manual_seed(0)
    tower = build_pretrained_image(dim=800, config=RANDOM_RESNET)
    weights = tower.head.weight.detach()
    assert tower.feature_dim == 24
    # 19,200 numbers: their standard deviation is within 3 % of the true one.
    assert weights.std().item() == pytest.approx(24**-0.5, rel=0.03)
    assert not tower.head.bias.any()
    assert tower.image_input == ImageInput(size=(224, 224), resize="shortest_edge", resize_to=256)


def test_random_weights_differ_by_the_seed_and_agree_with_it() -> None:
    def rows(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        tower = build_pretrained_image(dim=DIM, config=RANDOM_VIT).eval()
        return tower(torch.linspace(-1, 1, 3 * SIDE * SIDE).view(1, 3, SIDE, SIDE)).embeddings

    assert torch.equal(rows(1), rows(1))
    assert not torch.allclose(rows(1), rows(2), atol=1e-2)


def test_a_locked_backbone_stays_as_it_is_and_only_the_head_learns() -> None:
    torch.manual_seed(0)
    tower = build_pretrained_image(dim=DIM, config=RANDOM_RESNET, image_input=SMALL, lock=True)
    before = {name: one.clone() for name, one in tower.backbone.state_dict().items()}
    tower.train().requires_grad_(True)
    assert batch_norms(tower) == ()
    optimiser = torch.optim.SGD(tower.parameters(), lr=1.0, weight_decay=0.1)
    head = tower.head.weight.detach().clone()
    tower(torch.randn(4, 3, SIDE, SIDE)).embeddings[:, 0].sum().backward()
    optimiser.step()
    assert all(torch.equal(one, before[name]) for name, one in tower.backbone.state_dict().items())
    assert not torch.equal(tower.head.weight, head)
    free = build_pretrained_image(dim=DIM, config=RANDOM_RESNET, image_input=SMALL)
    assert len(batch_norms(free)) == sum(
        isinstance(module, nn.BatchNorm2d) for module in free.modules()
    )


def test_recomputed_activations_give_the_same_gradient_and_are_not_kept() -> None:
    def kept_and_gradients(**options: Any) -> tuple[int, dict[str, torch.Tensor]]:
        torch.manual_seed(0)
        tower = build_pretrained_image(dim=DIM, config=RANDOM_VIT, **options)
        sizes: list[int] = []

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        torch.manual_seed(5)  # dropout
        pixels = torch.randn(4, 3, SIDE, SIDE)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = tower(pixels).embeddings.square()[:, 0].sum()
        kept = sum(sizes)
        loss.backward()
        return kept, {name: one.grad for name, one in tower.named_parameters()}

    kept, expected = kept_and_gradients()
    fewer, found = kept_and_gradients(gradient_checkpointing=True)
    assert fewer < kept / 2
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-5)


def test_in_bf16_rows_and_features_leave_as_float32() -> None:
    torch.manual_seed(0)
    tower = build_pretrained_image(dim=DIM, config=RANDOM_RESNET, image_input=SMALL).eval()
    pixels = torch.randn(3, 3, SIDE, SIDE)
    with torch.no_grad():
        exact = tower(pixels)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = tower(pixels)
    assert half.embeddings.dtype == half.features.dtype == torch.float32
    assert functional.cosine_similarity(half.features, exact.features).min() > 0.999
    assert not torch.equal(half.features, exact.features)
    torch.testing.assert_close(half.embeddings.norm(dim=1), torch.ones(3), atol=1e-5, rtol=0)


def test_a_given_image_input_takes_the_place_of_the_checkpoints(tmp_path: Path) -> None:
    folder = write_convnext(tmp_path)
    (folder / "preprocessor_config.json").unlink()
    tower = build_pretrained_image(dim=DIM, checkpoint=str(folder), image_input=SMALL)
    assert tower.image_input == ImageInput(size=(SIDE, SIDE), resize="exact")
    with pytest.raises(ModelError, match=r"a preprocessor_config\.json is needed"):
        build_pretrained_image(dim=DIM, checkpoint=str(folder))


def changed_processor(folder: Path, **changes: Any) -> Path:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"do_rescale": False}, "pictures must be resized and scaled to 0..1"),
        ({"do_center_crop": True, "crop_size": 16}, "must be as large as the picture"),
        ({"size": {"shortest_edge": 32}}, "pictures of every shape must become one size"),
        ({"size": {"height": 40, "width": 40}}, "the backbone must take pictures of 40 x 40"),
    ],
)
def test_processors_that_we_cannot_follow_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = changed_processor(write_vit(tmp_path), **changes)
    with pytest.raises(ModelError) as caught:
        build_pretrained_image(dim=DIM, checkpoint=str(folder))
    assert message in str(caught.value)


def test_a_checkpoint_without_a_weight_is_refused(tmp_path: Path) -> None:
    folder = write_resnet(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"depths": [1, 3]}))
    with pytest.raises(ModelError, match="every weight of the network is needed, missing: encoder"):
        build_pretrained_image(dim=DIM, checkpoint=str(folder))


def test_a_torn_file_of_weights_and_a_pickle_are_refused(tmp_path: Path) -> None:
    folder = write_resnet(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-10])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        build_pretrained_image(dim=DIM, checkpoint=str(folder))
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="which is a pickle and is never opened"):
        build_pretrained_image(dim=DIM, checkpoint=str(folder))


def test_a_model_of_texts_is_refused(tmp_path: Path) -> None:
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 20,
    }
    BertModel(BertConfig(**sizes)).save_pretrained(tmp_path)
    needed = "a network that takes pictures alone is needed, got a BertModel"
    with pytest.raises(ModelError, match=needed):
        build_pretrained_image(dim=DIM, checkpoint=str(tmp_path))
    with pytest.raises(ModelError, match=needed):
        build_pretrained_image(dim=DIM, config={"model_type": "bert", **sizes})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, InputError, "either a checkpoint with weights or a config for random ones"),
        ({"config": RANDOM_VIT, "checkpoint": "x"}, InputError, "got both"),
        ({"config": RANDOM_VIT, "dim": 0}, InputError, "dim must be at least 1, got 0"),
        ({"config": {"model_type": "nothing"}}, ModelError, "cannot build a model of type"),
        ({"config": {}}, ModelError, "cannot build a model of type 'None'"),
        (
            {"config": RANDOM_VIT, "image_input": {"size": [8]}},
            InputError,
            "image_input: size",
        ),
        (
            {"config": RANDOM_RESNET, "gradient_checkpointing": True},
            InputError,
            "ResNetModel cannot. Leave it out and train in smaller parts.",
        ),
        (
            {"config": {"model_type": "vit_mae", **VIT}},
            ModelError,
            "or random rows. Give another network.",
        ),
        (
            {"config": TINY_MOBILEVIT, "image_input": SMALL, "gradient_checkpointing": True},
            InputError,
            "MobileViTModel has some. Leave it out.",
        ),
    ],
)
def test_what_makes_no_tower_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        build_pretrained_image(**{"dim": DIM} | options)
    assert message in str(caught.value)
