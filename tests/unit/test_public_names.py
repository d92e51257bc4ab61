from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from typing import Any

import pytest

import sightglass
from sightglass import errors
from sightglass.checks import require_extra


def after(code: str) -> Any:
    """What a fresh interpreter prints, as JSON, after ``code``."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import json, sys\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_the_public_names_are_these_in_this_order() -> None:
    assert sightglass.__all__ == [
        "LabelSet",
        "Result",
        "SightglassError",
        "ZeroShotClassifier",
        "__version__",
        "load_encoder",
    ]
    assert sorted(sightglass.__all__) == sightglass.__all__


@pytest.mark.parametrize("name", sightglass.__all__)
def test_every_public_name_is_there_and_is_what_its_own_module_has(name: str) -> None:
    thing = getattr(sightglass, name)
    if name == "__version__":
        assert thing == importlib.metadata.version("sightglass")
    else:
        assert thing.__name__ == name
        assert thing is getattr(sys.modules[thing.__module__], name)


def test_dir_lists_exactly_the_public_names() -> None:
    assert dir(sightglass) == sightglass.__all__


def test_a_star_import_brings_all_of_them() -> None:
    names = after(
        "before = set(globals()) | {'before'}\n"
        "from sightglass import *\n"
        "print(json.dumps(sorted(set(globals()) - before)))"
    )
    assert names == sightglass.__all__


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = after("import sightglass\nprint(json.dumps(sorted(sys.modules)))")
    heavy = {"numpy", "PIL", "onnxruntime", "pydantic", "torch", "jinja2", "typer", "rich"}
    assert heavy.isdisjoint(loaded)
    assert [name for name in loaded if name.startswith("sightglass")] == ["sightglass"]


def test_classifying_by_colour_never_loads_a_network_library() -> None:
    loaded = after(
        "from PIL import Image\n"
        "from sightglass import ZeroShotClassifier\n"
        "names = ['red', 'blue']\n"
        "asked = ZeroShotClassifier(names, model='synthetic:colours', store=None)\n"
        "assert asked.predict(Image.new('RGB', (9, 9), 'blue')).labels == ['blue']\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    assert {"onnxruntime", "torch", "transformers", "pyarrow", "tokenizers"}.isdisjoint(loaded)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = sightglass.classifier
    assert str(caught.value) == "module 'sightglass' has no attribute 'classifier'"
    assert not hasattr(sightglass, "_nothing")


def test_every_error_of_ours_is_caught_by_the_public_one() -> None:
    with pytest.raises(sightglass.SightglassError, match="ZeroShotClassifier: top_k"):
        sightglass.ZeroShotClassifier(["red", "blue"], model="synthetic:colours", top_k=0)
    with pytest.raises(sightglass.SightglassError, match="Unknown encoder"):
        sightglass.load_encoder("nothing like it")


@pytest.mark.parametrize(
    ("ours", "built_in"),
    [
        (errors.InputError, ValueError),
        (errors.PictureError, errors.InputError),
        (errors.ShapeError, ValueError),
        (errors.UnknownNameError, LookupError),
        (errors.MissingExtraError, ImportError),
        (errors.ModelError, RuntimeError),
        (errors.StoreError, RuntimeError),
        (errors.ResultsError, RuntimeError),
    ],
)
def test_our_errors_are_also_the_built_in_ones(
    ours: type[Exception], built_in: type[Exception]
) -> None:
    assert issubclass(ours, built_in)
    assert issubclass(ours, sightglass.SightglassError)


def test_a_missing_installation_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(errors.MissingExtraError) as caught:
        require_extra("no_such_module", extra="eval", purpose="Reading a parquet data set")
    assert str(caught.value) == (
        "Reading a parquet data set needs the package 'no_such_module', which is not installed. "
        "Install it with: pip install 'sightglass[eval]'"
    )
