from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sightglass.encoders.onnx import OnnxEncoder
from sightglass.encoders.onnx_graph import OnnxGraph, image_graph
from sightglass.encoders.registry import MINI_FOLDER
from sightglass.errors import ModelError


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, 128, 128, 3), np.uint8))


def both(folder: Path) -> tuple[OnnxEncoder, OnnxEncoder]:
    return OnnxEncoder(folder), OnnxEncoder(folder, card_name="vision.json")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The outputs of every pass over more than the probe's pictures."""
    seen: list[tuple[str, ...]] = []
    run = OnnxGraph.run

    def counted(self: OnnxGraph, batch: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        if len(batch) == 4:
            seen.append(tuple(outputs))
        return run(self, batch, outputs)

    monkeypatch.setattr(OnnxGraph, "run", counted)
    monkeypatch.setattr("sightglass.encoders.onnx_graph.usable_processors", lambda: 1)
    return seen


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the same pictures by two encoders that share nothing: their files are copies."""
    folders = [tmp_path_factory.mktemp("models") / name for name in "ab"]
    for folder in folders:
        shutil.copytree(MINI_FOLDER, folder)
    names, vision = both(folders[0])[0], both(folders[1])[1]
    return names.encode_images(pictures(4)).rows, vision.encode_images(pictures(4)).rows


def test_two_outputs_of_one_network_cost_one_pass(
    runs: list[tuple[str, ...]], alone: tuple[np.ndarray, np.ndarray]
) -> None:
    names, vision = both(MINI_FOLDER)
    for encoder in (names, vision):
        encoder.encode_images([])  # both are known from here on
    given = pictures(4)
    rows = names.encode_images(given).rows, vision.encode_images(list(given)).rows
    assert runs == [("embed", "feature")]
    np.testing.assert_array_equal(rows[0], alone[0])
    np.testing.assert_array_equal(rows[1], alone[1])


def test_other_pictures_are_not_answered_with_what_was_kept(
    runs: list[tuple[str, ...]], alone: tuple[np.ndarray, np.ndarray]
) -> None:
    names, vision = both(MINI_FOLDER)
    vision.encode_images([])
    names.encode_images(pictures(4, seed=1))
    np.testing.assert_array_equal(vision.encode_images(pictures(4)).rows, alone[1])
    assert len(runs) == 2
    # Equal pictures in other arrays cost a pass, and give the same rows.
    np.testing.assert_array_equal(names.encode_images(pictures(4)).rows, alone[0])
    assert len(runs) == 3


def test_the_same_pictures_asked_twice_by_one_encoder_are_answered_twice(
    alone: tuple[np.ndarray, np.ndarray],
) -> None:
    names, vision = both(MINI_FOLDER)
    given = pictures(4)
    for _ in range(2):
        np.testing.assert_array_equal(names.encode_images(given).rows, alone[0])
    for _ in range(2):
        np.testing.assert_array_equal(vision.encode_images(given).rows, alone[1])


def test_a_graph_is_forgotten_with_the_last_encoder_that_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "mini"
    shutil.copytree(MINI_FOLDER, folder)
    encoder = OnnxEncoder(folder)
    entry = encoder.card.files[0]
    spec = encoder.card.image
    assert spec is not None
    first = image_graph(folder / entry.name, entry.sha256, spec)
    assert image_graph(folder / entry.name, entry.sha256, spec) is first
    del first
    (folder / entry.name).unlink()
    with pytest.raises(ModelError, match="Export or fetch it again"):
        image_graph(folder / entry.name, entry.sha256, spec)
