from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from PIL import Image

from oracle import greedy_word_pieces
from sightglass.encoders.card import EncoderCard
from sightglass.encoders.golden import check_golden
from sightglass.encoders.onnx import OnnxEncoder
from sightglass.encoders.registry import MINI_FOLDER, load_dual_encoder, load_encoder
from sightglass.errors import ModelError, UnknownNameError


@pytest.fixture
def copy_of_mini(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(MINI_FOLDER, folder)
    return folder


def edit_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "encoder.json").read_text())
    (folder / "encoder.json").write_text(json.dumps({**card, **changes}))


def test_mini_gives_the_published_golden_vectors() -> None:
    # Written by the export once its rows had passed against the student's in torch.
    checks = check_golden(load_encoder("mini"))
    assert len(checks) == 3
    assert all(check.passed for check in checks), checks


def test_mini_equals_a_plain_run_of_its_two_graphs() -> None:
    encoder = load_dual_encoder("mini")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    # Short side 128: 150 -> 128, 200 -> round(170.67) = 171; the crop begins at (171 - 128) // 2.
    small = Image.fromarray(pixels).resize((171, 128), Image.Resampling.BILINEAR)
    crop = np.asarray(small.crop((21, 0, 149, 128)), np.float64)
    batch = ((crop - 127.5) / 127.5).transpose(2, 0, 1)[None].astype(np.float32)
    image_graph = onnxruntime.InferenceSession(str(MINI_FOLDER / "image.onnx"))
    (expected,) = image_graph.run(["embed"], {"image": batch})
    rows = encoder.encode_images([encoder.prepare(Image.fromarray(pixels))]).rows
    np.testing.assert_allclose(rows, expected, atol=2e-6)

    pieces = (MINI_FOLDER / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tokens = np.array([greedy_word_pieces("a photo of a zebra", pieces)], np.int64)
    text_graph = onnxruntime.InferenceSession(str(MINI_FOLDER / "text.onnx"))
    (raw,) = text_graph.run(["embed"], {"tokens": np.pad(tokens, ((0, 0), (0, 24 - tokens.size)))})
    expected = raw / np.sqrt((raw.astype(np.float64) ** 2).sum())
    np.testing.assert_allclose(
        encoder.encode_texts(["a photo of a zebra"]).rows, expected, atol=2e-6
    )


@pytest.mark.parametrize("size", [1, 3, 7, 32])
def test_batches_change_speed_never_results(size: int) -> None:
    encoder = load_dual_encoder("mini")
    rng = np.random.default_rng(1)
    pictures = list(rng.integers(0, 256, (33, 128, 128, 3), dtype=np.uint8))
    whole = encoder.encode_images(pictures).rows
    parts = [encoder.encode_images(pictures[i : i + size]).rows for i in range(0, 33, size)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_texts_row_does_not_depend_on_its_neighbours_in_one_bit() -> None:
    encoder = load_dual_encoder("mini")
    texts = [f"a photo of a {name}" for name in ("cat", "dog", "page of text", "coins", "ü")] * 7
    together = encoder.encode_texts(texts).rows
    alone = np.concatenate([encoder.encode_texts([text]).rows for text in texts])
    assert np.array_equal(together, alone)
    assert np.array_equal(encoder.encode_texts(texts[3:9]).rows, alone[3:9])


def test_a_graph_that_quantises_by_the_whole_batch_is_run_one_input_at_a_time(
    copy_of_mini: Path,
) -> None:
    # Mean colour per channel, quantised to 8 bits with a scale that the whole batch decides.
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("DynamicQuantizeLinear", ["flat"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["embed"]),
    ]
    shape = ["n", 3, 128, 128]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("embed", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    data = model.SerializeToString()
    (copy_of_mini / "image.onnx").write_bytes(data)
    card = json.loads((copy_of_mini / "encoder.json").read_text())
    card["files"][0]["sha256"] = hashlib.sha256(data).hexdigest()
    edit_card(copy_of_mini, files=card["files"], dim=3)
    encoder = load_dual_encoder(f"onnx:{copy_of_mini}")
    colours = [(200, 30, 90), (3, 4, 5), (255, 255, 250), (128, 128, 129)]
    pictures = [np.full((128, 128, 3), colour, np.uint8) for colour in colours]
    alone = np.concatenate([encoder.encode_images([one]).rows for one in pictures])
    assert np.array_equal(encoder.encode_images(pictures).rows, alone)


def test_rows_have_length_one_and_carry_the_fingerprint() -> None:
    encoder = load_dual_encoder("mini")
    texts = encoder.encode_texts(["cat", "a page full of text", "žluťoučký kůň"])
    np.testing.assert_allclose(np.linalg.norm(texts.rows, axis=1), 1, atol=1e-6)
    assert texts.rows.dtype == np.float32
    assert texts.fingerprint == encoder.fingerprint


def test_nothing_in_gives_nothing_out() -> None:
    encoder = load_dual_encoder("mini")
    assert encoder.encode_texts([]).rows.shape == (0, 384)
    assert encoder.encode_images([]).rows.shape == (0, 384)


def test_onnx_reads_the_same_folder_under_its_path(copy_of_mini: Path) -> None:
    named = load_dual_encoder(f"onnx:{copy_of_mini}")
    by_card = load_dual_encoder(f"onnx:{copy_of_mini / 'encoder.json'}")
    assert named.fingerprint == by_card.fingerprint == load_encoder("mini").fingerprint
    assert np.array_equal(
        named.encode_texts(["cat"]).rows, load_dual_encoder("mini").encode_texts(["cat"]).rows
    )


def test_the_cards_hashes_and_sizes_are_those_of_the_files() -> None:
    card = load_encoder("mini").card
    for entry in card.files:
        data = (MINI_FOLDER / entry.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry.bytes, entry.sha256)
    assert card.bytes < 16_000_000


def test_a_damaged_file_is_refused(copy_of_mini: Path) -> None:
    with (copy_of_mini / "image.onnx").open("r+b") as stream:
        stream.seek(5_000_000)
        stream.write(b"damage")
    encoder = load_dual_encoder(f"onnx:{copy_of_mini}")
    with pytest.raises(ModelError, match=r"image\.onnx: sha256 must be e1021a9b3dc7…, is"):
        encoder.encode_images([np.zeros((128, 128, 3), np.uint8)])


def test_an_absent_file_is_named(copy_of_mini: Path) -> None:
    (copy_of_mini / "text.onnx").unlink()
    encoder = load_dual_encoder(f"onnx:{copy_of_mini}")
    with pytest.raises(ModelError, match=r"text\.onnx: the card names this file"):
        encoder.encode_texts(["cat"])


def test_a_file_outside_the_folder_is_refused(copy_of_mini: Path) -> None:
    card = json.loads((copy_of_mini / "encoder.json").read_text())
    card["files"][0]["name"] = "../image.onnx"
    (copy_of_mini / "encoder.json").write_text(json.dumps(card))
    encoder = load_dual_encoder(f"onnx:{copy_of_mini}")
    with pytest.raises(ModelError, match="files in the folder are needed"):
        encoder.encode_images([np.zeros((128, 128, 3), np.uint8)])


def test_a_file_that_is_no_network_is_refused(copy_of_mini: Path) -> None:
    (copy_of_mini / "image.onnx").write_bytes(b"not a graph")
    card = json.loads((copy_of_mini / "encoder.json").read_text())
    card["files"][0]["sha256"] = hashlib.sha256(b"not a graph").hexdigest()
    (copy_of_mini / "encoder.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="is no whole ONNX file"):
        load_dual_encoder(f"onnx:{copy_of_mini}").encode_images([np.zeros((128, 128, 3), np.uint8)])


def test_a_wrong_output_name_says_which_there_are(copy_of_mini: Path) -> None:
    image = load_encoder("mini").card.image
    assert image is not None
    edit_card(copy_of_mini, image={**image.model_dump(), "output": "embedding"})
    with pytest.raises(ModelError, match=r"outputs \['embed', 'feature'\]"):
        load_dual_encoder(f"onnx:{copy_of_mini}").encode_images([np.zeros((128, 128, 3), np.uint8)])


def test_a_width_that_the_card_does_not_promise_is_refused(copy_of_mini: Path) -> None:
    edit_card(copy_of_mini, dim=512)
    with pytest.raises(ModelError, match="the card promises rows of width 512"):
        load_dual_encoder(f"onnx:{copy_of_mini}").encode_texts(["cat"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "needs the file encoder.json, found none"),
        ("{", "not a valid encoder card: the whole file: Invalid JSON"),
        ('{"name": "x"}', "not a valid encoder card: source: Field required"),
        ("[]", "not a valid encoder card"),
    ],
)
def test_a_folder_without_a_valid_card_is_refused(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        OnnxEncoder(tmp_path)


def test_an_encoder_without_a_text_side_cannot_classify_by_name(copy_of_mini: Path) -> None:
    edit_card(copy_of_mini, text=None)
    assert load_encoder(f"onnx:{copy_of_mini}").card.text is None
    with pytest.raises(ModelError, match="needs an encoder with a text side"):
        load_dual_encoder(f"onnx:{copy_of_mini}")


def test_the_fingerprint_follows_what_decides_a_row_and_nothing_else() -> None:
    card = load_encoder("mini").card
    assert card.image is not None
    reworded = card.model_copy(update={"notes": "new words", "licence": "other", "name": "other"})
    sharper = card.model_copy(update={"image": card.image.model_copy(update={"resize_to": 144})})
    faster = card.model_copy(update={"precision": "int8"})
    retrained = card.model_copy(
        update={"files": (card.files[0].model_copy(update={"sha256": "0" * 64}), *card.files[1:])}
    )
    assert reworded.fingerprint == card.fingerprint
    prints = {c.fingerprint for c in (card, sharper, faster, retrained)}
    assert len(prints) == 4


def test_a_card_survives_writing_and_reading() -> None:
    card = load_encoder("mini").card
    assert EncoderCard.model_validate_json(card.model_dump_json()) == card


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("minni", "Did you mean 'mini'?"),
        ("onxx:folder", "Did you mean 'onnx:FOLDER'?"),
        ("openai/clip-vit-base-patch32", "Did you mean 'hf:openai/clip-vit-base-patch32'?"),
        ("mini:large", "Unknown encoder 'mini:large'. Did you mean 'mini'?"),
        ("synthetic:colors", "Did you mean 'synthetic:colours'?"),
        ("zzz", r"Unknown encoder 'zzz'. Known: mini, onnx:FOLDER"),
    ],
)
def test_an_unknown_name_answers_with_the_closest(name: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_encoder(name)
    assert hint in str(caught.value)


def test_the_vision_side_of_mini_gives_the_networks_own_features() -> None:
    encoder = load_encoder("mini:vision")
    pixels = np.random.default_rng(5).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    given = encoder.encode_images([pixels])
    session = onnxruntime.InferenceSession(str(MINI_FOLDER / "image.onnx"))
    batch = ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)
    (raw,) = session.run(["feature"], {session.get_inputs()[0].name: batch})
    np.testing.assert_allclose(given.raw, raw, atol=1e-4)
    np.testing.assert_allclose(given.rows, raw / np.linalg.norm(raw), atol=1e-6)
