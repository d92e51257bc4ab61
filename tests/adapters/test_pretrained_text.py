from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from adapters.checkpoints import write_clip
from adapters.text_checkpoints import (
    WIDTH,
    write_bert,
    write_bert_of_pieces,
    write_roberta,
    write_t5,
)
from sightglass.encoders.towers.building import build_text_tower
from sightglass.encoders.towers.pretrained_text import PretrainedText
from sightglass.errors import InputError, ModelError

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["cat", "two dogs run in the snow", "A red train", "", "a photo of a cat in the snow"]
WRITERS = {"bert": write_bert, "roberta": write_roberta}


@pytest.fixture(scope="module", params=sorted(WRITERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[request.param](tmp_path_factory.mktemp(request.param))


def load(folder: Path, **settings: object) -> PretrainedText:
    made = build_text_tower({"kind": "transformers", "checkpoint": f"hf:{folder}", **settings})
    assert isinstance(made, PretrainedText)
    return made.eval()


def rows(tower: PretrainedText, texts: list[str]) -> Tensor:
    with torch.inference_mode():
        return tower(tower.tokenise(texts))


def plainly(folder: Path, pool: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Rows by transformers itself, each text alone with its padding beside it, pooled by ``pool``.

    ``pool`` is given the outputs of all 25 places and how many tokens are there.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    made = []
    for text in TEXTS:
        inputs = tokenizer(text, padding="max_length", max_length=25, return_tensors="pt")
        with torch.inference_mode():
            outputs = model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
            ).last_hidden_state[0]
        made.append(pool(outputs, int(inputs["attention_mask"].sum())))
    return torch.stack(made)


def mean_of_tokens(outputs: Tensor, there: int) -> Tensor:
    total = torch.zeros(outputs.shape[1])
    for place in range(there):
        total += outputs[place]
    mean = total / there
    return mean / mean.norm()


def test_a_row_is_the_unit_mean_over_the_tokens_as_transformers_gives_them(folder: Path) -> None:
    torch.testing.assert_close(
        rows(load(folder), TEXTS), plainly(folder, mean_of_tokens), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(
    "careless",
    [
        lambda outputs, _: outputs.mean(0) / outputs.mean(0).norm(),  # over padding too
        lambda outputs, _: outputs[0] / outputs[0].norm(),  # the first token alone
        lambda outputs, there: outputs[:there].mean(0),  # not normalised
    ],
    ids=["padding in the mean", "first token", "not unit"],
)
def test_three_careless_ways_of_pooling_are_far_from_it(
    folder: Path, careless: Callable[[Tensor, Tensor], Tensor]
) -> None:
    # METHODS.md, part C.9, mistake 11.
    assert (rows(load(folder), TEXTS) - plainly(folder, careless)).abs().max() > 0.05


def test_a_row_is_the_same_alone_or_padded_beside_a_longer_text(folder: Path) -> None:
    tower = load(folder)
    together = rows(tower, TEXTS)
    for index, text in enumerate(TEXTS):
        torch.testing.assert_close(rows(tower, [text])[0], together[index], atol=1e-6, rtol=0)


def test_padding_is_what_the_tokeniser_says(folder: Path) -> None:
    tower = load(folder)
    pad = {"bert": 0, "roberta": 1}[tower.settings()["config"]["model_type"]]
    assert tower.text_input.pad_id == pad
    ids = tower.tokenise(["cat", "a red train"])
    assert (ids == pad).tolist() == [[False, False, False, True, True], [False] * 5]


def test_long_texts_are_cut_at_60_tokens_or_at_the_models_positions_and_keep_the_last(
    folder: Path,
) -> None:
    tower = load(folder)
    # 30 positions; RoBERTa uses those from its padding's id + 1 on.
    longest = {"bert": 30, "roberta": 28}[tower.settings()["config"]["model_type"]]
    assert tower.text_input.length == longest
    ids = tower.tokenise(["cat " * 100])
    assert ids.shape == (1, longest)
    assert ids[0, -1] == tower.tokenise(["cat"])[0, -1]
    assert rows(tower, ["cat " * 100]).isfinite().all()
    assert load(folder, length=6).tokenise(["cat " * 100]).shape == (1, 6)


def test_sixty_tokens_are_the_most_where_positions_have_no_end(tmp_path: Path) -> None:
    tower = load(write_t5(tmp_path))
    assert tower.text_input.length == 60
    assert tower.tokenise(["cat " * 100]).shape == (1, 60)
    torch.testing.assert_close(rows(tower, TEXTS), plainly_t5(tmp_path), atol=1e-6, rtol=0)
    again = build_text_tower(tower.settings(), tower.vocabulary_file()[1])
    again.load_state_dict(tower.state_dict())
    assert torch.equal(rows(again.eval(), TEXTS), rows(tower, TEXTS))


def plainly_t5(folder: Path) -> Tensor:
    from transformers import T5EncoderModel

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = T5EncoderModel.from_pretrained(folder).eval()
    made = []
    for text in TEXTS:
        ids = tokenizer(text, return_tensors="pt", padding=False)["input_ids"]
        with torch.inference_mode():
            outputs = model(input_ids=ids).last_hidden_state[0]
        made.append(mean_of_tokens(outputs, len(outputs)))
    return torch.stack(made)


def test_a_linear_layer_is_there_only_where_widths_differ(folder: Path) -> None:
    same, other = load(folder), load(folder, dim=WIDTH + 3)
    assert same.dim == WIDTH
    assert not [name for name in same.state_dict() if "projection" in name]
    assert same.settings() == load(folder, dim=WIDTH).settings()
    assert other.projection.weight.shape == (WIDTH + 3, WIDTH)
    made = rows(other, TEXTS)
    torch.testing.assert_close(made.norm(dim=1), torch.ones(len(TEXTS)))


def test_settings_and_tokeniser_rebuild_it_where_the_checkpoint_is_gone(
    folder: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "gone"))
    tower = load(copied, dim=7)
    settings = json.loads(json.dumps(tower.settings()))
    name, content = tower.vocabulary_file()
    assert (name, content) == ("tokenizer.json", (folder / "tokenizer.json").read_bytes())
    assert str(tmp_path) not in json.dumps(settings)
    shutil.rmtree(copied)
    again = build_text_tower(settings, content)
    again.load_state_dict(tower.state_dict())
    assert torch.equal(rows(again.eval(), TEXTS), rows(tower, TEXTS))
    assert again.settings() == tower.settings()


def test_every_parameter_is_trained_and_dropout_is_the_checkpoints(folder: Path) -> None:
    tower = load(folder, dim=7).train()
    ids = tower.tokenise(TEXTS)
    first, second = tower(ids), tower(ids)
    assert not torch.equal(first, second)
    (first @ torch.randn(7)).sum().backward()
    assert [name for name, p in tower.named_parameters() if p.grad is None] == []


def test_a_text_without_any_token_gives_no_nan(folder: Path) -> None:
    tower = load(folder)
    ids = torch.full((2, 4), tower.text_input.pad_id)
    ids[1, :3] = tower.tokenise(["cat"])[0]
    made = tower(ids)
    assert made.isfinite().all()
    torch.testing.assert_close(made[1], rows(tower, ["cat"])[0], atol=1e-6, rtol=0)


def test_a_configuration_gives_random_weights_in_fp32(folder: Path) -> None:
    tower = load(folder)
    config = tower.settings()["config"] | {"dtype": "float16"}
    torch.manual_seed(3)
    fresh = build_text_tower(
        {"kind": "transformers", "config": config, "dim": 9}, tower.vocabulary_file()[1]
    )
    assert {parameter.dtype for parameter in fresh.parameters()} == {torch.float32}
    assert fresh.text_input == tower.text_input
    assert not torch.equal(rows(fresh.eval(), TEXTS)[:, :7], rows(tower, TEXTS)[:, :7])


def test_pickled_weights_are_never_opened(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "pickled"))
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match="a pickle and is never opened"):
        load(copied)


