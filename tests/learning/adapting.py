"""A student adapted to worn digits without labels, and what it and its teacher get right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from learning.digit_models import (
    DIGITS,
    FOR_MODELS,
    LOGIT_SCALE,
    N_DIGITS,
    PLAIN,
    VOCABULARY,
    digit_of,
    worn_digit,
    write_student,
    write_teacher,
)
from sightglass.distillation.prompts.prompt_run import PromptRun
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.prompts.teachers import ClipTeacher
from sightglass.distillation.prompts.training import train_prompts
from sightglass.distillation.training_pictures import usable_pictures
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.hub import HubDualEncoder, load_hub_encoder
from sightglass.encoders.prompted.student import Student, load_student

HELD_OUT = 400
# Published rates are for a logit scale of 100, where gradients are five times as large, and for
# many more steps: four are raised, a context alone the most, for it moves little. VPT's is lowered.
# Its tokens begin at 0.02 per entry, and the layer norms behind them magnify every step by as much:
# at the published 0.0025 the first steps can throw them so far that six epochs do not bring them
# back (here one of three seeds).
LR = {"coop": 0.5, "cocoop": 0.1, "vpt": 0.0005, "maple": 0.01, "promptsrc": 0.02}


@dataclass(frozen=True)
class Standing:
    """How someone does on pictures that nobody was trained on or adapted to.

    ``divergence`` is KL(teacher || they) in nats, the mean over pictures; ``agreement`` the share
    of pictures that they and the teacher give the same name.
    """

    accuracy: float
    agreement: float
    divergence: float


@dataclass(frozen=True)
class Adaptation:
    """One run: the plain student, the prompted one, and the teacher's accuracy.

    ``begun`` is the student with the prompts as they were before the first step: where they begin
    at random they have an effect already, and it is not learning.
    """

    host: str
    seed: int
    before: Standing
    begun: Standing
    after: Standing
    teacher: float


@dataclass(frozen=True)
class Pair:
    """A student, its teacher, and files of pictures that neither has seen."""

    folder: Path
    student: Student
    plain: DualEncoder
    teacher: DualEncoder

    @classmethod
    def train(cls, folder: Path, *, seed: int) -> Pair:
        """Both models from nothing; the pictures that are left, written as files."""
        student = write_student(folder / "student", seed=seed)
        teacher = write_teacher(folder / "teacher", seed=seed)
        for index in range(FOR_MODELS, N_DIGITS):
            worn_digit(index).save(folder / f"{index}.png")
        return cls(
            folder=folder,
            student=load_student(f"hf:{student}"),
            plain=_encoder(student),
            teacher=_encoder(teacher),
        )

    def adapt(
        self,
        host: str,
        *,
        seed: int,
        pictures: int,
        epochs: int,
        top_k: int | None = None,
        loss: str = "kdpl",
        wrong_names: bool = False,
    ) -> Adaptation:
        """Adapt with some pictures, chosen by ``seed``; judge by others.

        With ``top_k`` the run does not know which words of the vocabulary are the classes; with
        ``wrong_names`` its teacher calls each digit by the name of the one before.
        """
        order = np.random.default_rng([seed, 3]).permutation(np.arange(FOR_MODELS, N_DIGITS))
        seen, held_out = order[:pictures], order[-HELD_OUT:]
        assert not set(seen) & set(held_out)
        usable, left_out = usable_pictures([str(self.folder / f"{i}.png") for i in seen])
        assert not left_out
        names = DIGITS if top_k is None else VOCABULARY
        told_names = (*names[1:], names[0]) if wrong_names else names
        supervised = loss == "cross_entropy"
        run = PromptRun(
            student=self.student,
            settings=PromptSettings.of(
                host, loss=loss, lr=LR[host], epochs=epochs, batch_size=8, seed=seed, top_k=top_k
            ),
            pictures=usable,
            names=names,
            teacher=None if supervised else self._teacher(told_names),
            labels=tuple(digit_of(i) for i in seen) if supervised else None,
            class_agnostic=top_k is not None,
        )
        shown = [np.asarray(worn_digit(i)) for i in held_out]
        told, before = (_logits(encoder, shown) for encoder in (self.teacher, self.plain))
        begun = self._prompted(run, shown)
        train_prompts(run.host, self.student, usable, run.objective, run.settings)
        after = self._prompted(run, shown)
        truth = np.array([digit_of(i) for i in held_out])
        return Adaptation(
            host=host,
            seed=seed,
            before=_standing(before, told, truth),
            begun=_standing(begun, told, truth),
            after=_standing(after, told, truth),
            teacher=float((told.argmax(axis=1) == truth).mean()),
        )

    def _prompted(self, run: PromptRun, shown: Sequence[np.ndarray]) -> np.ndarray:
        """The student's logits with the prompts of ``run`` as they are now."""
        with torch.no_grad():
            tokens, pixels = self.student.tokens(DIGITS), self.student.pixels(shown)
            return run.host(self.student.towers, pixels, tokens).logits.numpy().astype(np.float64)

    def _teacher(self, names: Sequence[str]) -> ClipTeacher:
        texts = [PLAIN.format(name) for name in names]
        return ClipTeacher(
            name="teacher", encoder=self.teacher, classes=self.teacher.encode_texts(texts)
        )


def print_table(title: str, runs: Iterable[Adaptation]) -> None:
    """For a person; pytest shows it with -s."""
    print(f"\n{title}")
    print(f"{'':15}  accuracy {'':22}  agreement      divergence")
    print("host       seed  plain  begun  after  teacher   plain  after   plain  begun  after")
    for run in runs:
        before, begun, after = run.before, run.begun, run.after
        print(
            f"{run.host:9}  {run.seed:4}  {before.accuracy:.3f}  {begun.accuracy:.3f}  "
            f"{after.accuracy:.3f}  {run.teacher:7.3f}   {before.agreement:.3f}  "
            f"{after.agreement:.3f}   {before.divergence:.3f}  {begun.divergence:.3f}  "
            f"{after.divergence:.3f}"
        )


def _encoder(folder: Path) -> HubDualEncoder:
    encoder = load_hub_encoder(str(folder), precision="fp32")
    assert isinstance(encoder, HubDualEncoder)
    return encoder


def _logits(encoder: DualEncoder, shown: Sequence[np.ndarray]) -> np.ndarray:
    """Of the plain sentence, as anybody would use the checkpoint."""
    texts = encoder.encode_texts([PLAIN.format(name) for name in DIGITS]).rows
    return LOGIT_SCALE * (encoder.encode_images(shown).rows @ texts.T).astype(np.float64)


def _standing(logits: np.ndarray, told: np.ndarray, truth: np.ndarray) -> Standing:
    ours, theirs = _softmax(logits), _softmax(told)
    return Standing(
        accuracy=float((logits.argmax(axis=1) == truth).mean()),
        agreement=float((logits.argmax(axis=1) == told.argmax(axis=1)).mean()),
        divergence=float((theirs * np.log(theirs / ours)).sum(axis=1).mean()),
    )


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
