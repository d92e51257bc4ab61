from __future__ import annotations

import copy
import io
import math
import re
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightglass.encoders.card import TextInput
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.towers.building import build_text_tower
from sightglass.encoders.towers.word_table import WordTable
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import InputError, ModelError

PIECES = ("[PAD]", "[UNK]", "a", "b", "cat", "dog", "##s", "photo", "of", "red", ".")
VOCABULARY = "\n".join(PIECES).encode()
MINI = Path(__file__).parents[4] / "src" / "sightglass" / "encoders" / "mini"


def tower(*, dim: int = 5, length: int = 8) -> WordTable:
    torch.manual_seed(0)
    made = WordTable(VOCABULARY, dim=dim, width=6, hidden=7, length=length)
    with torch.no_grad():
        # Larger than the beginnings, else all texts are nearly one.
        made.table.weight.normal_()
        made.norm.bias.normal_()
    return made.eval()


def rows(made: WordTable, texts: list[str]) -> np.ndarray:
    with torch.inference_mode():
        return made(made.tokenise(texts)).numpy()


def test_two_pieces_by_hand() -> None:
    made = WordTable(VOCABULARY, dim=2, width=3, hidden=1)
    weights = {
        "table.weight": [[9.0, 9, 9]] * 2 + [[4.0, 0, 0], [0, 4, 0]] + [[0.0, 0, 0]] * 7,
        "gate.weight": [[math.log(3) / 4, 0, 0]],
        "norm.weight": [1.0, 1, 1],
        "norm.bias": [0.0, 0, 0],
        "straight.weight": [[1.0, 0, 0], [0, 0, 1]],
        "straight.bias": [0.0, 1],
        "bent.0.weight": [[0.0, 1, 0]],
        "bent.0.bias": [0.0],
        "bent.2.weight": [[10.0], [0]],
        "bent.2.bias": [0.0, 0],
    }
    made.load_state_dict({name: torch.tensor(weight) for name, weight in weights.items()})
    # The gate's numbers for "a" and "b" are ln 3 and 0: shares 3/4 and 1/4, so the mean is
    # (3, 1, 0) with mean 4/3 and variance 14/9.
    deviation = math.sqrt(14 / 9 + 1e-5)
    normed = [(3 - 4 / 3) / deviation, (1 - 4 / 3) / deviation, (0 - 4 / 3) / deviation]
    bent = normed[1] * (1 + math.erf(normed[1] / math.sqrt(2))) / 2
    row = [normed[0] + 10 * bent, normed[2] + 1]
    length = math.hypot(*row)
    wanted = [number / length for number in row]
    for ids in ([[2, 3]], [[3, 2]], [[2, 3, 0, 0]]):
        assert made(torch.tensor(ids)).tolist()[0] == pytest.approx(wanted, abs=1e-6)


def test_texts_are_read_as_the_reader_of_encoder_folders_reads_them(tmp_path: Path) -> None:
    texts = ["Cats and DOGS", "red_cat.", "", "ünknown", "a " * 30]
    made = tower()
    path = tmp_path / "vocab.txt"
    path.write_bytes(made.vocabulary_file()[1])
    tokens = make_tokens(load_tokenizer(path), made.text_input)(texts)
    assert made.tokenise(texts).tolist() == [list(row) for row in tokens]
    # "and" and "unknown" cannot be spelled from these pieces.
    assert made.tokenise(texts[:2]).tolist() == [[4, 6, 1, 5, 6], [9, 4, 10, 0, 0]]


def test_the_bundled_models_vocabulary_and_card_fit() -> None:
    vocabulary = (MINI / "vocab.txt").read_bytes()
    made = WordTable(vocabulary, dim=4, width=4, hidden=4)
    assert made.table.num_embeddings == 12_000
    assert made.text_input == TextInput(length=24, lower_case=True, padding="max_length", pad_id=0)


TEXTS = st.lists(st.sampled_from(["cat", "dogs", "a photo of a red dog", "", "." * 9]), min_size=1)


