"""The suite's learner: prompts trained by ``distillation``, scores given by the pipeline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import require_extra
from sightglass.distillation.prompts.prepared import TOP_K
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.distillation.prompts.vocabulary import Vocabulary, read_vocabulary
from sightglass.encoders.contract import DualEncoder
from sightglass.encoders.registry import load_dual_encoder
from sightglass.encoders.wording import DEFAULT_PROMPTS
from sightglass.errors import EvaluationError
from sightglass.evaluation.kdpl.methods import KDPL_CA
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.pipeline import ZeroShotClassifier
from sightglass.store import open_store

if TYPE_CHECKING:
    from jaxtyping import Float

    from sightglass.encoders.prompted.student import Student
    from sightglass.evaluation.kdpl.learning import Setting, Who
    from sightglass.evaluation.kdpl.methods import Loss

# PromptSRC has other sizes from base to novel classes than across data sets: blocks with prompts,
# and which of 20 epochs count. Source: Khattak et al. 2023, arXiv:2307.06948, its configurations.
_PROMPTSRC: dict[Setting, tuple[int, tuple[float, float]]] = {
    "base_to_novel": (9, (15.0, 1.0)),
    "cross_dataset": (3, (6.0, 10.0)),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class DistillingLearner:
    """Trains with the published numbers of each host; what it has trained it keeps as files.

    Attributes:
        student: Name of the checkpoint.
        teacher: Frozen.
        zero_shot_student: The student without prompts.
        words: For the class-agnostic form.
        folder: Gets one folder per training; a suite that was cut off goes on from them.
        batch_size: Pictures per pass when scores are asked for.
        store: File that remembers rows; as for the classifier.
        say: Gets a line before each training.
    """

    student: str
    teacher: DualEncoder
    zero_shot_student: DualEncoder
    words: Vocabulary
    folder: Path
    batch_size: int
    store: str | Path | None
    say: Callable[[str], None]

    def zero_shot(
        self, who: Who, pictures: Sequence[str], class_names: Sequence[str], template: str
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Logarithms of the probabilities of the names in ``template``, nothing learned."""
        encoder = self.teacher if who == "teacher" else self.zero_shot_student
        return self.scores(encoder, pictures, class_names, template)

    def learn(
        self,
        host: str,
        loss: Loss,
        pictures: Sequence[str],
        labels: Sequence[int] | None,
        class_names: Sequence[str],
        *,
        teacher_template: str,
        seed: int,
        setting: Setting,
    ) -> LearnedPrompts:
        """The student after training, by way of its file of prompts."""
        from sightglass.distillation.prompts.distilled import distil
        from sightglass.distillation.prompts.prompt_run import PromptRun
        from sightglass.distillation.prompts.prompt_teachers import clip_teacher
        from sightglass.distillation.training_pictures import usable_pictures

        agnostic = loss == KDPL_CA
        names = self.words.names if agnostic else tuple(class_names)
        depth, average = _PROMPTSRC[setting] if host == "promptsrc" else (None, None)
        settings = PromptSettings.of(
            host,
            loss="cross_entropy" if labels is not None else "kdpl",
            seed=seed,
            top_k=min(TOP_K, len(names)) if agnostic else None,
            depth=depth,
            average=average,
        )
        usable, left_out = usable_pictures(pictures)
        if left_out:
            first = left_out[0]
            self.say(
                f"{len(left_out):,} of {len(pictures):,} pictures are not learned from; the first "
                f"is {first.path} ({first.detail})."
            )
        if labels is not None:
            of_path = dict(zip(pictures, labels, strict=True))
            labels = tuple(of_path[path] for path in usable.paths)
        run = PromptRun(
            student=self._opened,
            settings=settings,
            pictures=usable,
            names=names,
            left_out=tuple(left_out),
            teacher=None
            if labels is not None
            else clip_teacher(
                self.teacher, names, template=teacher_template, store=open_store(self.store)
            ),
            labels=labels,
            class_agnostic=agnostic,
        )
        what = {"names": names, "pictures": usable.digest, "template": teacher_template}
        digest = hashlib.sha256(json.dumps([what, settings.as_record()]).encode()).hexdigest()
        out = self.folder / "prompts" / f"{host}-{loss}-{setting}-seed{seed}-{digest[:8]}"
        self.say(f"Training {host}, {loss}, seed {seed}: {run.steps:,} steps.")
        made = distil(run, out)
        return LearnedPrompts(learner=self, encoder=load_dual_encoder(f"prompts:{made.path}"))

    def scores(
        self,
        encoder: DualEncoder,
        pictures: Sequence[str],
        class_names: Sequence[str],
        template: str | None,
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Logarithms of the probabilities of exactly these names.

        Args:
            encoder: With or without learned prompts.
            pictures: Paths.
            class_names: In the order of the columns.
            template: A sentence with one ``{}``; None for an encoder that words names by itself.

        Raises:
            EvaluationError: If a picture cannot be used.
        """
        # Two classes of ImageNet have one name: it is scored once, and stands in both columns.
        keys = [name_key(name) for name in class_names]
        column = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        names = dict(zip(reversed(keys), reversed(class_names), strict=True))
        classifier = ZeroShotClassifier(
            LabelSet.of([names[key] for key in column], reserved=()),
            model=encoder,
            unknown=False,
            top_k=1,
            batch_size=self.batch_size,
            prompts=DEFAULT_PROMPTS if template is None else template,
            store=self.store,
        )
        rows = []
        for prediction in classifier.stream(list(pictures)):
            if prediction.decision is None:
                raise EvaluationError(
                    f"{prediction.path}: every test picture is needed, this one cannot be used "
                    f"({prediction.outcome.detail}). Complete the data set."
                )
            rows.append(prediction.decision.probabilities)
        with np.errstate(divide="ignore"):
            logits: Float[np.ndarray, "n_images n_classes"] = np.log(np.stack(rows))[
                :, [column[key] for key in keys]
            ]
        return logits

    @cached_property
    def _opened(self) -> Student:
        from sightglass.encoders.prompted.student import load_student

        return load_student(self.student)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedPrompts:
    """A student with learned prompts."""

    learner: DistillingLearner
    encoder: DualEncoder

    def logits(
        self, pictures: Sequence[str], class_names: Sequence[str]
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Logarithms of the probabilities of exactly these names, in the learned context."""
        return self.learner.scores(self.encoder, pictures, class_names, None)


def open_learner(
    *,
    student: str,
    teacher: str,
    hosts: Sequence[str],
    vocabulary: str,
    folder: Path,
    batch_size: int,
    store: str | Path | None,
    say: Callable[[str], None],
) -> DistillingLearner:
    """The learner for these models.

    Raises:
        MissingExtraError: If torch is not installed.
        ModelError: If a model is absent, damaged, or of a kind that these hosts cannot prompt.
    """
    for module in ("torch", "transformers", "safetensors"):
        require_extra(module, extra="train", purpose="The suite kdpl")
    from sightglass.encoders.prompted.student import check_student

    check_student(student, hosts)
    return DistillingLearner(
        student=student,
        teacher=load_dual_encoder(teacher),
        zero_shot_student=load_dual_encoder(student),
        words=read_vocabulary(vocabulary),
        folder=folder,
        batch_size=batch_size,
        store=store,
        say=say,
    )
