from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from commands import run, run_python, start
from drawing_model import IMAGES, DrawingModel, picture_reply, png
from generation_server import RESET, GenerationServer, failure
from killed_imagining import kill_and_finish
from sightglass.cli import main

BOOK = """
classes:
  - name: red
    synonyms: [crimson]
  - name: dark_blue
  - name: lime
confusable:
  - classes: [red, dark_blue]
    shared_features: [a hue, no_pattern]
"""


@pytest.fixture(autouse=True)
def nobody_configured_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "book.yaml").write_text(BOOK.replace("dark_blue", "blue"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def server() -> Iterator[GenerationServer]:
    with GenerationServer() as running:
        running.handlers[IMAGES] = DrawingModel()
        yield running


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Quick = Callable[..., Done]


@pytest.fixture
def quick(home: Path, server: GenerationServer, capsys: pytest.CaptureFixture[str]) -> Quick:
    """Runs the command in this process, with the server: many starts of Python take long."""

    def begun(*options: str, model: str | None = "painter") -> Done:
        named = [] if model is None else ["--image-model", model]
        arguments = ["imagine", "book.yaml", "--base-url", server.base_url, *named]
        code = main([*arguments, "--filter-model", "synthetic:colours", *options])
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return begun


def made(folder: Path = Path("references")) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*.png")}


def test_a_run_fills_the_folder_and_says_what_there_is(quick: Quick) -> None:
    done = quick("--licence", "CC0-1.0")
    assert done.returncode == 0
    assert made() == {
        f"{name}/imagined-00{n}-1.png" for name in ("red", "blue", "lime") for n in (1, 2)
    }
    assert "6 of 6 pictures of 3 classes; 0 rejected now; 0 classes have too few." in done.stdout
    assert "red/imagined-001-1.png: accepted" in done.stderr
    record = json.loads(Path("references/references.json").read_text())
    assert {entry["licence"] for entry in record["pictures"]} == {"CC0-1.0"}
    assert {entry["generator"] for entry in record["pictures"]} == {"painter"}


def test_the_references_are_ones_that_describe_can_use(quick: Quick) -> None:
    quick("--per-class", "1")
    arguments = ["describe", "--classes", "red|crimson,blue,lime", "--offline"]
    assert main([*arguments, "--model", "synthetic:colours", "--references", "references"]) == 0


def test_a_dry_run_prints_every_prompt_and_sends_nothing(
    quick: Quick, server: GenerationServer, home: Path
) -> None:
    (home / "book.yaml").write_text(BOOK)
    done = quick("--dry-run", "--per-class", "1", "--attempts", "4", model=None)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split("Subject: ")[1].split(".")[0] for line in lines[:3]] == [
        "red",
        "dark blue",
        "lime",
    ]
    assert "Clearly visible: a hue, no pattern." in lines[0]
    assert lines[3].startswith("3 pictures are wanted and not there. At most 12 would be made")
    assert server.received == []
    assert not Path("references").exists()


def test_the_prompts_of_a_dry_run_are_those_that_are_sent(
    quick: Quick, server: GenerationServer
) -> None:
    shown = [line.partition(": ")[2] for line in quick("--dry-run").stdout.splitlines()[:-1]]
    quick()
    assert [request.body["prompt"] for request in server.received] == shown
    assert quick("--dry-run").stdout.startswith("0 pictures are wanted and not there.")


def test_a_dry_run_for_diffusers_shows_the_seeds(quick: Quick) -> None:
    first = quick("--dry-run", "--backend", "diffusers").stdout.splitlines()
    again = quick("--dry-run", "--backend", "diffusers", "--seed", "1").stdout.splitlines()
    seeds = [line.split("seed ")[1].split(";")[0] for line in first[:-1]]
    assert len(set(seeds)) == 6
    assert not set(seeds) & {line.split("seed ")[1].split(";")[0] for line in again[:-1]}


def test_the_budget_counts_requests_and_says_what_is_left(
    quick: Quick, server: GenerationServer
) -> None:
    done = quick("--budget", "4")
    assert done.returncode == 0
    assert len(server.received) == 4
    assert "requests: 4 of 4 spent" in done.stdout
    assert "4 of 6 pictures of 3 classes" in done.stdout
    assert quick().returncode == 0
    assert len(server.received) == 6


def test_a_budget_of_nothing_makes_no_picture_and_fails(
    quick: Quick, server: GenerationServer
) -> None:
    assert quick("--budget", "0").returncode == 1
    assert server.received == []


def test_a_class_that_is_refused_is_skipped_with_its_reason(
    quick: Quick, server: GenerationServer
) -> None:
    server.handlers[IMAGES] = DrawingModel(refuses=("blue",))
    done = quick()
    assert done.returncode == 0
    assert "blue: 2 missing, the generator refuses the prompt: Your request was" in done.stdout
    assert {name.split("/")[0] for name in made()} == {"red", "lime"}


def test_a_class_whose_pictures_look_like_another_is_listed_as_short(
    quick: Quick, server: GenerationServer
) -> None:
    server.handlers[IMAGES] = DrawingModel(wrong={"blue": "lime"}, black=4)
    done = quick()
    assert done.returncode == 0
    assert "blue: 2 missing, all attempts rejected, at last: " in done.stdout
    rejected = made(Path("references/.imagine/rejected"))
    assert {f"blue/imagined-00{n}-{a}.png" for n in (1, 2) for a in (1, 2, 3)} <= rejected
    record = json.loads(Path("references/references.json").read_text())
    assert list(record["classes_without"]) == ["blue"]


def test_many_classes_are_summed_up(quick: Quick, home: Path) -> None:
    names = ", ".join(f"{{name: red {number}}}" for number in range(40))
    (home / "book.yaml").write_text(f"classes: [{names}, {{name: lime}}]")
    done = quick("--budget", "2", "--per-class", "1")
    assert done.stdout.count("missing, not made yet") == 30
    assert "… and 9 more classes with too few." in done.stdout
    assert "2 of 41 pictures of 41 classes" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "512"], "--size must be auto or width and height in pixels, got '512'"),
        (["--size", "0x512"], "got '0x512'"),
        (["--api-key-env", "NO_SUCH_KEY"], "'NO_SUCH_KEY' is not set"),
        (["--base-url", "localhost"], "a base URL that begins with http"),
        (["--filter-model", "minni"], "Did you mean 'mini'"),
        (["--out", "book.yaml"], "a folder that can be written is needed"),
    ],
)
def test_wrong_usage_is_one_sentence_and_sends_nothing(
    quick: Quick, server: GenerationServer, options: list[str], said: str
) -> None:
    done = quick(*options)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert server.received == []


