from __future__ import annotations

from pathlib import Path

import pytest

from sightglass.encoders.catalogue import hub_cache, known_models
from sightglass.encoders.registry import MINI_FOLDER, SOURCES, load_encoder

CLIP = "hf:openai/clip-vit-base-patch32"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the person's own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_the_bundled_encoders_come_first_and_are_here() -> None:
    models = known_models()
    bundled = ["mini", "mini:vision", "synthetic:colours"]
    assert [model.name for model in models[:3]] == bundled
    assert all(model.present for model in models[:3])
    assert [load_encoder(name).card.name for name in bundled] == bundled


def test_every_name_has_a_form_that_can_be_loaded_and_none_comes_twice() -> None:
    names = [model.name for model in known_models()]
    assert {name.partition(":")[0] for name in names} <= set(SOURCES)
    assert len(set(names)) == len(names)
    assert all(name.count("/") == 1 for name in names if name.startswith("hf:"))


def test_mini_is_as_large_as_its_files() -> None:
    on_disk = sum(path.stat().st_size for path in MINI_FOLDER.iterdir() if path.suffix != ".json")
    assert known_models()[0].megabytes == pytest.approx(on_disk / 1e6)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Counts that the publishers state: OpenAI's B/32 and L/14, and DINOv2's S/14 and B/14.
        (CLIP, 151_277_313),
        ("hf:openai/clip-vit-large-patch14", 427_616_513),
        ("hf:facebook/dinov2-small", 22_056_576),
        ("hf:facebook/dinov2-base", 86_580_480),
    ],
)
def test_a_download_is_four_bytes_a_parameter(name: str, parameters: int) -> None:
    (model,) = [model for model in known_models() if model.name == name]
    assert model.megabytes == pytest.approx(parameters * 4 / 1e6, rel=0.005)


def test_vision_only_models_say_so() -> None:
    sides = {model.name: model.sides for model in known_models()}
    assert sides["hf:facebook/dinov2-base"] == "image"
    assert sides[CLIP] == "image + text"
    assert sides["mini"] == "image + text"


def test_every_model_has_a_licence_and_a_word_for_a_person() -> None:
    for model in known_models():
        assert model.licence
        assert ";" not in model.licence
        assert model.what


def test_a_downloaded_model_is_present_once_its_weights_are(cache: Path) -> None:
    def present() -> list[str]:
        return [model.name for model in known_models()[3:] if model.present]

    snapshot = cache / "models--openai--clip-vit-base-patch32" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert present() == []
    (snapshot / "model.safetensors").write_bytes(b"weights")
    assert present() == [CLIP]


def test_the_cache_is_where_the_hubs_own_variables_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_cache() == tmp_path / "hub"
    monkeypatch.delenv("HF_HUB_CACHE")
    assert hub_cache() == tmp_path / "home" / "hub"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "person")
    assert hub_cache() == tmp_path / "person" / ".cache" / "huggingface" / "hub"
