from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.checkpoints import pictures, write_clip
from adapters.learned_prompts import about, write_learned
from commands import run_python
from sightglass import ZeroShotClassifier
from sightglass.encoders.contract import ConditionedEncoder, DualEncoder
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import HOST_NAMES, build_host
from sightglass.encoders.prompted.prompt_file import write_prompts
from sightglass.encoders.prompted.student import Student, load_student
from sightglass.encoders.prompts import ConditionedPromptsEncoder, PromptsEncoder
from sightglass.encoders.registry import load_dual_encoder, load_encoder
from sightglass.errors import InputError, ModelError, UnknownNameError
from sightglass.evaluation.yin_jiang.embedded import Encoders
from sightglass.generation.image_gate import ImageGate
from sightglass.generation.offline_book import describe_offline
from sightglass.inputs.background import BACKGROUND_WORDS
from sightglass.inputs.class_book import ClassBook, ClassEntry
from sightglass.inputs.labels import LabelSet
from sightglass.reports.tables import csv_row
from sightglass.store import Store

FIXED = tuple(name for name in HOST_NAMES if name != "cocoop")
NAMES = ["cat", "red_train", "a bridge with a very long name", "dog"]
BARE = ["cat", "red train", "a bridge with a very long name", "dog"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a student and, beside it, prompts of every host."""
    root = tmp_path_factory.mktemp("home")
    student = load_student(f"hf:{write_clip(root / 'clip')}")
    for name in HOST_NAMES:
        write_learned(root / f"{name}.safetensors", name, student)
    return root


@pytest.fixture(scope="module")
def student(home: Path) -> Student:
    return load_student(f"hf:{home / 'clip'}")


def host_of(name: str, home: Path, student: Student) -> PromptHost:
    return write_learned(home / f"{name}.safetensors", name, student)


def encoder_of(name: str, home: Path) -> PromptsEncoder:
    encoder = load_encoder(f"prompts:{home / name}.safetensors")
    assert isinstance(encoder, PromptsEncoder)
    return encoder


def forward_logits(
    host: PromptHost, student: Student, prepared: Sequence[np.ndarray], names: Sequence[str]
) -> np.ndarray:
    """What training sees: (n, n_names), in nats."""
    with torch.no_grad():
        answer = host(student.towers, student.pixels(prepared), student.tokens(names))
    return answer.logits.numpy().astype(np.float64)


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIXED)
def test_the_encoders_rows_give_the_logits_that_training_sees(
    name: str, home: Path, student: Student
) -> None:
    encoder = encoder_of(name, home)
    prepared = [encoder.prepare(image) for image in pictures(5)]
    cosines = encoder.encode_images(prepared).rows @ encoder.encode_texts(BARE).rows.T
    expected = forward_logits(host_of(name, home, student), student, prepared, NAMES)
    assert encoder.card.logit_scale is not None
    # Scores of up to 100 nats in float32.
    np.testing.assert_allclose(encoder.card.logit_scale * cosines, expected, atol=1e-4)


def test_cosines_of_cocoop_give_the_logits_that_training_sees(home: Path, student: Student) -> None:
    encoder = encoder_of("cocoop", home)
    assert isinstance(encoder, ConditionedPromptsEncoder)
    prepared = [encoder.prepare(image) for image in pictures(5)]
    rows = encoder.encode_images(prepared).rows
    expected = forward_logits(host_of("cocoop", home, student), student, prepared, NAMES)
    cosines = encoder.cosines(rows, [[name] for name in BARE])
    np.testing.assert_allclose(student.towers.logit_scale * cosines, expected, atol=1e-4)
    # Not what the context gives that no picture has shifted.
    alike = student.towers.logit_scale * rows @ encoder.encode_texts(BARE).rows.T
    assert np.abs(alike - expected).max() > 1


def test_cocoops_texts_without_a_picture_are_coops_in_its_context(
    home: Path, tmp_path: Path, student: Student
) -> None:
    conditioned = host_of("cocoop", home, student)
    plain = build_host(
        "coop", student.towers, student.context_ids(), generator=torch.Generator().manual_seed(0)
    )
    plain.load_state_dict({"context": conditioned.state_dict()["context"]})
    write_prompts(tmp_path / "coop.safetensors", plain, about=about("coop", student))
    expected = encoder_of("coop", tmp_path).encode_texts(BARE).rows
    np.testing.assert_array_equal(encoder_of("cocoop", home).encode_texts(BARE).rows, expected)


def test_prompts_that_learned_nothing_yet_are_plain_clip(
    home: Path, tmp_path: Path, student: Student
) -> None:
    fresh = build_host(
        "coop", student.towers, student.context_ids(), generator=torch.Generator().manual_seed(0)
    )
    write_prompts(tmp_path / "fresh.safetensors", fresh, about=about("coop", student))
    encoder = encoder_of("fresh", tmp_path)
    plain = load_hub_encoder(str(home / "clip"), precision="fp32")
    assert isinstance(plain, HubDualEncoder)
    prepared = [encoder.prepare(image) for image in pictures(3)]
    np.testing.assert_array_equal(prepared, [plain.prepare(image) for image in pictures(3)])
    np.testing.assert_allclose(
        encoder.encode_images(prepared).rows, plain.encode_images(prepared).rows, atol=1e-5
    )
    np.testing.assert_allclose(
        encoder.encode_texts(BARE).rows,
        plain.encode_texts([f"a photo of a {name}." for name in BARE]).rows,
        atol=1e-5,
    )


@pytest.mark.parametrize("name", HOST_NAMES)
def test_a_row_does_not_depend_on_its_neighbours(name: str, home: Path) -> None:
    encoder = encoder_of(name, home)
    prepared = [encoder.prepare(image) for image in pictures(7)]
    together = encoder.encode_images(prepared).rows
    texts = [*BARE, *(f"{word} tower" for word in BARE), "cat " * 50]
    texts_together = encoder.encode_texts(texts).rows
    for size in (1, 2, 5):
        parts = [encoder.encode_images(prepared[at : at + size]).rows for at in range(0, 7, size)]
        np.testing.assert_array_equal(together, np.concatenate(parts))
        parts = [encoder.encode_texts(texts[at : at + size]).rows for at in range(0, 9, size)]
        np.testing.assert_array_equal(texts_together, np.concatenate(parts))
    np.testing.assert_array_equal(together, encoder_of(name, home).encode_images(prepared).rows)


def test_a_cosine_depends_on_its_picture_and_its_class_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoder_of("cocoop", home)
    assert isinstance(encoder, ConditionedPromptsEncoder)
    rows = encoder.encode_images([encoder.prepare(image) for image in pictures(6)]).rows
    classes = [["cat", "dog"], ["red train"], ["a bridge with a very long name"], ["tower"]]
    together = encoder.cosines(rows, classes)
    for size in (1, 4):
        parts = [encoder.cosines(rows[at : at + size], classes) for at in range(0, 6, size)]
        np.testing.assert_array_equal(together, np.concatenate(parts))
    np.testing.assert_array_equal(together[:, ::-1], encoder.cosines(rows, classes[::-1]))
    alone = np.concatenate([encoder.cosines(rows, [one]) for one in classes], axis=1)
    np.testing.assert_array_equal(together, alone)
    # Five texts a picture: two pictures at a time instead of all six.
    monkeypatch.setattr("sightglass.encoders.prompts._ROWS_AT_A_TIME", 11)
    np.testing.assert_array_equal(together, encoder.cosines(rows, classes))


def test_no_picture_and_no_class_give_no_cosine(home: Path) -> None:
    encoder = encoder_of("cocoop", home)
    assert isinstance(encoder, ConditionedPromptsEncoder)
    assert encoder.cosines(np.empty((0, 16), np.float32), [["cat"]]).shape == (0, 1)
    assert encoder.cosines(np.ones((2, 16), np.float32), []).shape == (2, 0)
    assert encoder.encode_texts([]).rows.shape == (0, 16)
    assert encoder.encode_images([]).rows.shape == (0, 16)


# --- card ----------------------------------------------------------------------------------------


def test_only_cocoop_needs_the_picture_for_its_texts(home: Path) -> None:
    for name in HOST_NAMES:
        encoder = encoder_of(name, home)
        assert isinstance(encoder, DualEncoder)
        assert isinstance(encoder, ConditionedEncoder) == (name == "cocoop")


def test_the_card_is_the_students_with_the_prompts_beside_its_files(
    home: Path, student: Student
) -> None:
    card = encoder_of("vpt", home).card
    assert card.name == f"prompts:{home / 'vpt'}.safetensors"
    assert card.own_context
    assert [entry.name for entry in card.files[:-1]] == [e.name for e in student.card.files]
    assert card.files[-1].name == "vpt.safetensors"
    assert card.files[-1].bytes == (home / "vpt.safetensors").stat().st_size
    kept = ("dim", "logit_scale", "image", "text", "licence", "precision")
    assert card.model_dump(include=set(kept)) == student.card.model_dump(include=set(kept))
    assert card.notes == (
        "Prompts of the kind vpt, learned on 48 pictures of 2 classes from hf:somebody/teacher "
        "(loss: kdpl, epochs: 3, seed: 7). Class names go in bare."
    )


def test_every_prompt_file_has_a_fingerprint_of_its_own(
    home: Path, tmp_path: Path, student: Student
) -> None:
    found = {encoder_of(name, home).fingerprint for name in HOST_NAMES}
    assert len(found | {student.card.fingerprint}) == len(HOST_NAMES) + 1
    write_learned(tmp_path / "coop.safetensors", "coop", student, seed=1)
    assert encoder_of("coop", tmp_path).fingerprint not in found
    shutil.copy(home / "coop.safetensors", tmp_path / "renamed.safetensors")
    assert encoder_of("renamed", tmp_path).fingerprint == encoder_of("coop", home).fingerprint


# --- where the student lies ----------------------------------------------------------------------


def test_a_student_that_was_moved_along_is_found_beside_its_prompts(
    home: Path, tmp_path: Path
) -> None:
    before = encoder_of("coop", home)
    moved = tmp_path / "moved"
    shutil.copytree(home, moved)
    stored = (moved / "coop.safetensors").read_bytes()
    # The same number of letters: the header's length stays right.
    elsewhere = str(home).replace("home", "away")
    (moved / "coop.safetensors").write_bytes(stored.replace(str(home).encode(), elsewhere.encode()))
    after = encoder_of("coop", moved)
    assert after.card.source == f"prompts of coop on hf:{moved / 'clip'}"
    np.testing.assert_array_equal(
        after.encode_texts(["cat"]).rows, before.encode_texts(["cat"]).rows
    )


def test_a_relative_student_is_also_looked_for_from_the_prompt_file(
    home: Path, tmp_path: Path, student: Student
) -> None:
    shutil.copytree(home / "clip", tmp_path / "models" / "tiny")
    file = tmp_path / "mine.safetensors"
    write_learned(file, "coop", student)
    host = host_of("coop", home, student)
    write_prompts(file, host, about=about("coop", student, student="hf:models/tiny"))
    assert load_encoder(f"prompts:{file}").card.source.endswith(f"hf:{tmp_path / 'models/tiny'}")


def test_a_person_can_say_where_the_student_is(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "clip", tmp_path / "hidden" / "tiny")
    name = f"prompts:{home / 'coop.safetensors'}@hf:{tmp_path / 'hidden/tiny'}"
    found = load_encoder(name)
    assert found.card.name == name
    assert found.card.source == f"prompts of coop on hf:{tmp_path / 'hidden/tiny'}"
    assert found.fingerprint == encoder_of("coop", home).fingerprint


def test_only_the_last_at_sign_counts_and_none_where_the_whole_is_a_file(
    home: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "me@work@hf:x.safetensors"
    shutil.copy(home / "coop.safetensors", odd)
    expected = encoder_of("coop", home).fingerprint
    assert load_encoder(f"prompts:{odd}").fingerprint == expected
    assert load_encoder(f"prompts:{odd}@hf:{home / 'clip'}").fingerprint == expected


def test_a_runs_folder_stands_for_its_prompt_file(home: Path, tmp_path: Path) -> None:
    shutil.copy(home / "coop.safetensors", tmp_path / "prompts.safetensors")
    assert load_encoder(f"prompts:{tmp_path}").card.files[-1].name == "prompts.safetensors"


def test_another_checkpoint_than_the_one_learned_on_is_refused(home: Path, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other", seed=1)
    name = f"prompts:{home / 'coop.safetensors'}"
    message = "prompts fit the checkpoint that they were learned on alone, its fingerprint is"
    with pytest.raises(ModelError, match=message) as caught:
        load_encoder(f"{name}@hf:{other}")
    assert str(caught.value).endswith(f"Name its folder: {name}@hf:FOLDER.")


def test_a_folder_of_the_same_name_that_is_another_checkpoint_is_passed_over(
    home: Path, tmp_path: Path, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path("clip"), seed=1)
    shutil.copytree(home / "clip", tmp_path / "run" / "clip")
    host = host_of("coop", home, student)
    file = tmp_path / "run" / "mine.safetensors"
    write_prompts(file, host, about=about("coop", student, student="hf:clip"))
    assert load_encoder(f"prompts:{file}").card.source.endswith(f"hf:{tmp_path / 'run/clip'}")


def test_a_student_that_is_not_here_says_how_to_name_it(
    home: Path, tmp_path: Path, student: Student
) -> None:
    file = tmp_path / "mine.safetensors"
    host = host_of("coop", home, student)
    write_prompts(file, host, about=about("coop", student, student="hf:./gone/away"))
    with pytest.raises(
        ModelError, match="the student that these prompts were learned on"
    ) as caught:
        load_encoder(f"prompts:{file}")
    assert str(caught.value).endswith(f"Name its folder: prompts:{file}@hf:FOLDER.")
    assert "\n" not in str(caught.value)


def test_prompts_for_another_width_are_refused_in_one_sentence(
    home: Path, tmp_path: Path, student: Student
) -> None:
    file = tmp_path / "mine.safetensors"
    host = host_of("coop", home, student)
    write_prompts(file, host, about=about("coop", student, prefix="a photo"))
    with pytest.raises(ModelError, match=re.escape("(2, 32) as 'context', found a tensor of sha")):
        load_dual_encoder(f"prompts:{file}").encode_texts(["cat"])


@pytest.mark.parametrize("name", ["prompts:" + "x" * 5000, "prompts:a\0b", "prompts:"])
def test_a_name_that_no_file_can_have_is_one_sentence(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_encoder(name)
    assert len(str(caught.value)) < 250


def test_a_prompt_file_given_without_its_form_is_told_it(home: Path) -> None:
    file = home / "coop.safetensors"
    with pytest.raises(UnknownNameError, match=re.escape(f"Did you mean 'prompts:{file}'?")):
        load_encoder(str(file))


def test_nothing_heavy_is_imported_until_something_must_be_encoded(home: Path) -> None:
    code = (
        "import sys; from sightglass.encoders.registry import load_dual_encoder;"
        f"print(load_dual_encoder('prompts:{home / 'maple'}.safetensors').fingerprint);"
        "print([name for name in ('torch', 'transformers', 'onnxruntime') if name in sys.modules])"
    )
    done = run_python(code, home=home)
    assert done.stdout.split("\n")[:2] == [encoder_of("maple", home).fingerprint, "[]"], done.stderr


# --- classify ------------------------------------------------------------------------------------


def classifier(
    name: str, home: Path, classes: object = tuple(NAMES), **options: object
) -> ZeroShotClassifier:
    return ZeroShotClassifier(
        classes,  # type: ignore[arg-type]
        model=f"prompts:{home / name}.safetensors",
        **{"store": None, **options},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", HOST_NAMES)
def test_classify_answers_as_the_student_does_in_training(
    name: str, home: Path, student: Student
) -> None:
    images = pictures(6)
    found = classifier(name, home).predict(images).probabilities
    encoder = encoder_of(name, home)
    prepared = [encoder.prepare(image) for image in images]
    logits = forward_logits(host_of(name, home, student), student, prepared, NAMES)
    np.testing.assert_allclose(found, softmax(logits), atol=1e-4)


@pytest.mark.parametrize("name", ["maple", "cocoop"])
def test_a_class_with_two_names_is_their_unit_mean_and_the_unknown_score_compares_bare_words(
    name: str, home: Path, student: Student
) -> None:
    images = pictures(2)
    classes = LabelSet.of([("cat", "red_train"), ("dog",)])
    result = classifier(name, home, classes).predict(images)
    encoder, host = encoder_of(name, home), host_of(name, home, student)
    scale = student.towers.logit_scale
    words = ["cat", "red train", "dog", *BACKGROUND_WORDS]
    for index, image in enumerate(images):
        with torch.no_grad():
            answer = host(
                student.towers,
                student.pixels([encoder.prepare(image)]),
                student.tokens(words),
            )
        row = answer.images[0].double().numpy()
        texts = answer.texts.reshape(len(words), -1).double().numpy()
        both = (texts[0] + texts[1]) / 2
        logits = scale * np.array([both @ row / np.sqrt(both @ both), texts[2] @ row])
        expected = softmax(logits[None])[0]
        np.testing.assert_allclose(result.probabilities[index], expected, atol=1e-4)
        everyday = scale * (texts[3:] @ row).mean()
        odds = np.exp(logits.max() - everyday)
        assert result.unknown_scores[index] == pytest.approx(1 / (1 + odds / 10), abs=1e-4)


@pytest.mark.parametrize("name", ["promptsrc", "cocoop"])
def test_the_batch_size_changes_no_bit_of_an_answer(name: str, home: Path) -> None:
    images = pictures(7)
    first, *others = (
        classifier(name, home, batch_size=size).predict(images) for size in (32, 1, 3)
    )
    for other in others:
        np.testing.assert_array_equal(first.probabilities, other.probabilities)
        np.testing.assert_array_equal(first.unknown_scores, other.unknown_scores)


@pytest.mark.parametrize("name", FIXED)
def test_a_second_run_never_loads_the_network(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(pictures(5)):
        image.save(folder / f"{number}.png")
    store = tmp_path / "store.sqlite"
    first = classifier(name, home, store=store).predict(folder)

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr("sightglass.encoders.prompted.network.load_prompted", loaded)
    again = classifier(name, home, store=store).predict(folder)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    np.testing.assert_array_equal(first.unknown_scores, again.unknown_scores)
    with pytest.raises(AssertionError, match="the network was loaded"):
        classifier(name, home, ["cat", "zebra"], store=store).predict(folder)


def test_other_prompts_on_the_same_student_share_no_row_in_the_store(
    home: Path, tmp_path: Path
) -> None:
    images = pictures(3)
    store = tmp_path / "store.sqlite"
    shared = [classifier(name, home, store=store).predict(images) for name in HOST_NAMES]
    for name, one in zip(HOST_NAMES, shared, strict=True):
        alone = classifier(name, home).predict(images)
        np.testing.assert_array_equal(alone.probabilities, one.probabilities)


def test_templates_have_no_place_in_a_learned_context(home: Path) -> None:
    for prompts in ("ensemble", "a drawing of a {}"):
        with pytest.raises(InputError, match="puts class names into a context that it learned"):
            classifier("coop", home, prompts=prompts)


def test_a_class_books_sentences_do_not_go_around_the_context(home: Path) -> None:
    images = pictures(3)
    book = ClassBook(
        source="person",
        classes=(
            ClassEntry(name="cat", prompts=("a small animal that purrs",)),
            ClassEntry(name="dog", prompts=("it barks",)),
        ),
    )
    made = classifier("coop", home, book)
    np.testing.assert_array_equal(
        made.predict(images).probabilities,
        classifier("coop", home, ["cat", "dog"]).predict(images).probabilities,
    )


def test_the_runs_record_says_that_the_context_was_learned(home: Path) -> None:
    run = classifier("coop", home).predict(pictures(1)).run
    assert (run["prompts"], run["templates"], run["extra_prompts"]) == ("learned context", [], [])
    assert run["model"]["own_context"] is True
    assert run["model"]["notes"].startswith("Prompts of the kind coop")


# --- CoCoOp --------------------------------------------------------------------------------------


def test_everyday_words_are_not_paid_for_where_nothing_can_be_unknown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = ConditionedPromptsEncoder.cosines

    def counting(
        self: ConditionedPromptsEncoder, images: np.ndarray, classes: Sequence[Sequence[str]]
    ) -> np.ndarray:
        asked.append(len(classes))
        return original(self, images, classes)

    monkeypatch.setattr(ConditionedPromptsEncoder, "cosines", counting)
    with_words = classifier("cocoop", home).predict(pictures(2))
    assert sorted(asked) == [len(NAMES), len(BACKGROUND_WORDS)]
    asked.clear()
    without = classifier("cocoop", home, unknown=False).predict(pictures(2))
    assert asked == [len(NAMES)]
    np.testing.assert_array_equal(with_words.probabilities, without.probabilities)
    assert np.isnan(without.unknown_scores).all()
    row = without.predictions[0].as_row()
    assert row["unknown_score"] is None
    assert json.dumps(row, allow_nan=False)
    assert csv_row(row)[4] == ""
    # The other hosts' score costs nothing, and is reported as ever.
    assert np.isfinite(
        classifier("coop", home, unknown=False).predict(pictures(2)).unknown_scores
    ).all()


def test_with_references_cocoop_speaks_through_its_own_cosines(
    home: Path, tmp_path: Path, student: Student
) -> None:
    shown = pictures(40, seed=3)
    for number, image in enumerate(shown[:8]):
        folder = tmp_path / "references" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{number}.png")
    images = shown[8:]
    made = classifier(
        "cocoop",
        home,
        ["cat", "dog"],
        references=tmp_path / "references",
        vision_model=None,
        top_k=2,
    )
    result = made.predict(images)
    assert made.opinions is not None
    (names,) = [one for one in made.opinions.plan.used if one.name == "text_image"]
    encoder = encoder_of("cocoop", home)
    prepared = [encoder.prepare(image) for image in images]
    logits = forward_logits(host_of("cocoop", home, student), student, prepared, ["cat", "dog"])
    expected = softmax(logits / student.towers.logit_scale * names.logit_scale)
    for prediction, row in zip(result.predictions, expected, strict=True):
        assert prediction.decision is not None
        assert prediction.decision.evidence is not None
        opinions = {one.alignment: one for one in prediction.decision.evidence.opinions}
        said = dict(opinions["text_image"].top)
        assert said.get("cat", 0.0) == pytest.approx(row[0], abs=1e-4)
    again = classifier(
        "cocoop",
        home,
        ["cat", "dog"],
        references=tmp_path / "references",
        vision_model=None,
        batch_size=3,
    ).predict(images)
    np.testing.assert_array_equal(result.probabilities, again.probabilities)


def test_names_are_compared_with_each_other_in_the_context_without_a_picture(home: Path) -> None:
    encoder = encoder_of("cocoop", home)
    book = describe_offline(LabelSet.of(NAMES), encoder=encoder, store=Store(None))
    assert [entry.name for entry in book.classes] == NAMES


def test_what_needs_one_row_per_class_refuses_cocoop(home: Path) -> None:
    conditioned, fixed = encoder_of("cocoop", home), encoder_of("coop", home)
    labels = LabelSet.of(["cat", "dog"])
    with pytest.raises(InputError, match="imagine: one row per class is needed"):
        ImageGate(conditioned, labels)
    with pytest.raises(InputError, match="Suite: one row per class is needed"):
        Encoders(dual=conditioned, vision=None, store=Store(None), names="cocoop")
    assert ImageGate(fixed, labels).name == fixed.card.name
    assert Encoders(dual=fixed, vision=None, store=Store(None), names="coop").dual is fixed


def test_the_quality_gate_puts_bare_names_into_the_context(home: Path) -> None:
    encoder = encoder_of("coop", home)
    gate = ImageGate(encoder, LabelSet.of(["cat", "red_train"]))
    np.testing.assert_allclose(
        gate._classes, encoder.encode_texts(["cat", "red train"]).rows, atol=1e-6
    )