def test_without_a_model_or_a_server_it_says_how_to_name_one(
    quick: Quick, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Add --image-model" in quick(model=None).stderr
    assert main(["imagine", "book.yaml", "--image-model", "painter"]) == 2
    assert "Name it with --base-url, set OPENAI_API_KEY" in capsys.readouterr().err


def test_a_book_that_is_not_there_is_reported(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["imagine", "nowhere.yaml", "--dry-run"]) == 2
    assert "nowhere.yaml': the file does not exist" in capsys.readouterr().err


def test_a_failing_server_ends_in_one_sentence_and_what_was_made_stays(
    quick: Quick, server: GenerationServer
) -> None:
    painting, unknown = DrawingModel(), failure(404, "no such model")
    server.handlers[IMAGES] = lambda r: unknown if len(painting.drawn) == 3 else painting(r)
    done = quick()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "Error: Asking for a picture: the server refuses"
    )
    record = json.loads(Path("references/references.json").read_text())
    assert {entry["path"] for entry in record["pictures"]} == made()
    assert len(made()) == 3
    server.handlers[IMAGES] = painting
    assert quick().returncode == 0
    assert len(painting.drawn) == 6


def test_faults_in_between_cost_nothing_but_a_repeated_request(
    quick: Quick, server: GenerationServer
) -> None:
    server.faults += [
        RESET,
        failure(429, Retry_After="0"),
        picture_reply(b"<html>no picture</html>"),
        picture_reply(png(Image.new("RGB", (64, 64)))),
    ]
    done = quick("--per-class", "1")
    assert done.returncode == 0
    assert "3 of 3 pictures of 3 classes; 2 rejected now" in done.stdout
    assert len(server.received) == 3 + 4


def test_the_key_is_sent_and_never_written(
    quick: Quick, server: GenerationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-1")
    done = quick("--api-key-env", "MY_KEY")
    assert server.received[0].headers["authorization"] == "Bearer sk-secret-1"
    files = [path for path in Path("references").rglob("*") if path.is_file()]
    assert not any(b"sk-secret-1" in path.read_bytes() for path in files)
    assert "sk-secret-1" not in done.stdout + done.stderr


def test_ctrl_c_stops_with_a_sentence_and_the_next_run_goes_on(
    home: Path, server: GenerationServer
) -> None:
    server.handlers[IMAGES] = DrawingModel(seconds=0.1)
    command = ["imagine", "book.yaml", "--image-model", "painter", "--base-url", server.base_url]
    command += ["--filter-model", "synthetic:colours", "--per-class", "4"]
    process = start(*command, home=home)
    while len(server.received) < 3:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Stopped. No picture that arrived is lost" in errors
    assert b"Traceback" not in errors
    record = json.loads((home / "references" / "references.json").read_text())
    assert {entry["path"] for entry in record["pictures"]} == made(home / "references")
    done = run(*command, home=home)
    assert done.returncode == 0
    assert len(server.received) <= 12 + 1


def test_two_runs_into_one_folder_do_not_mix(quick: Quick, server: GenerationServer) -> None:
    code = (
        "import sys, pathlib; from sightglass.whole_files import only_writer\n"
        "with only_writer(pathlib.Path('references')): print('held', flush=True); input()"
    )
    Path("references").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        refused = quick()
        other.stdin.close()
    assert refused.returncode == 1
    assert "another run is writing its results there" in refused.stderr
    assert server.received == []
    assert quick().returncode == 0


def test_killed_at_random_it_makes_no_picture_twice_and_loses_none(tmp_path: Path) -> None:
    assert kill_and_finish(tmp_path, kills=4, per_class=4, seed=3).total() >= 3


def test_the_help_imports_nothing_heavy(home: Path) -> None:
    code = (
        "import sys; from sightglass.cli import main; main(['imagine', '--help'])\n"
        "heavy = {'numpy', 'PIL', 'openai', 'torch', 'diffusers', 'yaml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = run_python(code, home=home)
    assert done.returncode == 0, done.stderr
    assert "--per-class" in done.stdout
