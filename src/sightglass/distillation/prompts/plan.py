"""What a run will do and need, said before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.distillation.prompts.schedule import warmup_cosine_lr
from sightglass.encoders.prompted.hosts import VISUAL_HOSTS
from sightglass.encoders.prompted.towers import CLASSES_PER_PASS

if TYPE_CHECKING:
    from sightglass.distillation.prompts.prompt_run import PromptRun

_BYTES = 4
# Numbers that a block keeps for the way back: for each token 17 times its width, and for each pair
# of tokens 2.5 per head. Source: Korthikanti et al. 2022, arXiv:2205.05198, whose formula counts
# bytes of half precision.
_PER_WIDTH, _PER_PAIR = 17, 2.5


def plan_lines(run: PromptRun) -> list[str]:
    """The plan as lines for a person.

    Args:
        run: Ready or planned only, not begun.
    """
    settings, pictures = run.settings, run.pictures
    rates = [
        warmup_cosine_lr(e, lr=settings.lr, epochs=settings.epochs) for e in _shown(settings.epochs)
    ]
    chosen = f", of which each step keeps {settings.top_k:,}" if run.class_agnostic else ""
    what = "words of a vocabulary" if run.class_agnostic else "classes"
    teacher = run.told.get("teacher") or "none: the folders' names are labels"
    weights, activations = memory_bytes(run)
    return [
        f"host            {settings.host}, {run.trainable:,} trainable parameters",
        f"student         {run.student.name}, frozen, {settings.precision}",
        f"teacher         {teacher}",
        f"loss            {settings.loss}",
        f"pictures        {len(pictures):,}, {len(run.left_out):,} more left out",
        f"names           {len(run.names):,} {what}{chosen}",
        f"steps           {run.steps:,}: {settings.epochs} epochs of "
        f"{pictures.steps(settings.batch_size):,}, "
        f"{min(settings.batch_size, len(pictures))} pictures each",
        f"learning rate   {', '.join(f'{rate:.3g}' for rate in rates)} in epochs "
        f"{', '.join(str(e + 1) for e in _shown(settings.epochs))}",
        f"memory          about {(weights + activations) / 1e9:.1f} GB for the student: "
        f"{weights / 1e9:.1f} of weights, {activations / 1e9:.1f} while a step is taken; the "
        f"teacher's weights come on top",
    ]


def memory_bytes(run: PromptRun) -> tuple[int, int]:
    """What the student's weights hold, and about what one step holds beside them.

    An estimate: it counts what the blocks keep for the way back, not what libraries reserve.
    """
    towers, settings = run.student.towers, run.settings
    n_classes = settings.top_k or len(run.names)
    texts = n_classes * (settings.batch_size if settings.host == "cocoop" else 1)
    length = run.student.tokens(run.names).ids.shape[1]
    learned = run.host.learns_texts
    text = _kept(min(texts, CLASSES_PER_PASS), length, towers.text_width, towers.text_heads)
    step = text * (towers.text_depth if learned else 0)
    # Between passes only what goes in and comes out of each is alive.
    step += texts * (length * towers.text_width + towers.dim) * _BYTES * learned
    image = _kept(settings.batch_size, towers.patches + 1, towers.vision_width, towers.vision_heads)
    step += image * (towers.vision_depth if settings.host in VISUAL_HOSTS else 1)
    return towers.weight_bytes, int(step)


def _kept(rows: int, length: int, width: int, heads: int) -> float:
    """Bytes that one block keeps for the way back."""
    return _BYTES * rows * (_PER_WIDTH * length * width + _PER_PAIR * heads * length**2)


def _shown(epochs: int) -> list[int]:
    """The epochs whose learning rate says how it goes: first, second, middle, last."""
    return sorted({0, min(1, epochs - 1), epochs // 2, epochs - 1})
