"""The suite's real learner, on tiny checkpoints: what it trains, keeps, and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.checkpoints import write_clip
from sightglass.encoders.hub import load_hub_encoder
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.prompt_file import fill_host, read_prompts
from sightglass.encoders.prompted.student import load_student
from sightglass.errors import EvaluationError
from sightglass.evaluation.kdpl.learner import DistillingLearner, open_learner

NAMES = ("cat", "dog", "red train", "tower", "bridge")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_clip(folder / "student", seed=1)
    write_clip(folder / "teacher", seed=2)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = []
    for number in range(6):
        paths.append(str(folder / f"{number}.png"))
        pixels = rng.integers(0, 256, (40, 44, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(paths[-1])
    return paths


def learner(models: Path, out: Path, said: list[str] | None = None) -> DistillingLearner:
    (out / "words.txt").write_text("cat\ndog\nbridge\nphoto\nred\ntower\n", encoding="utf-8")
    return open_learner(
        student=f"hf:{models / 'student'}",
        teacher=f"hf:{models / 'teacher'}",
        hosts=("coop", "vpt"),
        vocabulary=str(out / "words.txt"),
        folder=out,
        batch_size=4,
        store=None,
        say=(said if said is not None else []).append,
    )


def learn(one: DistillingLearner, pictures: list[str], host: str, loss: str, **other: object):
    options = {
        "teacher_template": "a photo of a {}.",
        "seed": 1,
        "setting": "base_to_novel",
        **other,
    }
    labels = [0, 1, 2, 3, 4, 0] if loss == "cross_entropy" else None
    names = () if loss == "kdpl_ca" else NAMES
    return one.learn(host, loss, pictures, labels, names, **options)


def plain_scores(rows: np.ndarray, texts: np.ndarray, scale: float) -> np.ndarray:
    logits = scale * rows.astype(np.float64) @ texts.astype(np.float64).T
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_zero_shot_scores_are_those_of_the_template(
    models: Path, pictures: list[str], tmp_path: Path
) -> None:
    found = learner(models, tmp_path).zero_shot("teacher", pictures, NAMES, "{} texture.")
    encoder = load_hub_encoder(str(models / "teacher"), precision="fp32")
    seen = [encoder.prepare(Image.open(path).convert("RGB")) for path in pictures]
    texts = encoder.encode_texts([f"{name} texture." for name in NAMES])
    scale = encoder.card.logit_scale
    expected = plain_scores(encoder.encode_images(seen).rows, texts.rows, scale)
    # The learner's own encoder may run in bf16.
    np.testing.assert_allclose(found, expected, atol=0.5)
    assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


@pytest.mark.parametrize("loss", ["kdpl", "kdpl_ca", "cross_entropy"])
def test_a_learned_student_scores_as_its_prompts_do(
    models: Path, pictures: list[str], tmp_path: Path, loss: str
) -> None:
    learned = learn(learner(models, tmp_path), pictures, "vpt", loss)
    found = learned.logits(pictures, NAMES)
    (file,) = (tmp_path / "prompts").glob("*/prompts.safetensors")
    student = load_student(f"hf:{models / 'student'}")
    host = build_host(
        "vpt", student.towers, student.context_ids(), generator=torch.Generator().manual_seed(9)
    )
    fill_host(host, read_prompts(file), where="test")
    with torch.no_grad():
        seen = [load_prepared(student, path) for path in pictures]
        answer = host(student.towers, student.pixels(seen), student.tokens(NAMES))
    expected = answer.logits.log_softmax(dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert read_prompts(file).about.loss == ("kdpl" if loss == "kdpl_ca" else loss)


def load_prepared(student, path: str) -> np.ndarray:
    from sightglass.encoders.preprocess import prepare

    return prepare(Image.open(path).convert("RGB"), student.image_input)


def test_promptsrc_has_the_depth_and_the_average_of_its_setting(
    models: Path, pictures: list[str], tmp_path: Path
) -> None:
    one = learner(models, tmp_path)
    learn(one, pictures, "promptsrc", "kdpl", setting="cross_dataset")
    (file,) = (tmp_path / "prompts").glob("*/run.json")
    text = file.read_text(encoding="utf-8")
    # Source: METHODS B.4, depth 3 and (6, 10) across data sets.
    assert '"depth": 3' in text
    assert '"average_mean": 6.0' in text
    assert '"average_std": 10.0' in text


def test_a_training_that_is_done_is_not_done_again(
    models: Path, pictures: list[str], tmp_path: Path
) -> None:
    first = learn(learner(models, tmp_path), pictures, "maple", "kdpl").logits(pictures, NAMES)
    (file,) = (tmp_path / "prompts").glob("*/prompts.safetensors")
    before = file.read_bytes()
    checkpoint = file.with_name("checkpoint.safetensors").stat().st_mtime_ns
    again = learn(learner(models, tmp_path), pictures, "maple", "kdpl").logits(pictures, NAMES)
    assert file.read_bytes() == before
    assert file.with_name("checkpoint.safetensors").stat().st_mtime_ns == checkpoint
    assert np.array_equal(first, again)
    learn(learner(models, tmp_path), pictures, "maple", "kdpl", seed=2)
    assert len(list((tmp_path / "prompts").glob("*/prompts.safetensors"))) == 2


def test_two_classes_of_one_name_have_equal_scores(
    models: Path, pictures: list[str], tmp_path: Path
) -> None:
    one = learner(models, tmp_path)
    names = ("cat", "dog", "Cat")
    found = one.zero_shot("student", pictures, names, "a photo of a {}.")
    without = one.zero_shot("student", pictures, names[:2], "a photo of a {}.")
    assert np.array_equal(found[:, [0, 1, 0]], found)
    assert np.array_equal(found[:, :2], without)
    learned = one.learn(
        "vpt",
        "kdpl",
        pictures,
        None,
        ("cat", "dog", "cat"),
        teacher_template="a photo of a {}.",
        seed=1,
        setting="cross_dataset",
    )
    assert learned.logits(pictures, ("cat", "dog", "cat")).shape == (6, 3)


def test_a_picture_that_cannot_be_used_ends_the_evaluation_with_its_name(
    models: Path, pictures: list[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(EvaluationError, match=r"bad\.png: every test picture is needed"):
        learner(models, tmp_path).zero_shot(
            "student", [*pictures, str(bad)], NAMES, "a photo of a {}."
        )
