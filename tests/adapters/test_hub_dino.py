from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModel, Dinov2ForImageClassification

from adapters.checkpoints import pictures, write_dinov2
from sightglass.encoders.contract import DualEncoder, ImageEncoder
from sightglass.encoders.embeddings import unit_rows
from sightglass.encoders.hub import HubImageEncoder, load_hub_encoder


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "registers"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dinov2(tmp_path_factory.mktemp("dino"), registers=request.param)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> HubImageEncoder:
    return load_hub_encoder(str(folder), precision="fp32")


def test_dinov2_has_an_image_side_only(encoder: HubImageEncoder) -> None:
    assert isinstance(encoder, ImageEncoder)
    assert not isinstance(encoder, DualEncoder)
    card = encoder.card
    assert (card.text, card.logit_scale, card.logit_bias) == (None, None, None)
    assert card.dim == 32
    assert "class token" in card.notes
    assert {entry.name for entry in card.files} == {"model.safetensors", "config.json"}


def test_rows_are_the_class_token_of_transformers(folder: Path, encoder: HubImageEncoder) -> None:
    images = pictures(8)
    inputs = AutoImageProcessor.from_pretrained(folder)(images=images, return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder)(**inputs).last_hidden_state
    ours = encoder.encode_images([encoder.prepare(image) for image in images]).rows
    np.testing.assert_allclose(ours, unit_rows(hidden[:, 0].numpy()), atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_row_does_not_depend_on_its_batch(folder: Path, precision: str) -> None:
    encoder = load_hub_encoder(str(folder), precision=precision)
    ready = [encoder.prepare(image) for image in pictures(7)]
    together = encoder.encode_images(ready).rows
    one_by_one = [encoder.encode_images([picture]).rows for picture in ready]
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))


def test_bf16_rows_point_where_fp32_rows_do(folder: Path, encoder: HubImageEncoder) -> None:
    ready = [encoder.prepare(image) for image in pictures(8)]
    reduced = load_hub_encoder(str(folder), precision="bf16").encode_images(ready).rows
    assert (encoder.encode_images(ready).rows * reduced).sum(axis=1).min() > 0.999


def test_a_checkpoint_with_a_classification_head_gives_the_same_rows(
    tmp_path: Path,
) -> None:
    plain = write_dinov2(tmp_path / "plain")
    headed = write_dinov2(tmp_path / "headed")
    model = Dinov2ForImageClassification.from_pretrained(plain, num_labels=3)
    model.save_pretrained(headed)
    first, second = (load_hub_encoder(str(path), precision="fp32") for path in (plain, headed))
    ready = [first.prepare(image) for image in pictures(2)]
    np.testing.assert_array_equal(first.encode_images(ready).rows, second.encode_images(ready).rows)
