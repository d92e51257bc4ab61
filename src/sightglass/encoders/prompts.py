"""Prompted students as encoders: ``prompts:FILE``, or ``prompts:FILE@hf:STUDENT``.

Construction reads JSON, the learned tensors and the student's headers, and hashes the student.
torch and the weights are loaded at the first picture or name that is not in the store.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix, require_extra
from sightglass.encoders.card import EncoderCard, FileEntry
from sightglass.encoders.embeddings import Embeddings
from sightglass.encoders.graphics_card import fingerprint_here
from sightglass.encoders.preprocess import prepare
from sightglass.encoders.prompted.prompt_file import (
    StoredPrompts,
    prompt_file,
    read_prompts,
)
from sightglass.encoders.prompted.student_card import STUDENT_SOURCE, find_student
from sightglass.errors import ModelError
from sightglass.inputs.prompts import unit_means

if TYPE_CHECKING:
    from jaxtyping import Float, Float64, UInt8
    from PIL import Image

    from sightglass.encoders.prompted.network import PromptedNetwork
    from sightglass.encoders.rows import Inputs, RowByRow

SOURCE = "prompts:"
# Rows of texts at a time where every picture has its own: 16 MB of ViT-B/32's.
_ROWS_AT_A_TIME = 8192


class PromptsEncoder:
    """Both towers of a student with learned prompts, in fp32. Class names go in bare.

    Args:
        name: As the person wrote it, ``prompts:`` included.
        path: The prompt file.
        stored: What it holds.
        student: Name of the checkpoint, ``hf:`` included.
        student_card: Its card, files included.
    """

    def __init__(
        self,
        name: str,
        *,
        path: Path,
        stored: StoredPrompts,
        student: str,
        student_card: EncoderCard,
    ) -> None:
        about = stored.about
        self._stored = stored
        self._student, self._student_card = student, student_card
        entry = FileEntry(name=path.name, role="weights", bytes=stored.size, sha256=stored.sha256)
        self.card: EncoderCard = student_card.model_copy(
            update={
                "name": name,
                "source": f"prompts of {about.host} on {student}",
                "files": (*student_card.files, entry),
                "golden": (),
                "own_context": True,
                "notes": _notes(stored),
            }
        )
        self.fingerprint: str = fingerprint_here(self.card.fingerprint)

    def prepare(self, image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
        """The upright RGB picture at the size that the student takes."""
        assert self.card.image is not None
        return prepare(image, self.card.image)

    def encode_images(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Embeddings:
        """Unit-length rows, in the order of ``pictures``; each independent of the others.

        Raises:
            ModelError: If the student's weights cannot be loaded, or the prompts do not fit them.
        """
        return self._embeddings(self._network.images, self._network.pictures(pictures))

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Unit-length rows of class names in the learned context; each independent of the others.

        Args:
            texts: Bare names; the context and a full stop are put around them here.

        Raises:
            ModelError: If the student's weights cannot be loaded, or the prompts do not fit them.
        """
        return self._embeddings(self._network.texts, self._network.names(texts))

    @cached_property
    def _network(self) -> PromptedNetwork:
        from sightglass.encoders.prompted.network import load_prompted

        return load_prompted(
            self._stored, student=self._student, card=self._student_card, where=self.card.name
        )

    def _embeddings(self, network: RowByRow, inputs: Sequence[Inputs]) -> Embeddings:
        rows = np.zeros((len(inputs), self.card.dim), np.float32)
        if inputs:
            rows[:] = network(inputs)
        return Embeddings.of(rows, fingerprint=self.fingerprint)


class ConditionedPromptsEncoder(PromptsEncoder):
    """CoCoOp: every picture shifts the context that the names stand in.

    ``encode_texts`` gives names in the context that no picture has shifted.
    """

    def cosines(
        self, images: Float[np.ndarray, "n dim"], classes: Sequence[Sequence[str]]
    ) -> Float64[np.ndarray, "n n_classes"]:
        """Cosine of each picture with each class, as this picture shapes the class's names.

        Time: n times as many texts as all classes have. Memory: the rows of some 8,000 texts.

        Args:
            images: Unit rows that this encoder made.
            classes: Bare names of each class; its row is the unit mean of theirs.

        Raises:
            ShapeError: If ``images`` has no two axes.
            InputError: If a class's names cancel each other.
            ModelError: If the student's weights cannot be loaded, or the prompts do not fit them.
        """
        check_matrix(images, where="cosines", name="images")
        texts = sorted({text for names in classes for text in names})
        place = {text: index for index, text in enumerate(texts)}
        members = [[place[name] for name in names] for names in classes]
        result = np.empty((len(images), len(classes)))
        if not result.size:
            return result
        rows_of = self._text_rows(np.asarray(images, np.float32), texts)
        labels = [names[0] for names in classes]
        for cosines, image, rows in zip(result, images, rows_of, strict=True):
            # Not a matrix product: that may add up in another order where classes are more.
            cosines[:] = (unit_means(rows, members, labels) * image.astype(np.float64)).sum(axis=1)
        return result

    def _text_rows(
        self, images: Float[np.ndarray, "n dim"], texts: Sequence[str]
    ) -> Iterator[Float[np.ndarray, "n_texts dim"]]:
        """Each picture's own unit rows of ``texts``."""
        assert self._network.paired is not None
        inputs = self._network.names(texts)
        at_a_time = max(1, _ROWS_AT_A_TIME // len(texts))
        for start in range(0, len(images), at_a_time):
            part = images[start : start + at_a_time]
            pairs = [{**one, "images": image} for image in part for one in inputs]
            rows = np.stack(self._network.paired(pairs))
            yield from rows.reshape(len(part), len(texts), -1)


def load_prompts_encoder(rest: str) -> PromptsEncoder:
    """The encoder of a prompt file.

    Args:
        rest: ``FILE`` or ``FILE@hf:STUDENT``, without ``prompts:``; the folder that holds a
            ``prompts.safetensors`` stands for it.

    Raises:
        ModelError: If file or student is absent, damaged, or of another kind.
        MissingExtraError: If torch, transformers or safetensors is not installed.
    """
    name = f"{SOURCE}{rest}"
    for module in ("torch", "transformers", "safetensors"):
        if importlib.util.find_spec(module) is None:
            require_extra(module, extra="hub", purpose=f"The encoder '{name}'")
    try:
        file, student = _parts(rest)
        path = prompt_file(Path(file))
    except (OSError, ValueError) as error:
        raise ModelError(f"{name[:60]}…: no file can have this name. Check it.") from error
    stored = read_prompts(path)
    found, card = find_student(
        stored.about.student if student is None else student,
        stored.about.student_fingerprint,
        where=name,
        beside=path if student is None else None,
    )
    kind = ConditionedPromptsEncoder if stored.about.host == "cocoop" else PromptsEncoder
    return kind(name, path=path, stored=stored, student=found, student_card=card)


def _parts(rest: str) -> tuple[str, str | None]:
    """File and student. Only the last @ counts, and none where the whole is a file's name."""
    file, at, student = rest.rpartition("@")
    if not at or Path(rest).exists() or not student.startswith(STUDENT_SOURCE):
        return rest, None
    return file, student


def _notes(stored: StoredPrompts) -> str:
    about = stored.about
    names = f" of {len(about.class_names):,} classes" if about.class_names else ""
    said = (
        f"Prompts of the kind {about.host}, learned on {about.pictures:,} pictures{names} from "
        f"{about.teacher or 'labels'} (loss: {about.loss}, epochs: {about.epochs}, seed: "
        f"{about.seed}). Class names go in bare."
    )
    return f"{said} {about.note}".strip()
