from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from adapters.checkpoints import write_dinov2
from onnx_graphs import residual_network, runtime_answer
from sightglass.distillation.teachers.image_teachers import (
    EncoderImageTeacher,
    OnnxImageTeacher,
    PixelRange,
)
from sightglass.encoders.registry import load_encoder
from sightglass.errors import InputError, ModelError, ShapeError, UnknownNameError

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = {"features": "features", "logits": "logits", "maps": ("first", "last")}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return residual_network(tmp_path_factory.mktemp("teacher") / "net.onnx")


def crops(n: int, height: int, width: int) -> torch.Tensor:
    numbers = np.random.default_rng(4).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
    return torch.from_numpy(numbers)


def by_runtime(network: Path, pixels: np.ndarray, names: tuple[str, ...]) -> list[np.ndarray]:
    """The network's tensors for pixels of any size, by onnxruntime."""
    model = onnx.load(network)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = pixels.shape[axis]
    free = network.with_name("free.onnx")
    onnx.save(model, free)
    return runtime_answer(free, pixels.astype(np.float32), names)


def test_an_onnx_teacher_answers_at_whatever_size_the_crops_have(network: Path) -> None:
    teacher = OnnxImageTeacher(network, **ALL, dtype=torch.float32)
    for sides in ((32, 32), (24, 40), (32, 32)):
        pixels = crops(3, *sides)
        answer = teacher.answer(pixels)
        first_to_last = pixels.numpy().transpose(0, 3, 1, 2)
        names = ("features", "logits", "first", "last")
        expected = by_runtime(network, first_to_last, names)
        found = (answer.features, answer.logits, *answer.maps)
        for name, one, other in zip(names, found, expected, strict=True):
            assert one is not None
            assert one.dtype == torch.float32
            np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max(), err_msg=name)


def test_a_range_and_a_mean_are_those_of_the_network(network: Path) -> None:
    # As torchvision's networks take it: 0 to 1, then the mean and deviation of each channel.
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    teacher = OnnxImageTeacher(
        network,
        features="features",
        pixels=PixelRange(top=1.0, mean=mean, std=std),
        dtype=torch.float32,
    )
    pixels = crops(2, 32, 32)
    by_hand = ((pixels.numpy() / 255 - mean) / std).transpose(0, 3, 1, 2)
    (expected,) = by_runtime(network, by_hand, ("features",))
    np.testing.assert_allclose(teacher.answer(pixels).features, expected, atol=1e-5)


def test_rounding_leaves_rows_in_full_precision_and_maps_as_they_are(network: Path) -> None:
    answer = OnnxImageTeacher(network, **ALL).answer(crops(2, 32, 32))
    assert answer.features is not None
    assert answer.logits is not None
    assert (answer.features.dtype, answer.logits.dtype) == (torch.float32, torch.float32)
    assert [one.dtype for one in answer.maps] == [torch.bfloat16] * 2
    assert [tuple(one.shape) for one in answer.maps] == [(2, 8, 16, 16), (2, 20, 8, 8)]


def test_what_is_not_asked_for_is_not_answered(network: Path) -> None:
    answer = OnnxImageTeacher(network, logits="logits").answer(crops(1, 32, 32))
    assert answer.features is None
    assert answer.maps == ()
    assert answer.logits is not None
    with pytest.raises(InputError, match="at least one tensor to teach by"):
        OnnxImageTeacher(network)


def test_another_file_another_question_is_another_teacher(network: Path, tmp_path: Path) -> None:
    def digest(path: Path = network, **asked: object) -> str:
        return OnnxImageTeacher(path, **{**ALL, **asked}).digest  # type: ignore[arg-type]

    copy = tmp_path / "copy.onnx"
    copy.write_bytes(network.read_bytes())
    assert digest() == digest(copy)
    others = [
        digest(residual_network(tmp_path / "other.onnx", seed=1)),
        digest(maps=("last", "first")),
        digest(features=None),
        digest(dtype=torch.float32),
        digest(pixels=PixelRange(mean=(1.0, 0.0, 0.0))),
        digest(pixels=PixelRange(std=(1.0, 2.0, 1.0))),
        digest(pixels=PixelRange(top=1.0)),
    ]
    assert len({digest(), *others}) == 8


def test_tensors_of_other_axes_are_refused_by_name(network: Path) -> None:
    with pytest.raises(ModelError, match=r"two axes is needed, 'last' has shape \(1, 20, 8, 8\)"):
        OnnxImageTeacher(network, features="last").answer(crops(1, 32, 32))
    with pytest.raises(ModelError, match=r"a map of four axes is needed, 'logits'"):
        OnnxImageTeacher(network, maps=("logits",)).answer(crops(1, 32, 32))
    with pytest.raises(UnknownNameError, match="'lost'"):
        OnnxImageTeacher(network, features="lost").answer(crops(1, 32, 32))


def test_what_is_no_picture_of_8_bits_is_refused(network: Path, tmp_path: Path) -> None:
    teachers = [
        OnnxImageTeacher(network, **ALL),
        EncoderImageTeacher(load_encoder(f"hf:{write_dinov2(tmp_path / 'dino')}")),
    ]
    for teacher in teachers:
        for pixels in (crops(1, 8, 8).float(), crops(1, 8, 8).permute(0, 3, 1, 2)):
            with pytest.raises(ShapeError, match=r"crops need shape \(n, height, width, 3\)"):
                teacher.answer(pixels)
    with pytest.raises(ModelError, match=r"absent\.onnx: this teacher cannot be read"):
        OnnxImageTeacher(tmp_path / "absent.onnx", **ALL)
    with pytest.raises(InputError, match="top and std must be above 0"):
        PixelRange(std=(1.0, 0.0, 1.0))


def test_any_encoder_of_pictures_teaches_by_its_rows(tmp_path: Path) -> None:
    encoder = load_encoder(f"hf:{write_dinov2(tmp_path / 'dino')}")
    teacher = EncoderImageTeacher(encoder)
    pixels = crops(3, 40, 56)
    answer = teacher.answer(pixels)
    prepared = [encoder.prepare(Image.fromarray(one)) for one in pixels.numpy()]
    np.testing.assert_array_equal(answer.features, encoder.encode_images(prepared).rows)
    assert (answer.logits, answer.maps) == (None, ())
    assert teacher.digest == encoder.fingerprint


def test_a_student_can_learn_from_every_answer(network: Path) -> None:
    answer = OnnxImageTeacher(network, **ALL, dtype=torch.float32).answer(crops(2, 32, 32))
    assert answer.features is not None
    layer = torch.nn.Linear(20, 5)
    torch.nn.functional.mse_loss(layer(answer.features), answer.logits).backward()
    assert layer.weight.grad is not None
    assert not any(one.requires_grad or one.is_inference() for one in answer.maps)
