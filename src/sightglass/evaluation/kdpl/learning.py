"""What the suite asks of whoever trains prompts, and the only way in which it asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from sightglass.evaluation.kdpl.known import PLAIN_TEMPLATE
from sightglass.evaluation.kdpl.methods import CROSS_ENTROPY, KDPL_CA, Loss, Method

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from sightglass.evaluation.kdpl.dataset import KdplDataset
    from sightglass.evaluation.kdpl.shots import Shots

Who = Literal["student", "teacher"]
Setting = Literal["base_to_novel", "cross_dataset"]


class Learned(Protocol):
    """A student with the context that it learned; that context is its only template."""

    def logits(
        self, pictures: Sequence[str], class_names: Sequence[str]
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Scores of exactly these names, whatever was learned from; higher is likelier.

        A name may stand twice, as "sunglasses" does in ImageNet's prepared list; then its columns
        are equal.
        """
        ...


class PromptLearner(Protocol):
    """A student and a teacher, and how the one learns from the other."""

    def zero_shot(
        self, who: Who, pictures: Sequence[str], class_names: Sequence[str], template: str
    ) -> Float[np.ndarray, "n_images n_classes"]:
        """Scores of the names in ``template``, nothing learned; a name may stand twice."""
        ...

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
    ) -> Learned:
        """The student after training.

        Args:
            host: One of ``HOSTS``.
            loss: With ``cross_entropy`` there are labels. With ``kdpl`` there are none. With
                ``kdpl_ca`` there are neither labels nor class names: the names are a vocabulary.
            pictures: Paths.
            labels: Class index of each, or None.
            class_names: What may be answered in training; none with ``kdpl_ca``.
            teacher_template: The teacher's sentence, with one ``{}``.
            seed: Decides every chance.
            setting: Which of a host's published settings to use.
        """
        ...


def learn(
    learner: PromptLearner,
    method: Method,
    dataset: KdplDataset,
    shots: Shots,
    *,
    seed: int,
    setting: Setting,
) -> Learned:
    """Train ``method`` on shots of ``dataset``; labels go where the loss is supervised only."""
    if method.loss == CROSS_ENTROPY:
        return learner.learn(
            method.host,
            CROSS_ENTROPY,
            shots.pictures,
            shots.labels,
            dataset.class_names,
            teacher_template=dataset.template,
            seed=seed,
            setting=setting,
        )
    if method.loss == KDPL_CA:
        return _distil(learner, method, shots.pictures, seed=seed, setting=setting)
    return _distil(
        learner,
        method,
        shots.pictures,
        class_names=dataset.class_names,
        template=dataset.template,
        seed=seed,
        setting=setting,
    )


def _distil(
    learner: PromptLearner,
    method: Method,
    pictures: Sequence[str],
    *,
    class_names: Sequence[str] = (),
    template: str = PLAIN_TEMPLATE,
    seed: int,
    setting: Setting,
) -> Learned:
    """Has no way to be given a label, so there is none that it could hand on."""
    assert method.loss is not None
    return learner.learn(
        method.host,
        method.loss,
        pictures,
        None,
        class_names,
        teacher_template=template,
        seed=seed,
        setting=setting,
    )
