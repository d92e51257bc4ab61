from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from adapters.small_students import (
    DIM,
    SIDE,
    small_student,
    use_small_graphs,
    write_small_student,
)
from sightglass.distillation.export import export as exporting
from sightglass.distillation.export import graphs
from sightglass.distillation.export.export import Label, export, verify
from sightglass.distillation.export.parity_limits import Precisions
from sightglass.distillation.export.weights import reduce_weights
from sightglass.encoders.golden import check_golden
from sightglass.encoders.onnx import OnnxEncoder
from sightglass.encoders.registry import load_dual_encoder
from sightglass.encoders.towers.contract import ImageAnswer, ImageTower
from sightglass.errors import InputError, ModelError, ResultsError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_student(tmp_path_factory.mktemp("students") / "pupil")


@pytest.fixture(scope="module")
def exported(student: Path, one_thread: None) -> Path:
    label = Label(name="pupil", licence="CC0-1.0", notes="Knows nothing.")
    with pytest.MonkeyPatch.context() as patch:
        use_small_graphs(patch)
        return export(str(student), student.parent / "exported", label=label).folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs that were made before: making them is what takes seconds."""
    use_small_graphs(monkeypatch)


def squares() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(5)]


def answer_in_torch(pictures: list[np.ndarray]) -> ImageAnswer:
    """The student asked directly, with mean and deviation 0.5 as its settings say."""
    pixels = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        return small_student().image(pixels)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_export_gives_the_students_rows_without_torch(exported: Path) -> None:
    encoder = load_dual_encoder(f"onnx:{exported}")
    wanted = answer_in_torch(squares())
    rows = encoder.encode_images([encoder.prepare(Image.fromarray(one)) for one in squares()]).rows
    np.testing.assert_allclose(rows, wanted.embeddings.numpy(), atol=1e-5)
    vision = OnnxEncoder(exported, card_name="vision.json")
    features = wanted.features.numpy()
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(vision.encode_images(squares()).rows, features, atol=1e-5)
    texts = ["a photo of a cat", "", "Ünknown_words, 7 of them; and many more than fit in there"]
    with torch.no_grad():
        wanted_texts = small_student().text_rows(texts).numpy()
    np.testing.assert_allclose(encoder.encode_texts(texts).rows, wanted_texts, atol=1e-5)


def test_the_card_says_what_the_student_and_the_person_say(exported: Path) -> None:
    card = OnnxEncoder(exported).card
    assert (card.name, card.licence, card.notes) == ("pupil", "CC0-1.0", "Knows nothing.")
    assert (card.dim, card.logit_scale) == (DIM, 12.5)
    assert card.image is not None
    assert card.text is not None
    assert (card.image.size, card.image.output, card.text.length) == ((SIDE, SIDE), "embed", 12)
    assert {entry.role for entry in card.files} == {"image", "text", "vocabulary"}


def test_golden_vectors_of_an_export_hold_and_notice_another_row(exported: Path) -> None:
    encoder = OnnxEncoder(exported)
    checks = check_golden(encoder)
    assert [check.passed for check in checks] == [True, True, True]
    assert check_golden(OnnxEncoder(exported, card_name="vision.json"))[0].passed
    first = encoder.card.golden[0]
    moved = first.model_copy(update={"starts": (first.starts[0] + 2e-4, *first.starts[1:])})
    encoder._card = encoder.card.model_copy(update={"golden": (moved,)})
    assert not check_golden(encoder)[0].passed


def test_graphs_hold_no_batch_normalisation_and_no_word_of_the_machine(exported: Path) -> None:
    for name in ("image.onnx", "text.onnx"):
        model = onnx.load(exported / name)
        assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
        assert model.opset_import[0].version == 18
        whole = (exported / name).read_bytes()
        assert b".py" not in whole
        assert b"stack_trace" not in whole


def test_the_same_student_gives_the_same_graph_again(student: Path, exported: Path) -> None:
    again = graphs.text_graph(small_student().text, where="again")
    assert again.SerializeToString() == (exported / "text.onnx").read_bytes()


def test_any_number_of_pictures_goes_through_the_graph_at_once(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported / "image.onnx")
    pixels = np.random.default_rng(0).standard_normal((7, 3, SIDE, SIDE)).astype(np.float32)
    together = session.run(["embed"], {"image": pixels})[0]
    for at in range(7):
        alone = session.run(["embed"], {"image": pixels[at : at + 1]})[0]
        np.testing.assert_allclose(together[at : at + 1], alone, atol=1e-6)


@pytest.mark.usefixtures("quick")
def test_fewer_bits_make_smaller_files_and_nearly_the_same_rows(
    student: Path, exported: Path, tmp_path: Path
) -> None:
    whole = (exported / "image.onnx").stat().st_size
    wanted = answer_in_torch(squares()).embeddings.numpy()
    for precision, most, least in (("fp16", 0.6, 0.99999), ("int8", 0.45, 0.999)):
        made = export(
            str(student),
            tmp_path / precision,
            precisions=Precisions(image=precision, text="int8", min_top_1=0.9),
        )
        assert made.sizes["image.onnx"] < most * whole
        assert made.sizes["text.onnx"] < 0.5 * (exported / "text.onnx").stat().st_size
        rows = OnnxEncoder(made.folder).encode_images(squares()).rows
        assert (rows * wanted).sum(axis=1).min() > least
    record = json.loads((tmp_path / "int8" / "parity.json").read_text())
    assert record["precisions"]["image"] == "int8"
    assert record["failures"] == []
    assert verify(str(student), tmp_path / "int8").precisions.min_top_1 == 0.9


def damage(model: onnx.ModelProto, precision: Any) -> onnx.ModelProto:
    """A fiftieth of one weight, as a wrong converter or a bad disk would."""
    damaged = reduce_weights(model, precision)
    tensor = max(damaged.graph.initializer, key=lambda one: len(one.raw_data))
    array = onnx.numpy_helper.to_array(tensor).copy()
    array.flat[: array.size // 50] += 1
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return damaged


@pytest.mark.usefixtures("quick")
def test_weights_damaged_between_export_and_comparison_leave_nothing_behind(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "reduce_weights", damage)
    with pytest.raises(ModelError, match=r"no entry of the pictures' rows may differ by more than"):
        export(str(student), tmp_path / "out")
    assert leftovers(tmp_path) == []


@pytest.mark.usefixtures("quick")
def test_an_earlier_export_is_replaced_whole_or_left_as_it_was(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(str(student), out, precisions=Precisions(image="fp16"))
    before = contents(out)
    with monkeypatch.context() as damaged:
        damaged.setattr(exporting, "reduce_weights", damage)
        with pytest.raises(ModelError):
            export(str(student), out)
    assert contents(out) == before
    export(str(student), out)
    after = contents(out)
    assert after.keys() == before.keys()
    assert after["image.onnx"] != before["image.onnx"]
    assert leftovers(tmp_path) == ["out"]


@pytest.mark.usefixtures("quick")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sightglass.whole_files.os.fsync", full)
    with pytest.raises(ResultsError, match=r"cannot be written \(No space left on device\)"):
        export(str(student), tmp_path / "out")
    assert leftovers(tmp_path) == []


@pytest.mark.usefixtures("quick")
def test_a_vocabulary_of_another_student_is_noticed(
    student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_type = type(small_student().text)
    name, content = small_student().text.vocabulary_file()
    swapped = content.replace(b"photo\ncat", b"cat\nphoto")
    monkeypatch.setattr(text_type, "vocabulary_file", lambda _: (name, swapped))
    with pytest.raises(ModelError, match=r"the texts' least cosine must be at least 0\.99999"):
        export(str(student), tmp_path / "out")
    assert leftovers(tmp_path) == []


@pytest.mark.usefixtures("quick")
def test_a_verification_notices_another_student_and_another_preparation(
    student: Path, exported: Path, tmp_path: Path
) -> None:
    assert verify(str(student), exported).failures == ()
    other = write_small_student(tmp_path / "other", seed=1)
    assert len(verify(str(other), exported).failures) >= 4
    path = tmp_path / "out"
    export(str(student), path)
    card = json.loads((path / "encoder.json").read_text())
    card["image"]["resize"] = "exact"  # instead of cropping
    (path / "encoder.json").write_text(json.dumps(card))
    found = verify(str(student), path)
    assert any("the pictures' least cosine" in failure for failure in found.failures)
    assert not any("texts'" in failure for failure in found.failures)


@pytest.mark.usefixtures("quick")
def test_a_student_of_pictures_alone_answers_with_its_feature(tmp_path: Path) -> None:
    student = write_small_student(tmp_path / "student", texts=False)
    made = export(str(student), tmp_path / "out")
    assert sorted(contents(made.folder)) == ["encoder.json", "image.onnx", "parity.json"]
    encoder = OnnxEncoder(made.folder)
    assert (encoder.card.dim, encoder.card.logit_scale, encoder.card.text) == (1280, None, None)
    features = small_student(texts=False).image(torch.zeros(1, 3, SIDE, SIDE)).features
    grey = np.full((SIDE, SIDE, 3), 127.5)
    row = OnnxEncoder(made.folder).encode_images([grey]).rows
    unit = (features / features.norm()).detach().numpy()
    np.testing.assert_allclose(row, unit, atol=1e-5)


class Plain(ImageTower):
    """Three numbers per picture, by a rule that tests choose."""

    dim, feature_dim = 3, 0
    image_input = small_student().image.image_input

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(3))

    def rule(self, means: torch.Tensor) -> torch.Tensor:
        return means

    def forward(self, pixels: torch.Tensor) -> ImageAnswer:
        rows = self.rule(pixels.mean((2, 3))) @ self.weight + 0.1
        return ImageAnswer(torch.nn.functional.normalize(rows, dim=1), rows)

    def settings(self) -> dict[str, Any]:
        return {}


class Branching(Plain):
    def rule(self, means: torch.Tensor) -> torch.Tensor:
        return means if means.sum() > 0 else -means


class Neighbourly(Plain):
    def rule(self, means: torch.Tensor) -> torch.Tensor:
        return means - means.mean(0)


def test_a_tower_that_decides_in_python_is_refused() -> None:
    with pytest.raises(ModelError, match="must not decide in Python by what is in a tensor"):
        graphs.image_graph(Branching(), ("embed",), where="student")


def test_a_tower_whose_rows_depend_on_their_neighbours_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightglass.distillation.export.subject import Subject

    subject = Subject(
        given="s", source="s", licence="l", image=Neighbourly(), text=None, logit_scale=None
    )
    monkeypatch.setattr(exporting, "read_subject", lambda _: subject)
    with pytest.raises(ModelError, match=r"an export must give the student's rows"):
        export("s", tmp_path / "out")
    assert leftovers(tmp_path) == []


def test_a_weight_that_is_no_number_is_refused(tmp_path: Path) -> None:
    student = write_small_student(tmp_path / "student")
    about = json.loads((student / "student.json").read_text())
    from hashlib import sha256

    from safetensors.torch import load, save

    tensors = load((student / "student.safetensors").read_bytes())
    tensors["image.anchors"][0, 0] = torch.nan  # a buffer, which is no parameter
    damaged = save(tensors)
    (student / "student.safetensors").write_bytes(damaged)
    about["sha256"]["student.safetensors"] = sha256(damaged).hexdigest()
    (student / "student.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match=r"finite"):
        export(str(student), tmp_path / "out")
    assert leftovers(tmp_path) == ["student"]


def test_a_folder_without_a_student_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needs the file student\.json, found none"):
        export(str(tmp_path), tmp_path / "out")


def test_a_folder_with_foreign_files_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"this one holds 'thesis\.txt'"):
        export("no such student", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
