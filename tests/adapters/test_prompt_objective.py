from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize
from transformers import CLIPModel

import kdpl_oracle
from adapters.checkpoints import CLIP_MEAN, CLIP_STD, SIDE
from adapters.small_training import NAMES, SmallTraining, same_bits, weights_of
from sightglass.distillation.prompts.known_classes import classes_for
from sightglass.distillation.prompts.objective import Classes, kdpl_objective, supervised_objective
from sightglass.distillation.training_pictures import PictureBatch, usable_pictures
from sightglass.encoders.prompted.host import PromptHost
from sightglass.encoders.prompted.hosts import HOST_NAMES
from sightglass.errors import InputError, ShapeError

# The worked example of the selection. Mean probabilities 0.206, 0.255, 0.194, 0.177, 0.169; mean
# logits 5, 7.55, 3, 5.45, 4.9.
EXAMPLE = [[10.0, 9.5, 0.0, 5.0, 9.8], [0.0, 5.6, 6.0, 5.9, 0.0]]


@dataclass(frozen=True)
class Told:
    """A teacher whose logits are written down; remembers what it was shown."""

    rows: np.ndarray
    seen: list[PictureBatch] = field(default_factory=list)
    name: str = "told"

    @property
    def n_classes(self) -> int:
        return self.rows.shape[1]

    def logits(self, batch: PictureBatch, *, logit_scale: float) -> np.ndarray:
        assert logit_scale == pytest.approx(100, rel=1e-4)
        self.seen.append(batch)
        return self.rows[: len(batch.indices)].astype(np.float32)


