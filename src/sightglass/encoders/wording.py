"""Which sentences a class name is put into: those that were asked for, or the encoder's own."""

from __future__ import annotations

from sightglass.encoders.card import EncoderCard
from sightglass.encoders.contract import ConditionedEncoder, TextEncoder
from sightglass.errors import InputError
from sightglass.inputs.templates import template_set

DEFAULT_PROMPTS = "single"
BARE = ("{}",)
LEARNED_CONTEXT = "learned context"


def templates_for(card: EncoderCard, prompts: str = DEFAULT_PROMPTS) -> tuple[str, ...]:
    """The templates for this encoder's texts: the bare name where it words names by itself.

    Args:
        card: The encoder's.
        prompts: Name of a template set, a template, or the path of a file with templates.

    Raises:
        InputError: If templates are asked for that would go around a learned context.
        UnknownNameError: If there is no such template set.
    """
    if not card.own_context:
        return template_set(prompts)
    if prompts != DEFAULT_PROMPTS:
        raise InputError(
            f"{card.name}: this model puts class names into a context that it learned, templates "
            f"have no place there, got '{prompts}'. Leave --prompts out."
        )
    return BARE


def require_fixed_texts(encoder: TextEncoder, *, where: str) -> None:
    """Raise InputError for an encoder whose texts depend on the picture."""
    if isinstance(encoder, ConditionedEncoder):
        raise InputError(
            f"{where}: one row per class is needed, {encoder.card.name} makes other rows for every "
            f"picture (CoCoOp). Choose another model; classify and evaluate DATA take this one."
        )
