"""One checkpoint read twice: by the package, and by the plain restatement beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTokenizer

from adapters.checkpoints import LENGTH, SIDE
from plain_clip import PlainClip, read_plain_clip
from plain_prompts import ANSWERS
from plain_prompts.answer import PlainAnswer
from sightglass.encoders.prompted.host import Answer, PromptHost
from sightglass.encoders.prompted.hosts import build_host
from sightglass.encoders.prompted.student import Student, load_student

# Of different lengths in tokens: 1, 3, 1, 11 and 2 between the prefix and the full stop.
NAMES = ("cat", "red train_tower", "Dog", "bridgework lanes", "a dog")


@dataclass(frozen=True)
class Pair:
    student: Student
    clip: PlainClip
    tokenizer: CLIPTokenizer

    def host(self, name: str, *, seed: int = 0, **sizes: int) -> PromptHost:
        generator = torch.Generator().manual_seed(seed)
        context = self.student.context_ids()
        return build_host(name, self.student.towers, context, generator=generator, **sizes)

    def ask(self, host: PromptHost, pixels: Tensor, names: Sequence[str]) -> Answer:
        answer: Answer = host(self.student.towers, pixels, self.student.tokens(names))
        return answer

    def ask_plainly(
        self, name: str, prompts: dict[str, Tensor], pixels: Tensor, names: Sequence[str]
    ) -> PlainAnswer:
        return ANSWERS[name](self.clip, prompts, pixels, *self.sentences(names))

    def sentences(
        self, names: Sequence[str], template: str = "a photo of a {}."
    ) -> tuple[Tensor, Tensor]:
        """Ids (c, full length) and the place of each end token, by transformers' tokenizer."""
        texts = [template.replace("{}", name.replace("_", " ")) for name in names]
        rows = self.tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True)
        ids = torch.tensor(rows["input_ids"])
        ends = [row.index(self.tokenizer.eos_token_id) for row in ids.tolist()]
        return ids, torch.tensor(ends)


def paired(folder: Path) -> Pair:
    return Pair(
        student=load_student(f"hf:{folder}"),
        clip=read_plain_clip(folder),
        tokenizer=CLIPTokenizer.from_pretrained(folder),
    )


def plain_tensors(host: PromptHost) -> dict[str, Tensor]:
    return {name: value.detach().double() for name, value in host.state_dict().items()}


def random_pixels(count: int, *, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
