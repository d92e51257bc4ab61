from __future__ import annotations

import pickle
import re
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from colour_photos import COLOURS, save
from sightglass.errors import InputError, ModelError
from sightglass.scale.plan import Plan, plan_of
from sightglass.scale.settings import ClassifierSettings

SETTINGS = ClassifierSettings(classes=COLOURS, model="synthetic:colours", store=None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures and references of three colours; the current folder."""
    monkeypatch.chdir(tmp_path)
    for colour in COLOURS:
        (tmp_path / "references" / colour).mkdir(parents=True)
        for number, shade in enumerate(("#101010", "#202020", "#303030")):
            path = tmp_path / "references" / colour / f"{number}.png"
            save(path, colour if number == 0 else f"{_mixed(colour, shade)}")
        save(tmp_path / f"{colour}.png", colour)
    return tmp_path


def _mixed(colour: str, shade: str) -> str:
    parts = {"red": (0, 1), "lime": (1, 2), "blue": (2, 0)}[colour]
    values = [0, 0, 0]
    values[parts[0]] = 255
    values[parts[1]] = int(shade[1:3], 16)
    return "#" + "".join(f"{value:02x}" for value in values)


def made(sources: list[str], **options: object) -> Plan:
    settings = ClassifierSettings(
        **{"classes": COLOURS, "model": "synthetic:colours", "store": None, **options}  # type: ignore[arg-type]
    )
    classifier = settings.classifier()
    classifier.calibrate(sources)
    return plan_of(classifier, settings, sources, own_stores=True)


@pytest.mark.parametrize("references", [None, "references"])
def test_a_plan_answers_after_its_journey_as_the_classifier_it_was_made_of(
    home: Path, references: str | None
) -> None:
    sources = [f"{colour}.png" for colour in COLOURS]
    settings = ClassifierSettings(
        classes="red|scarlet,lime,blue",
        model="synthetic:colours",
        references=references,
        vision_model=None,
        store=None,
        top_k=2,
    )
    classifier = settings.classifier()
    classifier.calibrate(sources)
    expected = [one.as_row() for one in classifier.stream(sources)]
    plan = plan_of(classifier, settings, sources, own_stores=True)
    travelled = pickle.loads(pickle.dumps(plan)).classifier()
    assert travelled.references is None  # the folder stays at home
    assert [one.as_row() for one in travelled.stream(sources)] == expected
    assert bool(expected[0]["opinions"]) == (references is not None)


def test_the_digest_is_that_of_the_answers(home: Path) -> None:
    plan = made(["red.png"])
    assert made(["red.png"]).digest() == plan.digest()
    assert made(["red.png"], batch_size=3).digest() == plan.digest()  # changes speed alone
    others = [
        made(["red.png"], top_k=2),
        made(["red.png"], unknown=False),
        made(["red.png"], max_pixels=100),
        made(["red.png"], prompts="ensemble"),
        made(["red.png"], classes=["red", "lime"]),
        made(["red.png"], classes=["red|scarlet", "lime", "blue"]),
        made(["red.png"], references="references", vision_model=None),
        made(["red.png"], references="references", vision_model=None, weighting="max"),
    ]
    digests = {one.digest() for one in (plan, *others)}
    assert len(digests) == 1 + len(others)


def test_another_model_at_the_worker_is_refused(home: Path) -> None:
    plan = made(["red.png"])
    object.__setattr__(plan, "fingerprints", ("0" * 64,))
    with pytest.raises(ModelError, match="the model synthetic:colours must be the one of"):
        plan.classifier()


def test_a_processor_that_computes_otherwise_is_named(home: Path) -> None:
    plan = made(["red.png"])
    object.__setattr__(plan, "fingerprints", ("0" * 64,))
    object.__setattr__(plan, "precisions", ("bf16",))
    with pytest.raises(ModelError, match=r"\(0{12}…, bf16\).*…, fp32\)\. Processors with bf16"):
        plan.classifier()


@pytest.mark.parametrize(
    ("there", "said"),
    [(None, r"\(not installed\), here it is \d"), ("0.1", r"\(0\.1\), here it is \d")],
)
def test_other_libraries_at_the_worker_are_refused(
    home: Path, there: str | None, said: str
) -> None:
    plan = made(["red.png"])
    before = plan.digest()
    object.__setattr__(plan, "libraries", {**plan.libraries, "pillow": there})
    assert plan.digest() != before
    with pytest.raises(InputError, match=rf"Worker: pillow must be as on the machine .*{said}"):
        plan.classifier()


def test_a_library_that_is_absent_here_is_said_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made(["red.png"])
    object.__setattr__(source, "libraries", {**source.libraries, "pillow-heif": "1.2"})

    def version_here(name: str) -> str:
        if name == "pillow-heif":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("sightglass.scale.plan.version", version_here)
    with pytest.raises(
        InputError, match=r"pillow-heif must be .*\(1\.2\), here it is not installed"
    ):
        source.classifier()


ALWAYS = {"pillow", "pillow-heif", "simplejpeg", "numpy", "onnxruntime"}
IN_TORCH = {"torch", "transformers", "tokenizers", "safetensors"}


@pytest.mark.parametrize(
    ("model", "vision_model", "references", "more"),
    [
        ("mini", "mini:vision", True, set()),
        ("onnx:hf", None, False, set()),
        ("hf:openai/clip", None, False, IN_TORCH),
        ("prompts:mine", None, False, IN_TORCH),
        ("mini", "hf:facebook/dinov2-base", True, IN_TORCH),
        ("mini", "hf:facebook/dinov2-base", False, set()),  # nobody asks it
    ],
)
def test_versions_of_torch_and_its_kin_count_where_an_encoder_of_the_run_needs_them(
    home: Path, model: str, vision_model: str | None, references: bool, more: set[str]
) -> None:
    classifier = SETTINGS.classifier()
    if references:
        classifier.vision = classifier.encoder
    settings = replace(SETTINGS, model=model, vision_model=vision_model)
    plan = plan_of(classifier, settings, ["/"], own_stores=True)
    assert plan.libraries.keys() == ALWAYS | more
    assert plan.libraries["numpy"] == np.__version__


@pytest.mark.parametrize("name", sorted(IN_TORCH | {"numpy"}))
def test_another_version_at_the_worker_is_refused_before_anything_is_loaded(
    home: Path, name: str
) -> None:
    # The model does not exist: nobody may get as far as to look for it.
    settings = replace(SETTINGS, model="hf:nobody/nothing")
    plan = plan_of(SETTINGS.classifier(), settings, ["/"], own_stores=True)
    object.__setattr__(plan, "libraries", {**plan.libraries, name: "9.9"})
    travelled = pickle.loads(pickle.dumps(plan))
    with pytest.raises(
        InputError,
        match=rf"^Worker: {name} must be as on the machine that began the run \(9\.9\), here it is "
        rf"{re.escape(version(name))}\. Install the same packages on every machine\.$",
    ):
        travelled.classifier()


def test_names_of_references_are_in_the_digest_as_they_are_in_rows(home: Path) -> None:
    before = made(["red.png"], references="references", vision_model=None).digest()
    (home / "references" / "red" / "0.png").rename(home / "references" / "red" / "00.png")
    assert made(["red.png"], references="references", vision_model=None).digest() != before


@pytest.mark.parametrize(
    ("source", "rooted"),
    [
        ("a.jpg", False),
        ("a://b.jpg", False),  # a drive or a folder, no scheme
        ("file://photos/a.jpg", False),
        ("file:///photos/a.jpg", True),
        ("/photos/a.jpg", True),
        ("s3://bucket/a.jpg", True),
    ],
)
def test_a_rooted_source_needs_no_folder(home: Path, source: str, rooted: bool) -> None:
    assert plan_of(SETTINGS.classifier(), SETTINGS, [source], own_stores=True).rooted is rooted


def test_a_worker_without_the_folder_of_relative_paths_says_so(home: Path) -> None:
    plan = made(["red.png"])
    object.__setattr__(plan, "folder", str(home / "gone"))
    with pytest.raises(InputError, match="where relative paths begin, is needed"):
        plan.classifier()
    rooted = made([str(home / "red.png"), "s3://bucket/a.png"])
    object.__setattr__(rooted, "folder", str(home / "gone"))
    assert rooted.classifier().labels.names == tuple(COLOURS)
