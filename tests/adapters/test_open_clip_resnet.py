"""CLIP with a ResNet, as open_clip publishes it: rows, card, refusals; and as a student."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

import plain_prompts.cocoop
import plain_prompts.coop
from adapters.checkpoints import CLIP_MEAN, LENGTH, clip_tokenizer, pictures, write_uneven_clip
from adapters.learned_prompts import about
from adapters.open_clip_checkpoints import (
    CONFIG,
    DIM,
    SIDE,
    TEXT,
    WEIGHTS,
    write_open_clip_resnet,
    write_open_clip_vit,
)
from adapters.paired_students import NAMES, Pair
from commands import run_python
from plain_clip import embed, text_features, unit
from plain_clip_resnet import read_plain_resnet_clip, resnet_image_features
from plain_prompts import ANSWERS, sgd
from plain_prompts.loss import kdpl
from sightglass import ZeroShotClassifier
from sightglass.distillation.losses.kdpl_loss import kdpl_loss
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.embeddings import unit_rows
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.open_clip_format import parse_open_clip
from sightglass.encoders.open_clip_network import empty_network
from sightglass.encoders.preprocess import normalise
from sightglass.encoders.prompted.hosts import HOST_NAMES, VISUAL_HOSTS
from sightglass.encoders.prompted.prompt_file import write_prompts
from sightglass.encoders.prompted.student import Student, load_student
from sightglass.errors import ModelError

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["a photo of a cat.", "dog", "A Red TRAIN, on the bridge!", "", "a very long text " * 20]
TEXT_HOSTS = tuple(name for name in HOST_NAMES if name not in VISUAL_HOSTS)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_open_clip_resnet(tmp_path_factory.mktemp("resnet"))


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


@pytest.fixture(scope="module")
def encoder(original: Path) -> HubDualEncoder:
    return dual(original)


@pytest.fixture(scope="module")
def student(original: Path) -> Student:
    return load_student(f"hf:{original}")


@pytest.fixture(scope="module")
def resnet_pair(original: Path, student: Student) -> Pair:
    return Pair(student, read_plain_resnet_clip(original), clip_tokenizer())


def dual(folder: Path, precision: str = "fp32") -> HubDualEncoder:
    made = load_hub_encoder(str(folder), precision=precision)
    assert isinstance(made, HubDualEncoder)
    assert isinstance(made, DualEncoder)
    return made


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / CONFIG).read_text())
    change(content)
    (folder / CONFIG).write_text(json.dumps(content))


def replace_tensors(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def normalised(encoder: HubDualEncoder, count: int) -> tuple[list[np.ndarray], Tensor]:
    ready = [encoder.prepare(image) for image in pictures(count)]
    assert encoder.card.image is not None
    return ready, torch.from_numpy(normalise(ready, encoder.card.image))


def random_pixels(count: int, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, SIDE, SIDE, generator=generator)


# --- rows ----------------------------------------------------------------------------------------


def test_image_rows_equal_the_plain_restatement(original: Path, encoder: HubDualEncoder) -> None:
    ready, pixels = normalised(encoder, 6)
    expected = unit(resnet_image_features(read_plain_resnet_clip(original), pixels))
    np.testing.assert_allclose(encoder.encode_images(ready).rows, expected.numpy(), atol=1e-5)
    assert (expected @ expected.T).min() < 0.9  # the pictures are told apart


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_text_rows_equal_those_of_transformers_text_tower(tmp_path: Path, quick_gelu: bool) -> None:
    folder = write_open_clip_resnet(tmp_path, quick_gelu=quick_gelu)
    theirs = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(clip_tokenizer()),
            hidden_size=TEXT["width"],
            intermediate_size=4 * TEXT["width"],
            num_hidden_layers=TEXT["layers"],
            num_attention_heads=TEXT["heads"],
            max_position_embeddings=LENGTH,
            hidden_act="quick_gelu" if quick_gelu else "gelu",
            projection_dim=DIM,
            bos_token_id=None,
            eos_token_id=clip_tokenizer().eos_token_id,
            pad_token_id=None,
        )
    ).eval()
    plain = read_plain_resnet_clip(folder).weights
    theirs.load_state_dict({name: plain[name].float() for name in theirs.state_dict()})
    inputs = clip_tokenizer()(
        TEXTS, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = theirs(input_ids=inputs["input_ids"]).text_embeds
    rows = dual(folder).encode_texts(TEXTS).rows
    np.testing.assert_allclose(rows, unit_rows(expected.numpy()), atol=1e-5)


def test_text_rows_equal_the_plain_restatement(resnet_pair: Pair, encoder: HubDualEncoder) -> None:
    ids, ends = resnet_pair.sentences(NAMES)
    clip = resnet_pair.clip
    expected = unit(text_features(clip, embed(clip, ids), ends))
    texts = [f"a photo of a {name.replace('_', ' ')}." for name in NAMES]
    np.testing.assert_allclose(encoder.encode_texts(texts).rows, expected.numpy(), atol=1e-5)


def test_rows_do_not_depend_on_their_batch(encoder: HubDualEncoder) -> None:
    ready, _ = normalised(encoder, 7)
    together = encoder.encode_images(ready).rows
    np.testing.assert_array_equal(together[::-1], encoder.encode_images(ready[::-1]).rows)
    alone = [encoder.encode_images([one]).rows for one in ready]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    texts = encoder.encode_texts(TEXTS).rows
    np.testing.assert_array_equal(texts[::-1], encoder.encode_texts(TEXTS[::-1]).rows)


def test_a_resnet_runs_in_fp32_where_bf16_is_asked_for(
    original: Path, encoder: HubDualEncoder
) -> None:
    asked = dual(original, "bf16")
    ready, _ = normalised(encoder, 3)
    assert asked.card.precision == "fp32"
    assert asked.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(
        asked.encode_images(ready).rows, encoder.encode_images(ready).rows
    )


def test_weights_in_half_precision_run_in_fp32(folder: Path) -> None:
    halve = {name: one.half() for name, one in load_file(folder / WEIGHTS).items() if one.ndim}
    replace_tensors(folder, lambda tensors: tensors.update(halve))
    encoder = dual(folder)
    ready, pixels = normalised(encoder, 2)
    expected = unit(resnet_image_features(read_plain_resnet_clip(folder), pixels))
    np.testing.assert_allclose(encoder.encode_images(ready).rows, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "sizes", "parameters"),
    [
        ((3, 4, 6, 3), (64, 224, 1024, 512), 102_007_137),
        ((3, 4, 23, 3), (64, 224, 512, 512), 119_688_033),
        ((4, 6, 10, 6), (80, 288, 640, 640), 178_300_601),
        ((6, 8, 18, 8), (96, 384, 768, 768), 290_979_217),
        ((3, 15, 36, 10), (128, 448, 1024, 1024), 623_258_305),
    ],
)
def test_the_family_has_as_many_parameters_as_the_published_models(
    layers: tuple[int, ...], sizes: tuple[int, ...], parameters: int
) -> None:
    """RN50, RN101, RN50x4, x16, x64; the numbers are those of the models that OpenAI released."""
    width, side, dim, text_width = sizes
    vision = {"layers": layers, "width": width, "image_size": side}
    text = {"width": text_width, "heads": text_width // 64, "layers": 12}
    said = {"model_cfg": {"embed_dim": dim, "vision_cfg": vision, "text_cfg": text}}
    with torch.device("meta"):
        network = empty_network(parse_open_clip("hf:org/name", said).model_cfg)
    counts = {name: tensor.numel() for name, tensor in network.state_dict().items()}
    # Of a norm, gain and shift are parameters, and the statistics are not.
    assert sum(count for name, count in counts.items() if "running" not in name) == parameters


# --- what the files say --------------------------------------------------------------------------


def test_the_card_says_what_the_files_say(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: mit\nlibrary_name: open_clip\n---\n# RN50\n")
    card = dual(folder).card
    assert (card.name, card.licence, card.dim) == (f"hf:{folder}", "mit", DIM)
    assert card.logit_scale == pytest.approx(20, rel=1e-6)  # the file has its logarithm
    assert card.image is not None
    assert (card.image.size, card.image.resize_to) == ((64, 64), 64)
    assert card.image.resize == "shortest_edge"
    assert (card.image.resample, card.image.mean) == ("bicubic", tuple(CLIP_MEAN))
    assert card.text is not None
    assert (card.text.length, card.text.pad_id) == (LENGTH, clip_tokenizer().pad_token_id)
    named = {entry.name for entry in card.files}
    assert named == {CONFIG, WEIGHTS, "tokenizer.json", "tokenizer_config.json"}


@pytest.mark.parametrize("changed", [CONFIG, WEIGHTS, "tokenizer.json"])
def test_every_file_that_decides_a_row_is_in_the_fingerprint(
    folder: Path, encoder: HubDualEncoder, changed: str
) -> None:
    assert dual(folder).fingerprint == encoder.fingerprint
    content = (folder / changed).read_bytes()
    (folder / changed).write_bytes(content[:-1] + b"\x7f" if changed == WEIGHTS else content + b" ")
    assert dual(folder).fingerprint != encoder.fingerprint


@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        ({"interpolation": "bilinear"}, {"resample": "bilinear"}),
        ({"resize_mode": "squash", "size": [3, 64, 64]}, {"resize": "exact", "resize_to": None}),
        ({"mean": [0.5, 0.5, 0.5], "size": 64, "mode": "RGB"}, {"mean": (0.5, 0.5, 0.5)}),
        ({"mean": None, "interpolation": "random", "fill_color": 0, "size": [64, 64]}, {}),
    ],
)
def test_the_preprocessing_is_read_with_clips_own_as_its_defaults(
    tmp_path: Path, encoder: HubDualEncoder, settings: dict[str, Any], differs: dict[str, Any]
) -> None:
    image = dual(write_open_clip_resnet(tmp_path, preprocessing=settings)).card.image
    assert image is not None
    assert encoder.card.image is not None
    assert image.model_dump() == encoder.card.image.model_dump() | differs


def test_a_file_without_preprocessing_is_clips(folder: Path, encoder: HubDualEncoder) -> None:
    edit(folder, lambda content: content.pop("preprocess_cfg"))
    assert dual(folder).card.image == encoder.card.image


def test_construction_needs_no_torch(original: Path, tmp_path: Path) -> None:
    done = run_python(
        "import sys\n"
        "from sightglass.encoders.hub import load_hub_encoder\n"
        f"print(load_hub_encoder({str(original)!r}).fingerprint)\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n",
        home=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == dual(original).fingerprint


# --- refusals ------------------------------------------------------------------------------------


def refused(folder: Path, message: str) -> None:
    """Loading or encoding raises one sentence-like line that holds ``message``."""
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        dual(folder).encode_texts(["cat"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "visual.layer2.1.bn3.running_var",
        "visual.attnpool.c_proj.bias",
        "transformer.resblocks.2.attn.in_proj_weight",
        "ln_final.bias",
    ],
)
def test_a_missing_weight_is_named_as_the_file_names_it(folder: Path, name: str) -> None:
    replace_tensors(folder, lambda tensors: tensors.pop(name))
    refused(folder, f"every weight of the network is needed, missing: '{name}'.")


@pytest.mark.parametrize("name", ["logit_scale", "text_projection", "positional_embedding"])
def test_a_missing_weight_that_the_card_needs_is_named(folder: Path, name: str) -> None:
    replace_tensors(folder, lambda tensors: tensors.pop(name))
    # For the last, the positions of the ResNet's pool must not pass for those of the texts.
    refused(folder, f"an open_clip_resnet model needs the weight '{name}', found none")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("visual.layer1.0.conv2.weight", (8, 8, 1, 1)),
        ("visual.attnpool.positional_embedding", (50, 256)),
        ("transformer.resblocks.0.attn.in_proj_weight", (24, 24)),
        ("transformer.resblocks.0.attn.in_proj_bias", ()),
        ("ln_final.weight", (25,)),
    ],
)
def test_a_weight_of_another_shape_is_named_with_both(
    folder: Path, name: str, shape: tuple[int, ...]
) -> None:
    replace_tensors(folder, lambda tensors: tensors.update({name: torch.ones(shape)}))
    refused(folder, f"needs a weight '{name}' that gives (")


def test_a_weight_that_clip_has_not_is_refused(folder: Path) -> None:
    extra = {"visual.layer1.0.se.weight": torch.ones(3)}
    replace_tensors(folder, lambda tensors: tensors.update(extra))
    refused(folder, "found 'visual.layer1.0.se.weight' as well.")


def test_weights_of_a_number_type_that_nobody_knows_are_refused(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content.replace(b'"F32"', b'"F99"', 1))
    with pytest.raises(ModelError, match=r"not a complete safetensors file .* Fetch it again\.$"):
        dual(folder).encode_texts(["cat"])


def test_weights_in_a_pickle_alone_are_never_opened(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.write_text, (folder / "exploded", "yes"))

    (folder / WEIGHTS).unlink()
    torch.save({"logit_scale": Bomb()}, folder / "open_clip_pytorch_model.bin")
    refused(
        folder, f"needed as {WEIGHTS}, found only open_clip_pytorch_model.bin, which is a pickle"
    )
    assert not (folder / "exploded").exists()


@pytest.mark.parametrize(
    ("part", "settings", "message"),
    [
        ((), {"custom_text": True}, "'model_cfg.custom_text' is not (not one that we follow)"),
        (("vision_cfg",), {"timm_model_name": "x"}, "'model_cfg.vision_cfg.timm_model_name'"),
        (("vision_cfg",), {"image_size": 100}, "image_size 100 is not a multiple of 32"),
        (("vision_cfg",), {"layers": [3, 4, 6]}, "'model_cfg.vision_cfg.layers."),
        (("text_cfg",), {"hf_model_name": "roberta"}, "'model_cfg.text_cfg.hf_model_name'"),
        (("text_cfg",), {"no_causal_mask": True}, "'model_cfg.text_cfg.no_causal_mask'"),
        (("text_cfg",), {"heads": 5}, "width 24 is not a multiple of heads 5"),
    ],
)
def test_settings_that_are_not_clips_are_refused(
    folder: Path, part: tuple[str, ...], settings: dict[str, Any], message: str
) -> None:
    def change(content: dict[str, Any]) -> None:
        target = content["model_cfg"]
        for key in part:
            target = target[key]
        target.update(settings)

    edit(folder, change)
    refused(folder, message)
    refused(folder, "Use a checkpoint in transformers' format.")


def test_settings_that_say_no_are_those_of_clip(folder: Path, encoder: HubDualEncoder) -> None:
    no = {"custom_text": False, "init_logit_bias": None}
    edit(folder, lambda content: content["model_cfg"].update(no))
    np.testing.assert_array_equal(
        dual(folder).encode_texts(TEXTS).rows, encoder.encode_texts(TEXTS).rows
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resize_mode": "longest"}, "'preprocess_cfg.resize_mode' is not"),
        ({"mean": [0.5]}, "'preprocess_cfg.mean"),
        ({"size": 96}, "pictures of 64 x 64, got 96 x 96. Correct open_clip_config.json."),
    ],
)
def test_preprocessing_that_we_cannot_follow_is_refused(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    refused(write_open_clip_resnet(tmp_path, preprocessing=settings), message)


def test_a_malformed_configuration_is_refused(folder: Path) -> None:
    (folder / CONFIG).write_text("{")
    refused(folder, f"{folder / CONFIG}: not valid JSON")
    (folder / CONFIG).write_text("{}")
    refused(folder, "'model_cfg' is not (Field required)")


# --- a ViT in the same format --------------------------------------------------------------------


def test_a_vit_gives_the_rows_of_the_same_weights_in_transformers_format(tmp_path: Path) -> None:
    source = write_uneven_clip(tmp_path / "transformers")
    ours, theirs = dual(write_open_clip_vit(tmp_path / "open_clip", source)), dual(source)
    assert ours.card.image == theirs.card.image
    assert ours.card.text == theirs.card.text
    assert (ours.card.dim, ours.card.logit_scale) == (theirs.card.dim, theirs.card.logit_scale)
    ready, _ = normalised(theirs, 3)
    np.testing.assert_array_equal(ours.encode_images(ready).rows, theirs.encode_images(ready).rows)
    np.testing.assert_array_equal(ours.encode_texts(TEXTS).rows, theirs.encode_texts(TEXTS).rows)
    digests = {
        load_student(f"hf:{tmp_path / form}").towers.digest()
        for form in ("transformers", "open_clip")
    }
    assert len(digests) == 1


def test_of_a_folder_with_both_forms_transformers_is_read_unless_it_is_a_pickle(
    tmp_path: Path,
) -> None:
    source = write_uneven_clip(tmp_path / "both")
    write_open_clip_vit(tmp_path / "both", source)
    assert "Hugging Face format, clip:" in dual(tmp_path / "both").card.source
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    assert "open_clip's format, open_clip:" in dual(tmp_path / "both").card.source


def test_a_configuration_of_timm_beside_open_clips_is_passed_over(
    folder: Path, encoder: HubDualEncoder
) -> None:
    (folder / "config.json").write_text('{"architecture": "resnet50_clip", "num_classes": 1024}')
    assert dual(folder).fingerprint == encoder.fingerprint


# --- as a student --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEXT_HOSTS)
def test_three_steps_towards_a_teacher_end_where_plain_arithmetic_ends(
    resnet_pair: Pair, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in (plain_prompts.coop, plain_prompts.cocoop):
        monkeypatch.setattr(module, "image_features", resnet_image_features)
    host, towers = resnet_pair.host(name), resnet_pair.student.towers
    start = {key: one.detach().double() for key, one in host.state_dict().items()}
    before = towers.digest()
    teacher = [3 * torch.randn(3, 5, generator=torch.Generator().manual_seed(s)) for s in range(3)]

    def plain_loss(prompts: dict[str, Tensor], step: int) -> Tensor:
        answer = resnet_pair.ask_plainly(name, prompts, random_pixels(3, seed=step), NAMES)
        return kdpl(teacher[step].double(), answer.logits)

    expected, losses = sgd.descend(plain_loss, start, lr=0.02, steps=3)
    optimiser = torch.optim.SGD(host.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    for step in range(3):
        answer = resnet_pair.ask(host, random_pixels(3, seed=step), NAMES)
        loss = kdpl_loss(teacher[step], answer.logits)
        assert loss.item() == pytest.approx(losses[step], abs=1e-5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for key, parameter in host.named_parameters():
        way = expected[key] - start[key]
        assert way.abs().max() > 1e-4, f"nothing is learned in {key}"
        assert (parameter.detach().double() - expected[key]).norm() < 1e-3 * way.norm(), key
    # Statistics of the norms are part of the digest.
    assert towers.digest() == before


def test_training_mode_changes_no_statistic_and_no_row(original: Path) -> None:
    towers = load_student(f"hf:{original}").towers
    pixels = random_pixels(2)
    rows, before = towers.image_rows(pixels), towers.digest()
    towers._model.train()
    towers.image_rows(5 * pixels + 3)
    assert towers.image_rows(pixels).equal(rows)
    assert towers.digest() == before


@pytest.mark.parametrize("name", TEXT_HOSTS)
def test_a_prompt_file_on_a_resnet_classifies_as_plain_arithmetic_does(
    resnet_pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    for module in (plain_prompts.coop, plain_prompts.cocoop):
        monkeypatch.setattr(module, "image_features", resnet_image_features)
    student, host = resnet_pair.student, resnet_pair.host(name)
    with torch.no_grad():
        for parameter in host.parameters():
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
            parameter.add_(noise * 0.3)
    write_prompts(tmp_path / "prompts.safetensors", host, about=about(name, student))
    names = ["cat", "red_train", "a bridge", "dog"]
    classifier = ZeroShotClassifier(names, model=f"prompts:{tmp_path}", store=None, unknown=False)
    shown = pictures(5)
    found = classifier.predict([np.asarray(image) for image in shown]).probabilities
    prepared = [classifier.encoder.prepare(image) for image in shown]
    prompts = {key: one.double() for key, one in host.state_dict().items()}
    ids, ends = resnet_pair.sentences(names)
    logits = ANSWERS[name](resnet_pair.clip, prompts, student.pixels(prepared), ids, ends).logits
    np.testing.assert_allclose(found, logits.softmax(dim=1).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", VISUAL_HOSTS)
def test_hosts_that_need_patches_are_refused_in_one_sentence(resnet_pair: Pair, name: str) -> None:
    with pytest.raises(ModelError, match=f"^{name}: this host puts tokens among the patches"):
        resnet_pair.host(name)


def test_hosts_have_as_many_parameters_as_on_rn50(tmp_path: Path) -> None:
    """They follow from the width of texts, 512, and of rows, 1,024; the rest is small here."""
    wide = {"width": 512, "heads": 8, "layers": 1}
    folder = write_open_clip_resnet(tmp_path, dim=1024, text=wide)
    pair = Pair(load_student(f"hf:{folder}"), read_plain_resnet_clip(folder), clip_tokenizer())
    counts = [sum(p.numel() for p in pair.host(name).parameters()) for name in TEXT_HOSTS]
    coop = 4 * 512
    assert counts == [coop, coop + (1024 * 64 + 64) + (64 * 512 + 512)]


def test_in_bf16_the_texts_are_rounded_and_the_pictures_are_not(
    original: Path, student: Student
) -> None:
    reduced = load_student(f"hf:{original}", precision="bf16")
    pixels = random_pixels(3)
    assert reduced.towers.image_rows(pixels).equal(student.towers.image_rows(pixels))
    rows = []
    for one in (reduced, student):
        tokens = one.tokens(NAMES)
        rows.append(one.towers.text_rows(one.towers.embed_tokens(tokens.ids), tokens.ends))
    assert rows[0].dtype == torch.float32
    assert not rows[0].equal(rows[1])
    assert torch.nn.functional.cosine_similarity(*rows).min() > 0.999