@pytest.fixture(scope="module")
def small(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> SmallTraining:
    return SmallTraining.make(tmp_path_factory.mktemp("objective"), pictures=6)


def batch_of(count: int, *, seed: int = 0) -> PictureBatch:
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return PictureBatch(indices=np.arange(count), crops=tuple(crops))


def pixels_of(batch: PictureBatch) -> torch.Tensor:
    mean, std = np.array(CLIP_MEAN), np.array(CLIP_STD)
    planes = [((crop / 255 - mean) / std).transpose(2, 0, 1) for crop in batch.crops]
    return torch.from_numpy(np.stack(planes).astype(np.float32))


def answer_of(
    small: SmallTraining, host: PromptHost, batch: PictureBatch, names: Sequence[str]
) -> dict[str, list[list[float]]]:
    """What the student says of these classes alone, as numbers."""
    with torch.no_grad():
        answer = host(small.student.towers, pixels_of(batch), small.student.tokens(names))
    texts = answer.texts if answer.texts.ndim == 2 else answer.texts[0]
    return {
        "logits": answer.logits.tolist(),
        "images": answer.images.tolist(),
        "texts": texts.tolist(),
    }


def held_back(
    small: SmallTraining, host: PromptHost, batch: PictureBatch, chosen: list[int]
) -> float:
    """PromptSRC's second part of the loss, by transformers' network and plain loops."""
    if host.name != "promptsrc":
        return 0.0
    network = CLIPModel.from_pretrained(small.folder / "student").eval()
    texts = small.classes(host).frozen_rows[chosen]
    with torch.no_grad():
        seen = network.get_image_features(pixel_values=pixels_of(batch)).pooler_output
        images = normalize(seen, dim=1)
        logits = network.logit_scale.exp() * images @ texts.T
    said = answer_of(small, host, batch, [NAMES[i] for i in chosen])
    return kdpl_oracle.promptsrc_regulariser(
        student_texts=said["texts"],
        frozen_texts=texts.tolist(),
        student_images=said["images"],
        frozen_images=images.tolist(),
        student_logits=said["logits"],
        frozen_logits=logits.tolist(),
    )


@pytest.mark.parametrize("name", HOST_NAMES)
@pytest.mark.parametrize("top_k", [None, 3])
def test_the_loss_is_that_of_plain_loops_over_the_same_classes_on_both_sides(
    small: SmallTraining, name: str, top_k: int | None
) -> None:
    host, batch = small.host(name), batch_of(4)
    teacher = Told(np.random.default_rng(1).normal(0, 3, (4, 5)).round(2))
    objective = kdpl_objective(host, small.student, small.classes(host), teacher, top_k=top_k)
    rows = teacher.rows.tolist()
    chosen = kdpl_oracle.selected(rows, top_k or 5)
    said = answer_of(small, host, batch, [NAMES[i] for i in chosen])
    expected = kdpl_oracle.kdpl_loss([[row[i] for i in chosen] for row in rows], said["logits"])
    expected += held_back(small, host, batch, chosen)
    assert float(objective(batch).detach()) == pytest.approx(expected, rel=2e-5)
    assert teacher.seen == [batch]


def loss_over(
    small: SmallTraining, host: PromptHost, batch: PictureBatch, told: list[int], said: list[int]
) -> float:
    """The divergence of the example, with these columns of each side against each other."""
    student = answer_of(small, host, batch, [NAMES[i] for i in said])["logits"]
    return kdpl_oracle.kdpl_loss([[row[i] for i in told] for row in EXAMPLE], student)


def test_classes_are_chosen_once_per_batch_by_mean_probability_of_the_teacher(
    small: SmallTraining,
) -> None:
    host, batch = small.host("coop"), batch_of(2)
    teacher = Told(np.array(EXAMPLE))
    objective = kdpl_objective(host, small.student, small.classes(host), teacher, top_k=2)
    found = float(objective(batch).detach())
    assert found == pytest.approx(loss_over(small, host, batch, [0, 1], [0, 1]), rel=2e-5)
    # By mean logit it were 1 and 3, by the first picture alone 0 and 4, by the second 2 and 3.
    for other in ([1, 3], [0, 4], [2, 3]):
        assert abs(found - loss_over(small, host, batch, other, other)) > 0.1
    # Nor are the columns of one side in another order, nor those of each side's own choice.
    student = answer_of(small, host, batch, NAMES)["logits"]
    for other in ([1, 0], kdpl_oracle.selected(student, 2)):
        assert other != [0, 1]
        assert abs(found - loss_over(small, host, batch, [0, 1], other)) > 0.1


@pytest.mark.parametrize("name", HOST_NAMES)
def test_keeping_all_classes_changes_no_bit(small: SmallTraining, name: str) -> None:
    losses = []
    for top_k in (None, 5):
        host = small.host(name)
        losses.append((small.train(host, top_k=top_k, epochs=2), weights_of(host)))
    assert losses[0][0] == losses[1][0]
    assert same_bits(losses[0][1], losses[1][1])


@settings(max_examples=15)
@given(st.permutations(range(5)), st.sampled_from(HOST_NAMES), st.sampled_from([None, 2, 4]))
def test_the_order_in_which_classes_are_listed_does_not_matter(
    small: SmallTraining, order: list[int], name: str, top_k: int | None
) -> None:
    host, batch = small.host(name), batch_of(3)
    rows = np.random.default_rng(2).normal(0, 3, (3, 5))

    def loss(columns: list[int]) -> float:
        known = small.classes(host).select(torch.tensor(columns))
        teacher = Told(rows[:, columns])
        objective = kdpl_objective(host, small.student, known, teacher, top_k=top_k)
        return float(objective(batch).detach())

    assert loss(order) == pytest.approx(loss([0, 1, 2, 3, 4]), rel=1e-5)


def test_only_prompts_get_a_gradient_and_the_teacher_is_asked_once_per_batch(
    small: SmallTraining,
) -> None:
    host, teacher = small.host("maple"), Told(np.array(EXAMPLE))
    objective = kdpl_objective(host, small.student, small.classes(host), teacher, top_k=3)
    batches = [batch_of(2, seed=seed) for seed in range(3)]
    for batch in batches:
        objective(batch).backward()
    assert teacher.seen == batches
    assert all(parameter.grad.abs().sum() > 0 for parameter in host.parameters())


def test_a_teacher_of_another_number_of_classes_is_refused(small: SmallTraining) -> None:
    host = small.host("coop")
    with pytest.raises(ShapeError, match="need the same classes, got 4 and 5"):
        kdpl_objective(host, small.student, small.classes(host), Told(np.zeros((2, 4))))


def copied(small: SmallTraining, folders: Sequence[str]) -> SmallTraining:
    """The same pictures in the same order, in folders of these names."""
    paths = []
    for number, path in enumerate(small.pictures.paths):
        folder = small.folder / folders[number % len(folders)]
        folder.mkdir(exist_ok=True)
        paths.append(shutil.copy(path, folder / f"{number}-{Path(path).name}"))
    pictures, _ = usable_pictures(paths)
    return replace(small, pictures=pictures)


@pytest.mark.parametrize("top_k", [None, 2])
def test_what_folders_are_called_changes_no_bit(small: SmallTraining, top_k: int | None) -> None:
    ends = []
    for folders in (["photos-of-nothing"], NAMES[::-1], ["dog", "tower"]):
        renamed, host = copied(small, folders), small.host("promptsrc")
        losses = renamed.train(host, top_k=top_k, epochs=2)
        ends.append((losses, weights_of(host)))
    for losses, weights in ends[1:]:
        assert losses == ends[0][0]
        assert same_bits(weights, ends[0][1])


def test_a_vocabularys_words_are_kept_by_the_teacher_alone_whatever_the_data_set(
    small: SmallTraining,
) -> None:
    # Of ten words the teacher is sure of three that are in no folder's name; no other counts.
    words = ("mast", "oar", "sail", *NAMES, "keel", "hull")
    rows = np.full((4, 10), -5.0)
    rows[:, [1, 8, 9]] = 6.0, 5.0, 4.0
    renamed, batch = copied(small, NAMES), batch_of(4)
    for host in (small.host("coop"), small.host("vpt")):
        everything = classes_for(host, small.student, words)
        three = classes_for(host, small.student, ["oar", "keel", "hull"])
        vocabulary = kdpl_objective(host, small.student, everything, Told(rows), top_k=3)
        known = kdpl_objective(host, small.student, three, Told(rows[:, [1, 8, 9]]))
        assert float(vocabulary(batch).detach()) == pytest.approx(
            float(known(batch).detach()), rel=1e-5
        )
    ends = []
    for where in (small, renamed):
        host = small.host("coop")
        objective = kdpl_objective(
            host, small.student, classes_for(host, small.student, words), Told(rows), top_k=3
        )
        where.train(host, objective=objective, top_k=3, epochs=2)
        ends.append(weights_of(host))
    assert same_bits(*ends)


@pytest.mark.parametrize("name", HOST_NAMES)
def test_the_supervised_loss_is_the_cross_entropy_with_the_pictures_labels(
    small: SmallTraining, name: str
) -> None:
    host, labels = small.host(name), [4, 0, 3, 1, 2, 2]
    batch = replace(batch_of(3), indices=np.array([5, 0, 2]))
    objective = supervised_objective(host, small.student, small.classes(host), labels)
    logits = answer_of(small, host, batch, NAMES)["logits"]
    expected = -sum(
        kdpl_oracle.log_softmax(row)[label] for row, label in zip(logits, [2, 4, 3], strict=True)
    )
    expected = expected / 3 + held_back(small, host, batch, [0, 1, 2, 3, 4])
    assert float(objective(batch).detach()) == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("label", [5, -1, -100])
def test_a_label_of_no_class_is_refused(small: SmallTraining, label: int) -> None:
    host = small.host("coop")
    with pytest.raises(InputError, match=f"one of the 5 classes, got {label}"):
        supervised_objective(host, small.student, small.classes(host), [0, label])


def test_a_picture_without_a_label_is_refused(small: SmallTraining) -> None:
    host = small.host("coop")
    known: Classes = small.classes(host)
    with pytest.raises(ShapeError, match="one label per picture is needed, got none"):
        supervised_objective(host, small.student, known, [])
    objective = supervised_objective(host, small.student, known, [0, 1])
    with pytest.raises(ShapeError, match="got 2 labels and a picture with the index 2"):
        objective(batch_of(3))
