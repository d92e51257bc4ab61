from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sightglass.distillation.export.parity import Parity, RowsParity, agreement
from sightglass.distillation.export.parity_inputs import (
    MADE_PICTURES,
    given_pictures,
    made_pictures,
)
from sightglass.distillation.export.parity_limits import LIMITS, Precisions
from sightglass.errors import InputError


def parity(**changes: object) -> Parity:
    perfect = RowsParity(
        kind="pictures",
        limits=LIMITS["fp32"],
        rows=4,
        max_difference=0.0,
        mean_cosine=1.0,
        min_cosine=1.0,
    )
    kinds = {name: changes.pop(name) for name in list(changes) if hasattr(perfect, name)}
    made = Parity(
        precisions=Precisions(),
        real_pictures=True,
        left_out=0,
        kinds=(replace(perfect, **kinds),),
        top_1=1.0,
        ties=0,
        names=117,
        neighbours=0.0,
    )
    return replace(made, **changes)


def test_agreement_counts_ties_in_and_real_changes_out() -> None:
    wanted = np.array([[0.5, 0.1], [0.3, 0.3 - 5e-6], [0.3, 0.3 - 5e-5], [0.1, 0.5]])
    found = np.array([[0.6, 0.1], [0.2, 0.21], [0.2, 0.21], [0.5, 0.1]])
    # The same; another, by 5e-6: a tie; another, by 5e-5; another, by far.
    assert agreement(found, wanted) == (0.5, 1)


def test_numbers_that_are_none_agree_with_nothing() -> None:
    wanted = np.array([[0.5, 0.1], [0.5, 0.1]])
    found = np.array([[np.nan, np.nan], [0.5, 0.1]])
    assert agreement(found, wanted) == (0.5, 0)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"max_difference": 1.1e-4}, "no entry of the pictures' rows may differ by more than"),
        ({"mean_cosine": 0.9999}, "the pictures' mean cosine must be at least"),
        ({"min_cosine": math.nan}, "the pictures' least cosine must be at least"),
        ({"max_difference": math.nan}, "no entry of the pictures' rows may differ by more than"),
        ({"top_1": 0.99}, "100% of the pictures must keep their nearest name of 117, 99.0% do"),
        ({"neighbours": 2e-6}, "a row may move by 1e-06 with its neighbours"),
    ],
)
def test_each_number_beyond_its_limit_is_a_failure(changes: dict[str, float], what: str) -> None:
    assert parity().failures == ()
    (failure,) = parity(**changes).failures
    assert what in failure


def test_a_persons_limits_take_the_place_of_the_precisions_own() -> None:
    assert Precisions(image="int8").top_1 == 0.95
    chosen = Precisions(image="int8", min_cosine=0.5, min_top_1=0.25)
    assert (chosen.image_limits.min_cosine, chosen.top_1) == (0.5, 0.25)
    for wrong in ({"min_cosine": 1.5}, {"min_top_1": -0.1}, {"min_cosine": math.nan}):
        with pytest.raises(InputError, match="is needed, got"):
            Precisions(**wrong)


def test_made_pictures_are_the_same_every_time_and_unlike_each_other() -> None:
    first, second = made_pictures().images, made_pictures().images
    assert [one.tobytes() for one in first] == [one.tobytes() for one in second]
    assert len({one.tobytes() for one in first}) == MADE_PICTURES
    assert len({one.size for one in first}) > MADE_PICTURES / 2


def test_files_that_are_no_pictures_are_counted_and_too_few_pictures_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    for number, image in enumerate(made_pictures().images[:3]):
        image.save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    found = given_pictures([str(folder)])
    assert (len(found.images), found.left_out, found.real) == (3, 1, True)
    for number in (1, 2):
        (folder / f"{number}.png").unlink()
    with pytest.raises(InputError, match="found 1 among 2 files"):
        given_pictures([str(folder)])
