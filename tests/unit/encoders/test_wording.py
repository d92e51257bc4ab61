from __future__ import annotations

import numpy as np
import pytest

from sightglass.encoders.synthetic import SyntheticEncoder
from sightglass.encoders.wording import BARE, require_fixed_texts, templates_for
from sightglass.errors import InputError, UnknownNameError
from sightglass.inputs.templates import TEMPLATE_SETS

CARD = SyntheticEncoder().card
OWN = CARD.model_copy(update={"own_context": True})


def test_an_encoder_without_a_context_of_its_own_takes_any_template_set() -> None:
    assert templates_for(CARD) == TEMPLATE_SETS["single"]
    assert templates_for(CARD, "ensemble") == TEMPLATE_SETS["ensemble"]
    assert templates_for(CARD, "a drawing of a {}") == ("a drawing of a {}",)
    with pytest.raises(UnknownNameError):
        templates_for(CARD, "ensembel")


def test_an_encoder_with_a_context_of_its_own_gets_the_bare_name() -> None:
    assert templates_for(OWN) == BARE == ("{}",)
    for prompts in ("ensemble", "{}", "no such set"):
        with pytest.raises(InputError, match="Leave --prompts out"):
            templates_for(OWN, prompts)


def test_the_context_is_no_part_of_the_fingerprint_of_other_encoders() -> None:
    # A store that was filled before the field existed must stay of use.
    assert OWN.fingerprint == CARD.fingerprint


class Conditioned(SyntheticEncoder):
    def cosines(self, *_: object) -> np.ndarray:
        raise AssertionError("not asked")


def test_texts_that_follow_the_picture_are_refused_where_a_class_needs_one_row() -> None:
    require_fixed_texts(SyntheticEncoder(), where="here")
    with pytest.raises(InputError, match="here: one row per class is needed"):
        require_fixed_texts(Conditioned(), where="here")
