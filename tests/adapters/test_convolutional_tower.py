from __future__ import annotations

import numpy as np
import pytest
import torch

from sightglass.encoders.towers.building import build_image_tower
from sightglass.encoders.towers.convolutional import ConvolutionalTower
from sightglass.errors import InputError, UnknownNameError

SMALL = {"size": 32, "stages": [(8, 2, 1, 2), (12, 2, 1, 2)]}
NO_RANGE = [-0.1, 0.0, 1.1, float("nan")]

pytestmark = pytest.mark.usefixtures("one_thread")


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def answering(**settings: object) -> ConvolutionalTower:
    torch.manual_seed(3)
    tower = build_image_tower(
        {"kind": "convolutional", "dim": 6, "n_logits": 4, **SMALL, **settings}
    )
    assert isinstance(tower, ConvolutionalTower)
    tower.set_anchors(torch.nn.functional.normalize(torch.randn(4, 6)))
    return tower.eval()


@pytest.mark.parametrize("temperature", [0.5, 1.5])
@pytest.mark.parametrize("share", [None, 0.01, 0.25, 0.8, 1.0])
def test_a_finished_tower_mixes_its_head_with_the_names_of_its_logits(
    share: float | None, temperature: float
) -> None:
    given = {} if share is None else {"head_share": share}
    tower = answering(temperature=temperature, **given)
    with torch.no_grad():
        answer = tower(torch.randn(3, 3, 32, 32))
        head = unit(tower.head(answer.features).numpy().astype(np.float64))
    assert answer.logits is not None
    powers = np.exp(answer.logits.numpy().astype(np.float64) / temperature)
    guided = unit(powers / powers.sum(axis=1, keepdims=True) @ tower.anchors.numpy())
    part = 0.5 if share is None else share
    expected = unit(part * head + (1 - part) * guided)
    np.testing.assert_allclose(answer.embeddings.numpy(), expected, atol=2e-6)


def test_a_tower_that_learns_answers_with_its_head_alone() -> None:
    tower = answering(head_share=0.1).train()
    answer = tower(torch.randn(3, 3, 32, 32))
    head = unit(tower.head(answer.features).detach().numpy())
    np.testing.assert_allclose(answer.embeddings.detach().numpy(), head, atol=1e-6)


def test_the_settings_build_the_same_tower_again() -> None:
    tower = answering(head_share=0.7, temperature=1.2)
    assert tower.settings()["head_share"] == 0.7
    again = build_image_tower(tower.settings())
    again.load_state_dict(tower.state_dict())
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        ours, theirs = tower(pixels), again.eval()(pixels)
    assert torch.equal(ours.embeddings, theirs.embeddings)
    assert again.image_input == tower.image_input


@pytest.mark.parametrize("share", NO_RANGE)
def test_the_heads_share_is_above_0_and_at_most_1(share: float) -> None:
    with pytest.raises(InputError, match=f"must be above 0 and at most 1, got {share}"):
        answering(head_share=share)


def test_a_setting_of_another_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="head_part"):
        answering(head_part=0.5)
