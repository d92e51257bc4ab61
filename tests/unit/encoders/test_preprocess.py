from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers import (
    BitImageProcessorPil,
    CLIPImageProcessorPil,
    Siglip2ImageProcessorPil,
    SiglipImageProcessorPil,
)

from sightglass.encoders.card import ImageInput
from sightglass.encoders.naflex import patch_grid_size, patch_sequences
from sightglass.encoders.preprocess import normalise, prepare
from sightglass.errors import ModelError, ShapeError

# (width, height): one pixel, strips, odd, one off the crop, portrait, landscape, large.
SIZES = [
    (1, 1), (1, 9), (40, 1), (37, 501), (501, 37), (224, 225), (225, 224), (223, 224), (224, 224),
    (3, 2), (100, 300), (640, 427), (1999, 3001),
]  # fmt: skip
CLIP = ImageInput(
    size=(224, 224),
    resize="shortest_edge",
    resize_to=224,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
)
DINO = CLIP.model_copy(
    update={"resize_to": 256, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
)
SIGLIP = ImageInput(size=(256, 256), resize="exact")
NAFLEX = ImageInput(
    size=(256, 256), resize="patches", resample="bilinear", patch_size=16, max_patches=256
)


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def processed(processor: object, image: Image.Image) -> np.ndarray:
    return processor(images=image, return_tensors="np")["pixel_values"]


@pytest.mark.parametrize("size", SIZES)
def test_clip_pictures_equal_those_of_its_own_processor(size: tuple[int, int]) -> None:
    image = picture(*size)
    ours = normalise([prepare(image, CLIP)], CLIP)
    np.testing.assert_allclose(ours, processed(CLIPImageProcessorPil(), image), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_dinov2_pictures_equal_those_of_its_own_processor(size: tuple[int, int]) -> None:
    image = picture(*size)
    theirs = BitImageProcessorPil(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    ours = normalise([prepare(image, DINO)], DINO)
    np.testing.assert_allclose(ours, processed(theirs, image), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_siglip_pictures_equal_those_of_its_own_processor(size: tuple[int, int]) -> None:
    image = picture(*size)
    theirs = SiglipImageProcessorPil(size={"height": 256, "width": 256})
    ours = normalise([prepare(image, SIGLIP)], SIGLIP)
    np.testing.assert_allclose(ours, processed(theirs, image), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_naflex_patches_equal_those_of_its_own_processor(size: tuple[int, int]) -> None:
    image = picture(*size)
    theirs = Siglip2ImageProcessorPil()(images=image, return_tensors="np")
    ours = patch_sequences(
        [normalise([prepare(image, NAFLEX)], NAFLEX)[0]], patch_size=16, max_patches=256
    )
    np.testing.assert_allclose(ours.patches, theirs["pixel_values"], atol=1e-5)
    np.testing.assert_array_equal(ours.mask, theirs["pixel_attention_mask"])
    np.testing.assert_array_equal(ours.grids, theirs["spatial_shapes"])


@pytest.mark.parametrize("crop", [(50, 50), (51, 30), (20, 51), (33, 33)])
def test_a_crop_larger_than_the_picture_is_padded_with_black_as_transformers_does(
    crop: tuple[int, int],
) -> None:
    spec = CLIP.model_copy(update={"size": crop, "resize_to": 32})
    theirs = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": crop[0], "width": crop[1]}
    )
    for size in [(32, 32), (33, 47), (90, 31)]:
        image = picture(*size)
        ours = normalise([prepare(image, spec)], spec)
        np.testing.assert_allclose(ours, processed(theirs, image), atol=1e-5)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_every_resample_rule_is_the_one_of_that_name(name: str) -> None:
    image = picture(61, 83)
    spec = SIGLIP.model_copy(update={"size": (40, 30), "resample": name})
    expected = np.asarray(image.resize((30, 40), Image.Resampling[name.upper()]))
    np.testing.assert_array_equal(prepare(image, spec), expected)


def test_the_long_side_is_rounded_as_the_card_says() -> None:
    # 10 * 16 / 9 = 17.78: 17 columns or 18, of which the crop keeps all 17 or 18.
    image = picture(16, 9)
    floor = ImageInput(size=(10, 17), resize="shortest_edge", resize_to=10, rounding="floor")
    near = ImageInput(size=(10, 18), resize="shortest_edge", resize_to=10, rounding="nearest")
    resized = [np.asarray(image.resize((n, 10), Image.Resampling.BICUBIC)) for n in (17, 18)]
    np.testing.assert_array_equal(prepare(image, floor), resized[0])
    np.testing.assert_array_equal(prepare(image, near), resized[1])


def test_an_endless_strip_is_cropped_without_resizing_all_of_it() -> None:
    # The whole would be 224 x 5.6 million pixels, 3.8 GB. The crop keeps the two columns in the
    # middle, one black and one white: far from the edge between them, nothing else is seen.
    strip = np.zeros((2, 50_000, 3), dtype=np.uint8)
    strip[:, 25_000:] = 255
    made = prepare(Image.fromarray(strip), CLIP)
    assert made.shape == (224, 224, 3)
    assert made[:, 0].max() == 0
    assert made[:, -1].min() == 255
    np.testing.assert_allclose(made[:, ::-1].astype(int), 255 - made.astype(int), atol=2)


def test_the_short_cut_for_strips_differs_by_a_few_levels_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for size in [(700, 9), (9, 700), (64, 48)]:
        image = picture(*size)
        whole = prepare(image, DINO).astype(int)
        with monkeypatch.context() as patched:
            patched.setattr("sightglass.encoders.preprocess._LARGEST_RESIZE", 0)
            part = prepare(image, DINO).astype(int)
        assert np.abs(whole - part).max() <= 16
        assert np.abs(whole - part).mean() < 0.5


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_a_picture_in_another_mode_becomes_rgb(mode: str) -> None:
    image = picture(20, 20).convert(mode)
    np.testing.assert_array_equal(prepare(image, CLIP), prepare(image.convert("RGB"), CLIP))


def test_normalise_by_hand() -> None:
    spec = ImageInput(size=(1, 1), resize="exact", mean=(0.5, 0.0, 0.2), std=(0.5, 1.0, 0.4))
    pixel = np.array([[[255, 0, 51]]], dtype=np.uint8)
    np.testing.assert_allclose(normalise([pixel], spec).ravel(), [1.0, 0.0, 0.0], atol=1e-7)


def test_no_pictures_give_an_empty_batch() -> None:
    assert normalise([], CLIP).shape == (0, 3, 224, 224)


def test_pictures_of_different_sizes_in_one_batch_are_refused() -> None:
    small, large = np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)
    with pytest.raises(ShapeError, match=r"need one size, got \[\(2, 2, 3\), \(3, 2, 3\)\]"):
        normalise([small, large], CLIP)


def test_a_card_that_asks_for_patches_must_say_how_many() -> None:
    spec = NAFLEX.model_copy(update={"max_patches": None})
    with pytest.raises(ModelError, match="needs patch_size and max_patches, got 16 and None"):
        prepare(picture(4, 4), spec)


@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    patch=st.sampled_from([8, 14, 16]),
    most=st.integers(1, 1024),
)
def test_a_patch_grid_is_whole_patches_and_never_more_than_allowed(
    height: int, width: int, patch: int, most: int
) -> None:
    made = patch_grid_size(height, width, patch_size=patch, max_patches=most)
    assert all(side % patch == 0 and side >= patch for side in made)
    assert made[0] * made[1] <= most * patch * patch


@given(width=st.integers(1, 400), height=st.integers(1, 400), seed=st.integers(0, 9))
def test_every_picture_comes_out_at_the_size_of_the_card(
    width: int, height: int, seed: int
) -> None:
    image = picture(width, height, seed)
    assert prepare(image, CLIP).shape == (224, 224, 3)
    assert prepare(image, SIGLIP).shape == (256, 256, 3)
