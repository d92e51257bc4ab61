from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, CLIPConfig, CLIPModel

from adapters.checkpoints import LENGTH, clip_tokenizer, pictures, write_clip
from sightglass import ZeroShotClassifier
from sightglass.encoders.contract import DualEncoder, RoundingEncoder
from sightglass.encoders.embeddings import Embeddings, unit_rows
from sightglass.encoders.hub import HubDualEncoder, HubRoundingEncoder, load_hub_encoder
from sightglass.encoders.hub_checkpoint import Checkpoint, read_checkpoint
from sightglass.encoders.hub_network import (
    BF16_COSINE_TOLERANCE,
    BF16_ENTRY_TOLERANCE,
    halve_matrices,
    load_model,
    passes_of,
)
from sightglass.encoders.preprocess import normalise

TEXTS = [
    "a photo of a cat.",
    "dog",
    "A Red TRAIN, on the bridge!",
    "tower",
    "café",
    "",
    "a very long text " * 20,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> HubDualEncoder:
    made = load_hub_encoder(str(folder), precision="fp32")
    assert isinstance(made, HubDualEncoder)
    return made


def prepared(encoder: HubDualEncoder, count: int) -> list[np.ndarray]:
    return [encoder.prepare(image) for image in pictures(count)]


def test_a_clip_model_is_a_dual_encoder(encoder: HubDualEncoder) -> None:
    assert isinstance(encoder, DualEncoder)


def test_image_rows_equal_those_of_transformers(folder: Path, encoder: HubDualEncoder) -> None:
    images = pictures(6)
    inputs = AutoProcessor.from_pretrained(folder)(images=images, return_tensors="pt")
    with torch.inference_mode():
        expected = CLIPModel.from_pretrained(folder).get_image_features(**inputs).pooler_output
    ours = encoder.encode_images([encoder.prepare(image) for image in images])
    np.testing.assert_allclose(ours.rows, unit_rows(expected.numpy()), atol=1e-5)
    assert ours.fingerprint == encoder.fingerprint


def test_text_rows_equal_those_of_transformers(folder: Path, encoder: HubDualEncoder) -> None:
    inputs = AutoProcessor.from_pretrained(folder)(
        text=TEXTS, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = CLIPModel.from_pretrained(folder).get_text_features(**inputs).pooler_output
    ours = encoder.encode_texts(TEXTS)
    np.testing.assert_allclose(ours.rows, unit_rows(expected.numpy()), atol=1e-5)


def test_a_text_that_is_too_long_keeps_its_end_token(encoder: HubDualEncoder) -> None:
    ids = encoder._tokens(["cat " * 100])[0]
    assert len(ids) == LENGTH
    assert ids[-1] == clip_tokenizer().eos_token_id


def test_case_changes_no_text_row(encoder: HubDualEncoder) -> None:
    lower, upper = encoder.encode_texts(["a photo of a cat", "A Photo Of A CAT"]).rows
    np.testing.assert_array_equal(lower, upper)


def test_the_card_says_what_the_files_say(folder: Path, encoder: HubDualEncoder) -> None:
    card = encoder.card
    assert card.name == f"hf:{folder}"
    assert card.dim == 16
    assert card.logit_scale == pytest.approx(100.0, rel=1e-4)  # exp(4.6052)
    assert card.logit_bias is None
    assert card.image is not None
    assert card.image.size == (32, 32)
    assert card.image.resize == "shortest_edge"
    assert card.image.mean == (0.48145466, 0.4578275, 0.40821073)
    assert card.text is not None
    assert card.text.length == LENGTH
    assert card.text.pad_id == clip_tokenizer().pad_token_id
    assert {entry.name for entry in card.files} == {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert card.bytes == sum((folder / entry.name).stat().st_size for entry in card.files)


def test_the_licence_is_read_from_the_page(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    read = [load_hub_encoder(str(copy)).card.licence]
    for front in ("license: mit", "license: other\nlicense_name: apple-amlr", "tags:\n- clip"):
        (copy / "README.md").write_text(f"---\n{front}\n---\nlicense: not this\n")
        read.append(load_hub_encoder(str(copy)).card.licence)
    (copy / "README.md").write_text("# A page without front matter\nlicense: mit\n")
    read.append(load_hub_encoder(str(copy)).card.licence)
    unknown = "see the model's page"
    assert read == [unknown, "mit", "apple-amlr", unknown, unknown]


@pytest.mark.parametrize("changed", ["model.safetensors", "config.json", "tokenizer.json"])
def test_every_file_that_decides_a_row_is_in_the_fingerprint(
    folder: Path, tmp_path: Path, encoder: HubDualEncoder, changed: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert load_hub_encoder(str(copy), precision="fp32").fingerprint == encoder.fingerprint
    assert load_hub_encoder(str(copy), precision="bf16").fingerprint != encoder.fingerprint
    content = (copy / changed).read_bytes()
    other = content[:-1] + b"\x7f" if changed.endswith("safetensors") else content + b" "
    (copy / changed).write_bytes(other)
    assert load_hub_encoder(str(copy), precision="fp32").fingerprint != encoder.fingerprint


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_pictures_row_does_not_depend_on_its_batch(folder: Path, precision: str) -> None:
    encoder = load_hub_encoder(str(folder), precision=precision)
    ready = prepared(encoder, 8) * 2
    together = encoder.encode_images(ready).rows
    backwards = encoder.encode_images(ready[::-1]).rows[::-1]
    np.testing.assert_array_equal(together, backwards)
    for size in (1, 2, 7):
        parts = [
            encoder.encode_images(ready[at : at + size]).rows for at in range(0, len(ready), size)
        ]
        np.testing.assert_array_equal(together, np.concatenate(parts))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_texts_row_does_not_depend_on_its_neighbours(folder: Path, precision: str) -> None:
    encoder = load_hub_encoder(str(folder), precision=precision)
    assert isinstance(encoder, HubDualEncoder)
    texts = TEXTS * 4
    together = encoder.encode_texts(texts).rows
    one_by_one = [encoder.encode_texts([text]).rows for text in texts]
    np.testing.assert_array_equal(together, np.concatenate(one_by_one))
    np.testing.assert_array_equal(together[::-1], encoder.encode_texts(texts[::-1]).rows)


@pytest.fixture(scope="module")
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers as wide as ViT-B/32's: large enough for the processor's blocked products."""
    folder = tmp_path_factory.mktemp("wide")
    tokenizer = clip_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    text = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    text |= {"bos_token_id": None, "pad_token_id": None, "num_hidden_layers": 2}
    config = CLIPConfig(text_config=text, vision_config={"num_hidden_layers": 2})
    CLIPModel(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"size": 224, "crop_size": 224, "resample": 3})
    )
    return folder


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_rows_of_a_wide_model_do_not_depend_on_batch_place_or_threads(
    wide_folder: Path, precision: str
) -> None:
    encoder = load_hub_encoder(str(wide_folder), precision=precision)
    ready = prepared(encoder, 7)
    together = encoder.encode_images(ready).rows
    np.testing.assert_array_equal(together[::-1], encoder.encode_images(ready[::-1]).rows)
    np.testing.assert_array_equal(together[2:3], encoder.encode_images(ready[2:3]).rows)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        again = load_hub_encoder(str(wide_folder), precision=precision).encode_images(ready).rows
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(together, again)


def test_bf16_rows_are_within_the_stated_tolerance_of_fp32(wide_folder: Path) -> None:
    reference = load_hub_encoder(str(wide_folder), precision="fp32")
    reduced = load_hub_encoder(str(wide_folder), precision="bf16")
    assert isinstance(reference, HubDualEncoder)
    assert isinstance(reduced, HubDualEncoder)
    ready = prepared(reference, 8)
    assert np.array_equal(reference.encode_texts(TEXTS).rows, reduced.encode_texts(TEXTS).rows)
    for exact, rough in [
        (reference.encode_images(ready).rows, reduced.encode_images(ready).rows),
    ]:
        assert not np.array_equal(exact, rough)
        assert np.abs(exact - rough).max() < BF16_ENTRY_TOLERANCE
        assert (1 - (exact * rough).sum(axis=1)).max() < BF16_COSINE_TOLERANCE


def test_old_checkpoints_with_numbers_for_sizes_are_read(wide_folder: Path) -> None:
    image = load_hub_encoder(str(wide_folder)).card.image
    assert image is not None
    assert (image.size, image.resize_to, image.resize) == ((224, 224), 224, "shortest_edge")


def test_encoding_leaves_the_callers_threads_as_they_were(encoder: HubDualEncoder) -> None:
    before = torch.get_num_threads()
    encoder.encode_images(prepared(encoder, 2))
    assert torch.get_num_threads() == before


def test_nothing_in_gives_no_rows(encoder: HubDualEncoder) -> None:
    assert encoder.encode_images([]).rows.shape == (0, 16)
    assert encoder.encode_texts([]).rows.shape == (0, 16)


def test_sharded_weights_give_the_same_rows(tmp_path: Path, encoder: HubDualEncoder) -> None:
    sharded = load_hub_encoder(
        str(write_clip(tmp_path / "sharded", max_shard_size="40KB")), precision="fp32"
    )
    assert sum(entry.name.startswith("model-") for entry in sharded.card.files) > 1
    assert sharded.card.logit_scale == encoder.card.logit_scale
    ready = prepared(encoder, 3)
    np.testing.assert_array_equal(
        sharded.encode_images(ready).rows, encoder.encode_images(ready).rows
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_stored_in_another_number_type_run_in_fp32(
    folder: Path, tmp_path: Path, kind: torch.dtype
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    CLIPModel.from_pretrained(folder).to(kind).save_pretrained(copy)
    encoder = load_hub_encoder(str(copy), precision="fp32")
    reference = CLIPModel.from_pretrained(copy, dtype=torch.float32)
    assert encoder.card.logit_scale == pytest.approx(reference.logit_scale.exp().item(), rel=1e-6)
    inputs = AutoProcessor.from_pretrained(copy)(images=pictures(2), return_tensors="pt")
    with torch.inference_mode():
        expected = reference.get_image_features(**inputs).pooler_output
    rows = encoder.encode_images(prepared(encoder, 2)).rows
    np.testing.assert_allclose(rows, unit_rows(expected.numpy()), atol=1e-5)


def test_a_tokenizer_of_older_files_gives_the_same_rows(
    folder: Path, tmp_path: Path, encoder: HubDualEncoder
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    model = json.loads((copy / "tokenizer.json").read_text())["model"]
    (copy / "vocab.json").write_text(json.dumps(model["vocab"]))
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (copy / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]))
    (copy / "tokenizer.json").unlink()
    older = load_hub_encoder(str(copy), precision="fp32")
    assert isinstance(older, HubDualEncoder)
    np.testing.assert_array_equal(older.encode_texts(TEXTS).rows, encoder.encode_texts(TEXTS).rows)


def test_the_card_and_the_fingerprint_need_no_torch(folder: Path) -> None:
    program = (
        "import sys\n"
        "from PIL import Image\n"
        "from sightglass.encoders.hub import load_hub_encoder\n"
        f"encoder = load_hub_encoder({str(folder)!r})\n"
        "assert encoder.card.logit_scale and len(encoder.fingerprint) == 32\n"
        "encoder.prepare(Image.new('RGB', (9, 9)))\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_encoding_is_silent_and_needs_no_torchvision(folder: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['torchvision'] = None\n"
        "from PIL import Image\n"
        "from sightglass.encoders.hub import load_hub_encoder\n"
        f"encoder = load_hub_encoder({str(folder)!r})\n"
        "encoder.encode_images([encoder.prepare(Image.new('RGB', (9, 9)))])\n"
        "encoder.encode_texts(['cat'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_run_in_bf16_gives_the_labels_of_a_run_in_fp32(wide_folder: Path) -> None:
    rng = np.random.default_rng(5)
    pictures = [
        np.full((40, 50, 3), rng.integers(0, 256, 3), np.uint8)
        + rng.integers(0, 40, (40, 50, 3), dtype=np.uint8)
        for _ in range(40)
    ]
    names = ["a cat", "a dog", "two dogs", "the sea", "a red car", "grass"]
    runs = {}
    for precision in ("fp32", "bf16"):
        encoder = load_hub_encoder(str(wide_folder), precision=precision)
        assert isinstance(encoder, HubDualEncoder)
        classifier = ZeroShotClassifier(names, model=encoder, store=None, unknown=False)
        runs[precision] = classifier.predict(pictures)
    assert runs["bf16"].labels == runs["fp32"].labels
    assert runs["bf16"].run["work"]["near_ties"] > 0


def test_rows_of_passes_of_another_size_have_another_fingerprint(wide_folder: Path) -> None:
    rounding = load_hub_encoder(str(wide_folder), precision="bf16")
    exact = load_hub_encoder(str(wide_folder), precision="fp32")
    assert isinstance(rounding, RoundingEncoder)
    prints = {rounding.fingerprint, exact.fingerprint, rounding.reference.fingerprint}
    assert len(prints) == 3
    assert rounding.reference.card.precision == exact.card.precision == "fp32"


def test_weights_that_texts_have_loaded_serve_pictures_too(
    folder: Path, encoder: HubDualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []

    def counted(checkpoint: Checkpoint) -> Any:
        loads.append(checkpoint.name)
        return load_model(checkpoint)

    monkeypatch.setattr("sightglass.encoders.hub.load_model", counted)
    ready = prepared(encoder, 3)
    texts_first, pictures_alone = (
        load_hub_encoder(str(folder), precision="bf16") for _ in range(2)
    )
    assert isinstance(texts_first, HubRoundingEncoder)
    texts = texts_first.encode_texts(["a cat"]).rows
    rows = texts_first.encode_images(ready).rows
    assert len(loads) == 1
    # Exact, both: by halving the matrices in place, as was done before weights were shared, ...
    halved = load_model(read_checkpoint("hf:halved", folder))
    halve_matrices(halved)
    oracle = passes_of(halved, with_texts=True, precision="bf16", pictures_per_pass=16)["image"]
    spec = encoder.card.image
    assert spec is not None
    raw = np.stack(oracle([{"pixel_values": pixels} for pixels in normalise(ready, spec)]))
    np.testing.assert_array_equal(rows, Embeddings.of(raw, fingerprint="").rows)
    np.testing.assert_array_equal(rows, pictures_alone.encode_images(ready).rows)
    # ... and the weights in fp32 are as they were.
    np.testing.assert_array_equal(texts, texts_first.encode_texts(["a cat"]).rows)
    np.testing.assert_array_equal(texts, encoder.encode_texts(["a cat"]).rows)
    assert {weight.dtype for weight in texts_first.reference.model.parameters()} == {torch.float32}
