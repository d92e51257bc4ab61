"""Which sentences candidates are put into: the paper's one, unless others are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightglass.encoders.wording import DEFAULT_PROMPTS, templates_for
from sightglass.evaluation.data_efficient.known import TEMPLATE

if TYPE_CHECKING:
    from sightglass.encoders.card import EncoderCard


def suite_templates(card: EncoderCard, prompts: str = DEFAULT_PROMPTS) -> tuple[str, ...]:
    """The paper's template, what ``prompts`` says, or the bare name for a model with a context.

    Args:
        card: The encoder's.
        prompts: As in classify; the set that is the default there stands for the paper's template
            here.

    Raises:
        InputError: If templates are asked for that would go around a learned context.
        UnknownNameError: If there is no such template set.

    Source:
        Cheng et al. 2021, arXiv:2104.08945.
    """
    if prompts == DEFAULT_PROMPTS and not card.own_context:
        return (TEMPLATE,)
    return templates_for(card, prompts)
