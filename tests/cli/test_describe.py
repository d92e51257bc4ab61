from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from commands import rows_of, run, start
from generation_server import CHAT, SLOW, GenerationServer, Received, Reply, chat_reply, failure
from knowing_model import KnowingModel, kind
from sightglass.cli import main
from sightglass.inputs.class_book import ClassBook, read_class_book

ANIMALS = "cat,dog,horse,deer"
PAIRS = [("cat", "dog"), ("horse", "deer")]


@pytest.fixture(autouse=True)
def nobody_configured_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SIGHTGLASS_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def server() -> Iterator[GenerationServer]:
    with GenerationServer() as running:
        running.handlers[CHAT] = KnowingModel(
            kinds={"pets": ["cat", "dog"], "hoofed": ["horse", "deer"]},
            look_alikes={"cat": ["dog"], "horse": ["deer", "cat"]},
        )
        yield running


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Quick = Callable[..., Done]


@pytest.fixture
def quick(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Quick:
    """Runs the command in this process: many starts of Python would take long."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))

    def finished(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(list(arguments))
        return Done(code, *capsys.readouterr())

    return finished


def asked(server: GenerationServer) -> list[str]:
    return [kind(request) for request in server.asked()]


def options(server: GenerationServer, *more: str, classes: str = ANIMALS) -> list[str]:
    named = ["--base-url", server.base_url, "--llm-model", "scripted", "--out", "book.yaml"]
    return ["describe", "--classes", classes, *named, *more]


def pairs(book: ClassBook) -> list[tuple[str, ...]]:
    return [group.classes for group in book.confusable]


def test_a_book_is_written_and_classified_with(home: Path, server: GenerationServer) -> None:
    done = run(*options(server, "--segment-size", "2"), home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "4 classes, 2 pairs that look alike, 2 of them with shared features.\nWritten: book.yaml\n"
    )
    assert done.stderr.endswith("7 requests sent.\n")
    book = read_class_book(home / "book.yaml")
    assert pairs(book) == PAIRS
    assert asked(server) == ["parts", *["looks", "look_alikes", "features"] * 2]
    Image.new("RGB", (40, 30), "red").save(home / "a.png")
    used = run(
        *("classify", "a.png", "--classes", "book.yaml", "--out", "out", "--no-unknown"), home=home
    )
    assert used.returncode == 0, used.stderr
    assert rows_of(home / "out")[0]["label"] in ANIMALS.split(",")


def test_the_model_and_the_server_may_come_from_the_environment(
    home: Path, server: GenerationServer, monkeypatch: pytest.MonkeyPatch, quick: Quick
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("SIGHTGLASS_LLM_MODEL", "from-outside")
    done = quick("describe", "--classes", ANIMALS)
    assert done.returncode == 0, done.stderr
    assert {request.body["model"] for request in server.asked()} == {"from-outside"}
    assert {r.headers["authorization"] for r in server.received} == {"Bearer sk-very-secret"}
    assert (home / "class_book.yaml").exists()
    written = [path for path in home.rglob("*") if path.is_file()]
    assert len(written) == 1 + 3
    assert not any(b"sk-very-secret" in path.read_bytes() for path in written)
    assert "sk-very-secret" not in done.stdout + done.stderr


class Stalling:
    """Answers some requests, then leaves one without an answer."""

    def __init__(self, answer: Callable[[Received], Reply], *, answers: int) -> None:
        self.answer = answer
        self.left = answers
        self.reached = threading.Event()
        self.given: list[str] = []

    def __call__(self, request: Received) -> Reply:
        if len(self.given) == self.left:
            self.reached.set()
            return SLOW
        self.given.append(kind(request))
        return self.answer(request)


def test_a_run_that_is_killed_goes_on_without_asking_anything_twice(
    home: Path, server: GenerationServer
) -> None:
    knowing = server.handlers[CHAT]
    answered: list[str] = []
    for answers in (1, 0, 3, 1):
        stalling = Stalling(knowing, answers=answers)
        server.handlers[CHAT] = stalling
        process = start(*options(server, "--segment-size", "2"), home=home)
        assert stalling.reached.wait(20)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
        assert process.stderr is not None
        process.stderr.close()
        assert len(stalling.given) == answers
        assert not (home / "book.yaml").exists()
        answered += stalling.given
    server.handlers[CHAT] = knowing
    before = len(server.asked())
    done = run(*options(server, "--segment-size", "2"), home=home)
    assert done.returncode == 0, done.stderr
    assert answered + asked(server)[before:] == ["parts", *["looks", "look_alikes", "features"] * 2]
    assert pairs(read_class_book(home / "book.yaml")) == PAIRS


def test_ctrl_c_says_how_to_go_on(home: Path, server: GenerationServer) -> None:
    held = threading.Event()

    def hold(_: Received) -> Reply:
        held.set()
        server.pause(20)
        return failure(500)

    server.handlers[CHAT] = hold
    process = start(*options(server), home=home)
    assert held.wait(20)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.decode().endswith(
        "Stopped after 1 request. Nothing paid for is lost: run the same command to go on from "
        "there.\n"
    )
    assert b"Traceback" not in said


def test_the_budget_stops_a_run_and_the_same_command_goes_on(
    home: Path, server: GenerationServer, quick: Quick
) -> None:
    first = quick(*options(server, "--budget", "1"))
    assert first.returncode == 1
    assert len(server.received) == 1
    assert "Error: Budget: what comes next would pass what is allowed (requests: 1" in first.stderr
    assert "Requests left to do: at least 1 and, if every answer is complete, at most 2." in (
        first.stderr
    )
    assert not (home / "book.yaml").exists()
    second = quick(*options(server, "--budget", "2"))
    assert second.returncode == 0, second.stderr
    assert len(server.received) == 3


def test_a_dry_run_prints_the_requests_and_sends_none(
    home: Path, server: GenerationServer, quick: Quick
) -> None:
    dry = quick(*options(server, "--dry-run"))
    assert dry.returncode == 0, dry.stderr
    assert server.received == []
    assert not (home / "book.yaml").exists()
    assert "Request 1, what 4 classes (cat, dog, horse, …) look like:" in dry.stdout
    # At most 6 pairs of 4 classes, which one question asks about.
    assert (
        "Certain now: 1 request. In all at least 2 and, if every answer is complete, at most 3"
        in (dry.stdout)
    )
    assert quick(*options(server)).returncode == 0
    (sent, *_) = server.asked()
    for line in sent.body["messages"][1]["content"].splitlines():
        assert line in dry.stdout
    again = quick(*options(server, "--dry-run"))
    assert again.stdout == "Every answer is kept: 0 requests.\n"


def test_a_busy_server_is_waited_for(server: GenerationServer, quick: Quick) -> None:
    server.faults.extend([SLOW, failure(429, Retry_After="0"), failure(503, Retry_After="0")])
    done = quick(*options(server, "--timeout", "0.5"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("6 requests sent.\n")


def test_nonsense_ends_in_a_sentence_and_not_in_a_traceback(
    home: Path, server: GenerationServer, quick: Quick
) -> None:
    server.handlers[CHAT] = lambda _: chat_reply("\x1b[31mso sorry\x1b[0m")
    done = quick(*options(server))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: Asking scripted what 4 classes")
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "book.yaml").exists()


def test_a_key_that_is_refused_is_reported(server: GenerationServer, quick: Quick) -> None:
    server.handlers[CHAT] = lambda _: failure(401, "wrong key")
    done = quick(*options(server))
    assert done.returncode == 1
    assert "the server refuses it (401: wrong key). Check the key" in done.stderr


def test_without_a_server_the_book_comes_from_embeddings_and_says_so(
    home: Path, quick: Quick
) -> None:
    done = quick("describe", "--classes", ANIMALS, "--out", "book.json")
    assert done.returncode == 0, done.stderr
    assert "Note: no language model is configured" in done.stderr
    book = read_class_book(home / "book.json")
    assert book.source == "offline"
    assert ("cat", "dog") in pairs(book)
    meant = quick("describe", "--classes", ANIMALS, "--out", "book.json", "--offline")
    assert meant.returncode == 0
    assert "no language model is configured" not in meant.stderr


def test_offline_references_take_part(home: Path, quick: Quick) -> None:
    shades = {
        "a": (255, 0, 0),
        "b": (250, 0, 10),
        "c": (0, 255, 0),
        "d": (0, 0, 255),
        "e": (255,) * 3,
    }
    for name, shade in shades.items():
        (home / "refs" / name).mkdir(parents=True)
        Image.new("RGB", (16, 16), shade).save(home / "refs" / name / "0.png")
    command = ["describe", "--classes", "a,b,c,d,e", "--offline", "--model", "synthetic:colours"]
    done = quick(*command, "--references", "refs", "--out", "book.yaml")
    assert done.returncode == 0, done.stderr
    assert ("a", "b") in pairs(read_class_book(home / "book.yaml"))
    wrong = quick(*command, "--references", "nowhere")
    assert wrong.returncode == 2


def test_a_book_that_a_person_edited_is_set_aside(home: Path, quick: Quick) -> None:
    edited = "classes: [{name: cat, prompts: [my cat]}, {name: dog}]\n"
    (home / "book.yaml").write_text(edited)
    command = ["describe", "--classes", "book.yaml", "--offline", "--out", "book.yaml"]
    done = quick(*command)
    assert done.returncode == 0, done.stderr
    assert "Note: the book that was there is now book.old-1.yaml." in done.stderr
    assert (home / "book.old-1.yaml").read_text() == edited


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--llm-model", "m"], "a server is needed to ask 'm', none is configured"),
        (["--base-url", "http://localhost:9/v1", "--dry-run"], "--dry-run needs the model's name"),
        (["--base-url", "localhost:9", "--llm-model", "m"], "begins with http:// or https://"),
        (["--base-url", "http://x/v1", "--references", "r"], "--references is for books without"),
        (["--api-key-env", "NOT_SET_AT_ALL"], "'NOT_SET_AT_ALL' is not set"),
        (["--out", "book.txt"], "ends in .yaml, .yml, .json is needed"),
        (["--segment-size", "1"], "--segment-size"),
        (["--budget", "-1"], "--budget"),
        (["--classes", "cat"], "at least two are needed"),
    ],
)
def test_wrong_usage_is_answered_with_what_to_do(
    wrong: list[str], sentence: str, quick: Quick
) -> None:
    done = quick("describe", "--classes", ANIMALS, *wrong)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_the_answers_may_be_kept_elsewhere(
    home: Path, server: GenerationServer, quick: Quick
) -> None:
    done = quick(*options(server, "--answers", "mine/answers"))
    assert done.returncode == 0, done.stderr
    kept = sorted((home / "mine" / "answers").iterdir())
    assert len(kept) == 3
    assert all(json.loads(path.read_bytes())["model"] == "scripted" for path in kept)
    assert not (home / "cache").exists()
