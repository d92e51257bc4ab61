from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoProcessor, CLIPModel

from adapters.checkpoints import LENGTH, WORDS
from adapters.small_training import NAMES, SmallTraining
from sightglass.distillation.prompts import known_classes
from sightglass.distillation.prompts.general_templates import GENERAL_TEMPLATES
from sightglass.distillation.prompts.known_classes import classes_for, frozen_rows
from sightglass.encoders.hub import load_hub_encoder


@pytest.fixture(scope="module")
def small(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> SmallTraining:
    return SmallTraining.make(tmp_path_factory.mktemp("classes"), pictures=1)


def raw_rows(small: SmallTraining, texts: list[str]) -> np.ndarray:
    """As transformers' own network gives them."""
    folder = small.folder / "student"
    inputs = AutoProcessor.from_pretrained(folder)(
        text=texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    with torch.inference_mode():
        rows = CLIPModel.from_pretrained(folder).eval().get_text_features(**inputs).pooler_output
    return rows.double().numpy()


def test_vpts_texts_are_those_of_plain_clip_in_the_plain_sentence(small: SmallTraining) -> None:
    rows = classes_for(small.host("vpt"), small.student, NAMES).fixed_rows
    raw = raw_rows(small, [f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(rows.numpy(), expected, atol=1e-6)
    encoder = load_hub_encoder(str(small.folder / "student"), precision="fp32")
    ours = encoder.encode_texts([f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    np.testing.assert_allclose(rows.numpy(), ours.rows, atol=1e-6)


def test_what_promptsrc_is_held_near_to_is_the_mean_of_raw_rows_over_sixty_templates(
    small: SmallTraining,
) -> None:
    rows = classes_for(small.host("promptsrc"), small.student, NAMES).frozen_rows
    of_unit_rows = []
    for name, row in zip(NAMES, rows.numpy(), strict=True):
        raw = raw_rows(small, [t.format(name.replace("_", " ")) for t in GENERAL_TEMPLATES])
        total = np.zeros(16)
        for one in raw:
            total += one
        mean = total / 60
        np.testing.assert_allclose(row, mean / np.sqrt((mean * mean).sum()), atol=2e-6)
        unit = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).mean(axis=0)
        of_unit_rows.append(unit / np.linalg.norm(unit))
    # The mean of rows of length 1 is another: the test tells them apart.
    assert np.abs(rows.numpy() - np.stack(of_unit_rows)).max() > 1e-3


@pytest.mark.parametrize("name", ["coop", "cocoop", "vpt", "maple", "promptsrc"])
def test_a_host_gets_the_rows_that_it_needs_and_no_others(small: SmallTraining, name: str) -> None:
    known = classes_for(small.host(name), small.student, NAMES)
    assert (known.fixed_rows is not None) == (name == "vpt")
    assert (known.frozen_rows is not None) == (name == "promptsrc")
    assert len(known.tokens) == 5
    for rows in (known.fixed_rows, known.frozen_rows):
        assert rows is None or not rows.requires_grad


@settings(max_examples=5)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7, unique=True), st.integers(1, 4))
def test_rows_do_not_depend_on_how_many_texts_go_through_at_a_time(
    small: SmallTraining, names: list[str], per_pass: int
) -> None:
    vpt = small.host("vpt")
    whole = classes_for(vpt, small.student, names).fixed_rows, frozen_rows(small.student, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_classes, "_TEXTS_PER_PASS", per_pass)
        parts = classes_for(vpt, small.student, names).fixed_rows, frozen_rows(small.student, names)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True))
def test_a_choice_of_classes_has_their_rows_in_the_order_of_the_choice(
    small: SmallTraining, chosen: list[int]
) -> None:
    for name in ("vpt", "promptsrc"):
        host = small.host(name)
        part = small.classes(host).select(torch.tensor(chosen))
        alone = small.student.tokens([NAMES[i] for i in chosen])
        assert torch.equal(part.tokens.ids, alone.ids)
        assert torch.equal(part.tokens.ends, alone.ends)
        for rows, all_rows in (
            (part.fixed_rows, small.classes(host).fixed_rows),
            (part.frozen_rows, small.classes(host).frozen_rows),
        ):
            assert rows is None or torch.equal(rows, all_rows[chosen])


def test_a_name_with_braces_is_a_name(small: SmallTraining) -> None:
    rows = frozen_rows(small.student, ["a {0} cat", "{}"])
    expected = raw_rows(small, [t.replace("{}", "a {0} cat") for t in GENERAL_TEMPLATES]).mean(0)
    np.testing.assert_allclose(rows[0].numpy(), expected / np.linalg.norm(expected), atol=2e-6)
    assert float(rows[0] @ rows[1]) < 0.999


def test_above_two_thousand_names_there_is_one_template(
    small: SmallTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_classes, "_MOST_CLASSES_WITH_ALL_TEMPLATES", 4)
    rows = frozen_rows(small.student, NAMES)
    raw = raw_rows(small, [f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(rows.numpy(), expected, atol=1e-6)