@settings(max_examples=25)
@given(texts=TEXTS, padding=st.integers(0, 5))
def test_a_row_is_unit_and_the_same_alone_or_padded_beside_others(
    texts: list[str], padding: int
) -> None:
    made = tower()
    together = rows(made, [*texts, "a photo of a red dog"])[: len(texts)]
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-6)
    alone = np.concatenate([rows(made, [text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-6)
    ids = torch.nn.functional.pad(made.tokenise(texts), (0, padding))
    with torch.inference_mode():
        assert made(ids).numpy() == pytest.approx(alone, abs=1e-6)


def test_a_text_without_pieces_has_a_finite_row_and_gradient_and_ignores_the_pads_vector() -> None:
    made = tower()
    before = rows(made, ["", "cat"])
    assert np.isfinite(before).all()
    made(made.tokenise(["", "cat"])).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in made.parameters())
    assert not made.table.weight.grad[0].any()
    with torch.no_grad():
        made.table.weight[0] += 100
    assert np.array_equal(rows(made, ["", "cat"]), before)


def test_the_gate_decides_which_piece_counts() -> None:
    made = tower()
    with torch.no_grad():
        made.gate.weight.copy_(1e3 * (made.table.weight[4] - made.table.weight[5]))
    assert rows(made, ["cat dog"]) == pytest.approx(rows(made, ["cat"]), abs=1e-6)


def test_settings_and_vocabulary_are_enough_to_build_it_again() -> None:
    made = tower()
    name, content = made.vocabulary_file()
    assert name == "vocab.txt"
    again = build_text_tower(made.settings(), content)
    again.load_state_dict(made.state_dict())
    assert np.array_equal(rows(again.eval(), ["red cat"]), rows(made, ["red cat"]))
    assert made.settings() == {
        "kind": "word_table",
        "dim": 5,
        "width": 6,
        "hidden": 7,
        "length": 8,
    }


def test_its_graph_gives_the_same_rows_for_any_number_and_length_of_texts() -> None:
    made, file = tower(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's about its older exporter
        torch.onnx.export(
            made,
            (made.tokenise(["a cat", ""]),),
            file,
            input_names=["tokens"],
            output_names=["embed"],
            opset_version=18,
            dynamo=False,
            dynamic_axes={"tokens": {0: "n", 1: "length"}, "embed": {0: "n"}},
        )
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    for texts in (["cat"], ["", "dogs", "a photo of a red dog"], [""]):
        (given_back,) = session.run(None, {"tokens": made.tokenise(texts).numpy()})
        assert given_back == pytest.approx(rows(made, texts), abs=1e-6)


@pytest.mark.parametrize(
    "content",
    [b"", b"a\nb", b"[UNK]\n[PAD]\na", b"[PAD]\n[UNK]\na\n", b"[PAD]\n[UNK]\na\na", b"\xff\xfe"],
)
def test_what_is_no_vocabulary_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="Train the vocabulary again"):
        WordTable(content)


def test_no_vocabulary_and_a_single_text_are_refused() -> None:
    with pytest.raises(ModelError, match="a vocabulary is needed, got none"):
        build_text_tower({"kind": "word_table"})
    with pytest.raises(InputError, match=re.escape("got the text 'cat'. Put it into a list")):
        tower().tokenise("cat")
    with pytest.raises(InputError, match="must be at least 1, got 5, 6, 7 and 0"):
        tower(length=0)


def test_reduced_precision_still_gives_unit_rows_in_fp32() -> None:
    made = tower()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        reduced = made(made.tokenise(["cat", "", "a photo of a red dog"]))
    assert reduced.dtype == torch.float32
    torch.testing.assert_close(reduced.norm(dim=1), torch.ones(3), atol=1e-5, rtol=0)


def test_a_copy_for_an_averaged_teacher_reads_the_same_texts() -> None:
    made = tower()
    copied = copy.deepcopy(made)
    with torch.no_grad():
        made.table.weight.zero_()
    assert np.array_equal(rows(copied, ["red cat"]), rows(tower(), ["red cat"]))
