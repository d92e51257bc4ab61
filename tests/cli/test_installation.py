"""What a person gets who installs the package, and nothing else of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from commands import environment, run, run_python

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "PIL", "onnxruntime", "tokenizers", "pydantic", "jinja2", "torch", "transformers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_model_and_the_reports_parts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {info.filename: info.file_size for info in archive.infolist()}
    model = {
        name: size for name, size in inside.items() if name.startswith("sightglass/encoders/mini/")
    }
    assert {Path(name).name for name in model} == {
        "encoder.json",
        "vision.json",
        "image.onnx",
        "text.onnx",
        "vocab.txt",
    }
    assert sum(model.values()) < 16_000_000
    templates = ROOT / "src" / "sightglass" / "reports" / "templates"
    for part in templates.iterdir():
        assert f"sightglass/reports/templates/{part.name}" in inside
    assert "sightglass/py.typed" in inside
    assert inside["sightglass/distillation/prompts/nouns.txt"] < 250_000
    assert not [name for name in inside if name.startswith("tests")]


def test_the_wheel_alone_classifies_a_picture(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    from skimage import data

    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sightglass; print(sightglass.__file__);"
            "clf = sightglass.ZeroShotClassifier(['cat', 'dog'], model='mini', store=None);"
            "print(clf.predict('cat.png').labels)",
        ],
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, labels = done.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    assert labels == "['cat']"


def test_the_core_works_where_torch_and_the_extras_are_not_installed(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    hidden = ("torch", "transformers", "safetensors", "pyarrow", "pillow_heif", "sklearn", "scipy")
    hidden = (*hidden, "matplotlib", "openai", "diffusers")
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({hidden!r}))\n"
        "from sightglass.cli import main\n"
        "sys.exit(main(['classify', 'a.png', '--classes', 'tomato,cucumber']))"
    )
    done = run_python(code, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sightglass-results" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["classify", "a.png", "--classes", "a,b", "--model", "hf:some/model"], "hub"),
        (["evaluate", "data.parquet"], "eval"),
    ],
)
def test_a_missing_extra_is_one_sentence_with_the_command(
    tmp_path: Path, arguments: list[str], extra: str
) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'transformers', 'safetensors', 'pyarrow')))\n"
        "from sightglass.cli import main\n"
        f"sys.exit(main({arguments!r}))"
    )
    done = run_python(code, home=tmp_path)
    assert done.returncode == 1
    assert f"pip install 'sightglass[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from sightglass.cli import main\n"
        "main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "classify" in done.stdout
    assert done.stderr.strip() == "[]"


def test_a_picture_that_is_known_needs_no_network_at_all(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    os.utime(tmp_path / "a.png", (1_600_000_000, 1_600_000_000))
    arguments = ("classify", "a.png", "--classes", "tomato,cucumber")
    assert run(*arguments, home=tmp_path).returncode == 0
    first = (tmp_path / "sightglass-results" / "predictions.csv").read_bytes()
    code = (
        "import sys\n"
        "sys.modules['onnxruntime'] = None\n"
        "from sightglass.cli import main\n"
        f"sys.exit(main({list(arguments)!r}))"
    )
    done = run_python(code, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sightglass-results" / "predictions.csv").read_bytes() == first


def test_a_run_leaves_nothing_in_the_persons_home_but_our_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Either of them would keep onnxruntime from reporting, and so from keeping what it reports.
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY")
    monkeypatch.delenv("CI", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    done = run(
        *(
            "classify",
            tmp_path / "a.png",
            "--classes",
            "tomato,cucumber",
            "--out",
            tmp_path / "out",
        ),
        home=home,
    )
    assert done.returncode == 0, done.stderr
    assert [one.relative_to(home).as_posix() for one in home.glob("*/*")] == ["cache/sightglass"]
    assert [one.name for one in home.iterdir()] == ["cache"]


def test_doctor_finds_the_installation_right(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("  ok: ") == 3
    assert "precision chosen" in done.stdout


def test_doctor_finds_a_wrong_vector(tmp_path: Path) -> None:
    import json
    import shutil

    from sightglass.encoders.registry import MINI_FOLDER

    shutil.copytree(MINI_FOLDER, tmp_path / "model")
    card = json.loads((tmp_path / "model" / "encoder.json").read_text())
    card["golden"][1]["starts"][2] += 0.001
    (tmp_path / "model" / "encoder.json").write_text(json.dumps(card))
    done = run("doctor", "--model", "onnx:model", home=tmp_path)
    assert done.returncode == 1
    assert 'WRONG: text "a photo of a cat": differs by 1.0e-03, allowed 1e-04' in done.stdout
    assert "do not trust its answers" in done.stderr


def test_models_lists_what_is_here_with_size_and_licence(tmp_path: Path) -> None:
    done = run("models", home=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("mini\n    image + text; 15 MB; Apache-2.0")
    assert "hf:openai/clip-vit-base-patch32\n    image + text; 605 MB" in done.stdout


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert run("--version", home=tmp_path).stdout == f"sightglass {version('sightglass')}\n"