def test_a_torn_file_and_a_missing_weight_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copied = Path(shutil.copytree(folder, tmp_path / "torn"))
    path = copied / "model.safetensors"
    weights = load_file(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        load(copied)
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    del weights[name]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=re.escape("missing: embeddings.word_embeddings.weight")):
        load(copied)


def test_a_folder_without_a_tokeniser_says_what_to_save(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "bare"))
    (copied / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"Save the model's tokeniser there: tokenizer\.json"):
        load(copied)


def test_a_tokeniser_in_its_older_form_gives_the_same_rows(tmp_path: Path) -> None:
    plain, older = write_bert_of_pieces(tmp_path / "plain"), tmp_path / "older"
    shutil.copytree(plain, older)
    vocabulary = json.loads((plain / "tokenizer.json").read_text())["model"]["vocab"]
    (older / "tokenizer.json").unlink()
    (older / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    tower = load(older)
    assert torch.equal(rows(tower, TEXTS), rows(load(plain), TEXTS))
    again = build_text_tower(tower.settings(), tower.vocabulary_file()[1])
    assert torch.equal(again.tokenise(TEXTS), tower.tokenise(TEXTS))


def test_models_of_pictures_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="of a text encoder is needed, got one of type 'clip'"):
        load(write_clip(tmp_path / "clip"))
    with pytest.raises(ModelError, match=r"a model's folder needs config\.json"):
        load(tmp_path)
    with pytest.raises(ModelError, match="cannot build a model of type 'no-such'"):
        build_text_tower({"kind": "transformers", "config": {"model_type": "no-such"}}, b"{}")


def test_a_tokeniser_of_another_model_and_no_tokeniser_are_refused(tmp_path: Path) -> None:
    folder = write_bert(tmp_path)
    tower = load(folder)
    config = tower.settings()["config"] | {"vocab_size": 5}
    content = tower.vocabulary_file()[1]
    with pytest.raises(ModelError, match="a bert model for 5 tokens"):
        build_text_tower({"kind": "transformers", "config": config}, content)
    with pytest.raises(ModelError, match=r"a tokenizer\.json is needed beside a config"):
        build_text_tower({"kind": "transformers", "config": config})
    with pytest.raises(ModelError, match=r"the content of a tokenizer\.json is needed"):
        build_text_tower(tower.settings(), b"[PAD]\n[UNK]")
    with pytest.raises(InputError, match="got neither"):
        build_text_tower({"kind": "transformers"})
    with pytest.raises(InputError, match="got both"):
        load(folder, config=config)


def test_a_text_encoder_in_the_hubs_cache_is_found_without_a_connection(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The layout of the hub client's cache.
    revision = "0" * 40
    repository = tmp_path / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    shutil.copytree(folder, repository / "snapshots" / revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    tower = build_text_tower({"kind": "transformers", "checkpoint": "hf:someone/tiny"})
    assert torch.equal(rows(tower.eval(), TEXTS), rows(load(folder), TEXTS))
    with pytest.raises(ModelError, match="hf:someone/other: the model is not on this machine"):
        build_text_tower({"kind": "transformers", "checkpoint": "hf:someone/other"})
