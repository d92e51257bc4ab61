"""What one batch teaches: through the towers in parts, compared as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from sightglass.distillation.encoder.pair_losses import pair_losses
from sightglass.distillation.encoder.part import Part
from sightglass.distillation.encoder.picture_losses import Taught, picture_losses
from sightglass.distillation.losses.map_loss import MapNorm
from sightglass.distillation.parallel.contrastive_step import Outputs, backward
from sightglass.distillation.teachers.pair_similarities import Similarities
from sightglass.distillation.teachers.pair_teachers import PairRows
from sightglass.encoders.towers.convolutional import ConvolutionalTower

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from jaxtyping import Float, Int64
    from torch import Tensor

    from sightglass.distillation.encoder.learner import Learner
    from sightglass.distillation.encoder.loss_settings import Otter, SelfTaught
    from sightglass.distillation.encoder.name_rows import NameRows
    from sightglass.distillation.encoder.recipe import Phase, Recipe
    from sightglass.distillation.encoder.teaching import Teaching
    from sightglass.distillation.pairs.pair_batches import PairBatch
    from sightglass.distillation.parallel.processes import Processes
    from sightglass.distillation.teachers.image_teachers import TeacherAnswer
    from sightglass.encoders.towers.contract import ImageAnswer
    from sightglass.encoders.towers.student import DualStudent


class Lesson:
    """How a batch's gradients come about.

    Args:
        recipe: Sizes and precision.
        module: The student and all that changes with it.
        teaching: Frozen teachers.
        names: Text rows of class names.
        processes: This process among those that train together.
    """

    def __init__(
        self,
        recipe: Recipe,
        module: Learner,
        teaching: Teaching,
        names: NameRows,
        processes: Processes,
    ) -> None:
        self._recipe, self._module, self._student = recipe, module, module.student
        self._teaching, self._names, self._processes = teaching, names, processes
        self._phase = recipe.phases[0]

    @cached_property
    def _device(self) -> torch.device:
        return next(self._student.parameters()).device

    @cached_property
    def _pieces(self) -> int:
        """Into how many every process cuts its pictures: all into equally many, none of them empty.

        Where the processes have unequally many, they differ by one.
        """
        recipe, count = self._recipe, self._processes.count
        fewest, most = recipe.batch_size // count, math.ceil(recipe.batch_size / count)
        return min(fewest, math.ceil(most / (recipe.part_size or most)))

    def learn(self, batch: PairBatch, phase: Phase) -> tuple[float, Mapping[str, float]]:
        """Leave the gradients of a batch; its loss, and the losses that this is the sum of."""
        self._phase = phase
        self._names.begin_step()
        losses, told = self._phase.losses, _Told(self._processes)
        compared = losses.contrastive is not None or losses.soft is not None
        parts = self._parts(batch, with_texts=compared)
        self._measure(parts)

        def embed(part: Part) -> Outputs:
            answer, teacher = self._answer(part)
            own: dict[str, Tensor] = {}
            # A rehearsal, which runs without gradient, is for the rows alone.
            if torch.is_grad_enabled():
                own = picture_losses(
                    answer,
                    self._taught(part, teacher),
                    losses,
                    norms=list(self._module.norms),  # type: ignore[arg-type]
                    names=self._names,
                    scale=self._name_scale(),
                )
                told.add(own, share=len(part.paired) / self._recipe.batch_size)
            texts = None if part.ids is None else self._texts(self._student, part.ids)
            total = (
                torch.stack(list(own.values())).sum() if own else answer.embeddings.new_zeros(())
            )
            return Outputs(images=answer.embeddings, texts=texts, paired=part.paired, own=total)

        def compare(images: Tensor, texts: Tensor | None, paired: Tensor) -> Tensor:
            if texts is None:
                return images.sum() * 0
            made = pair_losses(
                images[paired],
                texts,
                self._student,
                losses,
                teacher=lambda: self._similarities(parts),
            )
            told.put(made)
            return torch.stack(list(made.values())).sum() if made else images.sum() * 0

        scales = [
            *self._student.contrastive_scale.parameters(),
            *self._student.distillation_scale.parameters(),
        ]
        loss = backward(
            parts,
            embed,
            compare if compared else None,
            module=self._student,
            sizes=[len(part.paired) for part in parts],
            shared=scales,
            last=self._names.pull,
            processes=self._processes,
        )
        return loss, told.parts()

    def _parts(self, batch: PairBatch, *, with_texts: bool) -> list[Part]:
        """The batch in even pieces of at most ``part_size``; texts are looked at where needed."""
        n, pieces = len(batch.captions), self._pieces
        parts = []
        for number in range(pieces):
            at = slice(number * n // pieces, (number + 1) * n // pieces)
            captions = batch.captions[at] if with_texts else [""] * len(batch.captions[at])
            paired = torch.tensor([bool(caption) for caption in captions], device=self._device)
            ids = None
            if self._student.text is not None and paired.any():
                texts = [caption for caption in captions if caption]
                ids = self._student.text.tokenise(texts).to(self._device)
            parts.append(Part(at=at, batch=batch, ids=ids, paired=paired))
        return parts

    def _answer(self, part: Part) -> tuple[ImageAnswer, TeacherAnswer | None]:
        """The student's answer to a part, and the image teacher's where a loss wants it."""
        tower, teacher = self._student.image, None
        asked = torch.is_grad_enabled() or self._phase.staged
        if self._teaching.shows_images and asked:
            teacher = self._teaching.image(torch.from_numpy(part.shown.crops))
        with self._autocast():
            if self._phase.staged:
                assert teacher is not None
                answer = self._staged(part, teacher)
            else:
                answer = tower(self._pixels(part))
        return answer, teacher

    def _measure(self, parts: Sequence[Part]) -> None:
        """Take the rulers of the teacher's maps from the first batch that has some.

        From all of it, over parts and processes: what is learned later does not hang on either.
        """
        norms = [norm for norm in self._module.norms if isinstance(norm, MapNorm)]
        if not norms or not self._teaching.shows_images or all(norm.ready for norm in norms):
            return
        counted = [torch.zeros(3, norm.mean.numel(), dtype=torch.float64) for norm in norms]
        for part in parts:
            maps = self._teaching.image(torch.from_numpy(part.shown.crops)).maps
            for sums, one in zip(counted, maps, strict=True):
                wide = one.double().cpu().transpose(0, 1).flatten(1)
                sums[0] += wide.shape[1]
                sums[1] += wide.sum(1)
                sums[2] += wide.square().sum(1)
        for norm, sums in zip(norms, counted, strict=True):
            n, total, squares = self._processes.sum(sums)
            mean = total / n
            norm.set(mean, squares / n - mean.square())

    def _staged(self, part: Part, teacher: TeacherAnswer) -> ImageAnswer:
        """Each stage on what the teacher had at the end of the stage before."""
        tower = self._student.image
        assert isinstance(tower, ConvolutionalTower)
        normal = [
            norm.normalise(theirs)  # type: ignore[operator]
            for norm, theirs in zip(self._module.norms, teacher.maps[:-1], strict=False)
        ]
        return tower.staged(self._pixels(part), normal)

    def _pixels(self, part: Part) -> Float[Tensor, "k 3 height width"]:
        """What the student sees, as its tower wants it."""
        spec = self._student.image.image_input
        crops = torch.from_numpy(part.seen).to(self._device).permute(0, 3, 1, 2).float()
        mean = torch.tensor(spec.mean, device=self._device).view(1, 3, 1, 1) * 255
        std = torch.tensor(spec.std, device=self._device).view(1, 3, 1, 1) * 255
        return (crops - mean) / std

    def _texts(self, student: DualStudent, ids: Int64[Tensor, "j length"]) -> Tensor:
        assert student.text is not None
        with self._autocast():
            rows: Tensor = student.text(ids)
        return rows.float()

    def _taught(self, part: Part, teacher: TeacherAnswer | None) -> Taught:
        batch = part.batch
        return Taught(
            image=teacher,
            labels=torch.from_numpy(batch.labels[part.at]).to(self._device),
            sources=[str(number) for number in batch.sources[part.at]],
            named=self._teaching.named(part.shown) if self._phase.losses.named else None,
        )

    def _similarities(self, parts: Sequence[Part]) -> Similarities:
        """A teacher's cosines within the global batch: its own average's, or the pair teachers'."""
        soft = self._phase.losses.soft
        assert soft is not None
        rows = [self._teacher_rows(part, soft) for part in parts]
        pictures = self._processes.gather(torch.cat([row.images for row in rows]))
        texts = self._processes.gather(torch.cat([row.texts for row in rows]))
        return Similarities(
            image_text=pictures @ texts.T,
            image_image=pictures @ pictures.T,
            text_text=texts @ texts.T,
        )

    def _teacher_rows(self, part: Part, soft: SelfTaught | Otter) -> PairRows:
        """Rows of the pictures that have a caption, and of these."""
        if soft.teacher == "pairs":
            return self._teaching.pairs(part.shown, part.captions)
        follower = self._module.follower
        assert follower is not None
        with torch.no_grad():
            with self._autocast():
                pictures = follower.image(self._pixels(part)).embeddings[part.paired].float()
            texts = pictures if part.ids is None else self._texts(follower, part.ids)
        return PairRows(pictures, texts)

    def _name_scale(self) -> Tensor | float:
        scale = self._phase.losses.name_scale
        return self._student.contrastive_scale() if scale is None else scale

    def _autocast(self) -> AbstractContextManager[None]:
        enabled = self._recipe.precision == "bf16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=enabled)


class _Told:
    """The losses of a batch by name, summed over its parts and over the processes."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._own: dict[str, float] = {}
        self._whole: dict[str, float] = {}

    def add(self, own: Mapping[str, Tensor], *, share: float) -> None:
        """Means over a part, which is this share of the pictures of all processes."""
        for name, value in own.items():
            self._own[name] = self._own.get(name, 0.0) + share * float(value.detach())

    def put(self, made: Mapping[str, Tensor]) -> None:
        """Losses of the whole batch."""
        self._whole = {name: float(value.detach()) for name, value in made.items()}

    def parts(self) -> dict[str, float]:
        """Means over the pictures of all processes."""
        if self._own and self._processes.count > 1:
            names = list(self._own)
            total = self._processes.sum(torch.tensor([self._own[name] for name in names]))
            self._own = dict(zip(names, total.tolist(), strict=True))
        return {**self._own, **self._whole}
