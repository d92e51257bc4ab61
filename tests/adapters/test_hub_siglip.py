from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, Siglip2Model, SiglipModel

from adapters.checkpoints import LENGTH, pictures, write_siglip, write_siglip2
from sightglass.encoders.card import TextInput
from sightglass.encoders.embeddings import unit_rows
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.tokens import canonical_text

# What is written, and its canonical form, by hand.
TEXTS = {
    "a photo of a cat.": "a photo of a cat",
    "DOG": "dog",
    "  A red-train,\n\ton the  BRIDGE!": "a redtrain on the bridge",
    "tower_bridge": "tower bridge",
    "cat's": "cats",
}
MODELS = {"siglip": SiglipModel, "siglip2": Siglip2Model}


@pytest.fixture(scope="module", params=["siglip", "siglip2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write = {"siglip": write_siglip, "siglip2": write_siglip2}[request.param]
    return write(tmp_path_factory.mktemp("model") / request.param)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> HubDualEncoder:
    made = load_hub_encoder(str(folder), precision="fp32")
    assert isinstance(made, HubDualEncoder)
    return made


def reference(folder: Path) -> SiglipModel | Siglip2Model:
    return MODELS[folder.name].from_pretrained(folder)


def test_image_rows_equal_those_of_transformers(folder: Path, encoder: HubDualEncoder) -> None:
    images = pictures(8)
    inputs = AutoProcessor.from_pretrained(folder)(
        images=images, return_tensors="pt", **_patches(folder)
    )
    with torch.inference_mode():
        expected = reference(folder).get_image_features(**inputs).pooler_output
    ours = encoder.encode_images([encoder.prepare(image) for image in images]).rows
    np.testing.assert_allclose(ours, unit_rows(expected.numpy()), atol=1e-5)


def test_text_rows_equal_those_of_transformers_on_canonical_texts(
    folder: Path, encoder: HubDualEncoder
) -> None:
    long = "a red tower of cat " * 20
    inputs = AutoProcessor.from_pretrained(folder)(
        text=[*TEXTS.values(), long.strip()],
        padding="max_length",
        truncation=True,
        max_length=LENGTH,
        return_tensors="pt",
    )
    with torch.inference_mode():
        features = reference(folder).get_text_features(input_ids=inputs["input_ids"])
    ours = encoder.encode_texts([*TEXTS, long]).rows
    np.testing.assert_allclose(ours, unit_rows(features.pooler_output.numpy()), atol=1e-5)


def test_logits_of_the_card_are_those_of_transformers(
    folder: Path, encoder: HubDualEncoder
) -> None:
    images, texts = pictures(3), list(TEXTS.values())
    inputs = AutoProcessor.from_pretrained(folder)(
        text=texts,
        images=images,
        padding="max_length",
        max_length=LENGTH,
        return_tensors="pt",
        **_patches(folder),
    )
    inputs.pop("attention_mask", None)
    with torch.inference_mode():
        expected = reference(folder)(**inputs).logits_per_image.numpy()
    card = encoder.card
    assert card.logit_scale == pytest.approx(math.exp(4.75), rel=1e-6)
    assert card.logit_bias == -16.5
    rows = encoder.encode_images([encoder.prepare(image) for image in images]).rows
    similarity = rows @ encoder.encode_texts(texts).rows.T
    np.testing.assert_allclose(card.logit_scale * similarity + card.logit_bias, expected, atol=2e-3)


def test_case_and_punctuation_change_no_row(encoder: HubDualEncoder) -> None:
    plain = encoder.encode_texts(list(TEXTS.values())).rows
    np.testing.assert_array_equal(encoder.encode_texts(list(TEXTS)).rows, plain)


def test_texts_are_made_canonical_only_where_the_card_asks_for_it(encoder: HubDualEncoder) -> None:
    spec = encoder._text_input
    assert canonical_text("CAT!", spec) == "cat"
    raw = spec.model_copy(update={"lower_case": False, "strip_punctuation": False})
    assert canonical_text("CAT!", raw) == "CAT!"


def test_texts_are_padded_on_the_right_to_the_full_length(encoder: HubDualEncoder) -> None:
    ids = encoder._tokens(["cat"])[0]
    assert len(ids) == LENGTH
    assert ids[0] != encoder._text_input.pad_id
    assert set(ids[-8:]) == {encoder._text_input.pad_id}


def test_padding_on_the_left_would_give_other_rows(folder: Path, encoder: HubDualEncoder) -> None:
    model, right = reference(folder), encoder._tokens(["a cat"])[0]
    kept = int(np.flatnonzero(right != encoder._text_input.pad_id)[-1]) + 1
    left = np.roll(right, LENGTH - kept)
    with torch.inference_mode():
        features = model.get_text_features(input_ids=torch.from_numpy(np.stack([right, left])))
    rows = unit_rows(features.pooler_output.numpy())
    np.testing.assert_allclose(encoder.encode_texts(["a cat"]).rows[0], rows[0], atol=1e-5)
    assert np.abs(rows[0] - rows[1]).max() > 1e-3


def test_the_card_says_how_texts_are_written(encoder: HubDualEncoder) -> None:
    assert encoder.card.text == TextInput(
        length=LENGTH, lower_case=True, strip_punctuation=True, padding="max_length", pad_id=0
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_row_does_not_depend_on_its_batch(folder: Path, precision: str) -> None:
    encoder = load_hub_encoder(str(folder), precision=precision)
    assert isinstance(encoder, HubDualEncoder)
    ready = [encoder.prepare(image) for image in pictures(8)]
    together = encoder.encode_images(ready).rows
    one_by_one = [encoder.encode_images([picture]).rows for picture in ready]
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))
    np.testing.assert_array_equal(together[::-1], encoder.encode_images(ready[::-1]).rows)
    texts = list(TEXTS)
    np.testing.assert_array_equal(
        encoder.encode_texts(texts).rows[1:2], encoder.encode_texts(texts[1:2]).rows
    )


def test_bf16_rows_point_where_fp32_rows_do(folder: Path, encoder: HubDualEncoder) -> None:
    # The stated tolerance is for wide models; 32 entries round more coarsely.
    reduced = load_hub_encoder(str(folder), precision="bf16")
    assert isinstance(reduced, HubDualEncoder)
    ready = [encoder.prepare(image) for image in pictures(8)]
    for exact, rough in [
        (encoder.encode_images(ready).rows, reduced.encode_images(ready).rows),
        (encoder.encode_texts(list(TEXTS)).rows, reduced.encode_texts(list(TEXTS)).rows),
    ]:
        assert (exact * rough).sum(axis=1).min() > 0.999


def test_pictures_of_many_shapes_keep_them_in_naflex(tmp_path: Path) -> None:
    encoder = load_hub_encoder(str(write_siglip2(tmp_path)))
    shapes = {encoder.prepare(image).shape[:2] for image in pictures(8)}
    assert len(shapes) > 3
    assert all(height % 8 == width % 8 == 0 for height, width in shapes)
    assert all(height * width <= 25 * 64 for height, width in shapes)


def test_a_combined_processor_file_is_read_too(
    folder: Path, tmp_path: Path, encoder: HubDualEncoder
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / folder.name))
    (copy / "preprocessor_config.json").unlink()
    AutoProcessor.from_pretrained(folder).save_pretrained(copy)
    assert not (copy / "preprocessor_config.json").exists()
    assert load_hub_encoder(str(copy)).card.image == encoder.card.image


def _patches(folder: Path) -> dict[str, int]:
    """Siglip2Processor's own defaults would override the file's."""
    return {"max_num_patches": 25, "patch_size": 8} if folder.name == "siglip2" else {}
