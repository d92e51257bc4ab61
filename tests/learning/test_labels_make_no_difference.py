from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from learning.adapting import Pair
from learning.digit_models import DIGITS, FOR_MODELS, digit_of, worn_digit
from sightglass.distillation.prompts.distilled import distil
from sightglass.distillation.prompts.prepared import PromptRequest, prepare_run
from sightglass.distillation.prompts.settings import PromptSettings
from sightglass.encoders.prompted.hosts import HOST_NAMES

PICTURES = range(FOR_MODELS, FOR_MODELS + 40)


def prompts(pair: Pair, folder: Path, labels: Sequence[int], *, host: str, loss: str) -> bytes:
    """The file that a run makes of pictures in folders with the names of ``labels``."""
    paths = []
    for index, label in zip(PICTURES, labels, strict=True):
        path = folder / DIGITS[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        worn_digit(index).save(path)
        paths.append(str(path))
    request = PromptRequest(
        student=pair.student.name,
        teacher=pair.teacher.card.name if loss == "kdpl" else None,
        classes=DIGITS,
        store=None,
    )
    settings = PromptSettings.of(host, loss=loss, lr=0.02, epochs=3, batch_size=8)
    # Pictures are numbered as they come: the order is the same whatever folders are called.
    return distil(prepare_run(request, settings, paths), folder / "out").path.read_bytes()


TRUE = [digit_of(index) for index in PICTURES]
SHUFFLED = np.random.default_rng(0).permutation(TRUE).tolist()


def test_the_labels_are_well_shuffled() -> None:
    assert sum(a != b for a, b in zip(TRUE, SHUFFLED, strict=True)) >= 30
    assert sorted(TRUE) == sorted(SHUFFLED)


@pytest.mark.parametrize("host", HOST_NAMES)
def test_kdpl_ends_in_the_same_bytes_whatever_the_labels(
    pair: Pair, tmp_path: Path, host: str
) -> None:
    first = prompts(pair, tmp_path / "true", TRUE, host=host, loss="kdpl")
    assert prompts(pair, tmp_path / "shuffled", SHUFFLED, host=host, loss="kdpl") == first


def test_cross_entropy_ends_elsewhere_with_other_labels_and_only_with_them(
    pair: Pair, tmp_path: Path
) -> None:
    first = prompts(pair, tmp_path / "true", TRUE, host="coop", loss="cross_entropy")
    again = prompts(pair, tmp_path / "again", TRUE, host="coop", loss="cross_entropy")
    other = prompts(pair, tmp_path / "shuffled", SHUFFLED, host="coop", loss="cross_entropy")
    assert again == first
    assert other != first
