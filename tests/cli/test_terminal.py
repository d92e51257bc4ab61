"""Names from outside reach a terminal as text: no escape sequence, no markup, one line each."""

from __future__ import annotations

import ast
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import sightglass.cli
from sightglass.cli import main
from sightglass.cli.printable import printable

# Sets the window's title, wipes the screen, hides a link, turns the line round, starts a new one.
STEERING = (
    "\x1b]0;t\x07\x1b[2J\x1b]8;;http://x\x1b\\a\u202eb\u2066c\x9b31md\x7f\u2028e\rf\ng\u200bh"
)
NAME = "[red]:cat:\x1b[31m\u202ex"
COMMANDS = sorted(Path(sightglass.cli.__file__).parent.glob("*.py"))
_PRINTS = {"echo", "print", "secho"}


def plain(text: str) -> bool:
    """Whether a terminal shows all of it; a line of two columns has a tab between them."""
    return all(line.replace("\t", " ").isprintable() for line in text.split("\n"))


def test_what_steers_a_terminal_is_written_as_escapes() -> None:
    shown = printable(STEERING)
    assert shown == (
        r"\x1b]0;t\x07\x1b[2J\x1b]8;;http://x\x1b\a\u202eb\u2066c\x9b31md\x7f\u2028e\rf\ng\u200bh"
    )
    assert printable("日本語 עברית é\u0301 🐈 [red] C:\\x") == "日本語 עברית é\u0301 🐈 [red] C:\\x"
    assert printable("caf\udce9") == r"caf\udce9"


@given(st.text(st.characters(), max_size=20))
def test_nothing_that_is_shown_is_invisible_or_ends_a_line(text: str) -> None:
    spaces = {character for character in text if unicodedata.category(character) == "Zs"}
    assert all(one.isprintable() or one in spaces for one in printable(text))


def _lines_printed(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """What each call of ``echo`` or ``print`` is given first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in _PRINTS:
                yield node.lineno, node.args[0]


def _is_safe(given: ast.expr) -> bool:
    """A sentence of our own, ``printable(…)``, or numbers in an own sentence."""
    if isinstance(given, ast.Constant):
        return True
    if isinstance(given, ast.Call):
        called = getattr(given.func, "id", "")
        if called == "Text":
            return _is_safe(given.args[0])
        return called in {"printable", "_indented", "_total"}
    if isinstance(given, ast.JoinedStr):
        return all(
            isinstance(part, ast.Constant)
            or (isinstance(part, ast.FormattedValue) and _is_number(part))
            for part in given.values
        )
    # Tables are made of ``Text`` cells; their own tests look at them.
    return isinstance(given, ast.Name) and given.id in {"table", "drawn"}


def _is_number(part: ast.FormattedValue) -> bool:
    if isinstance(part.value, ast.Call) and getattr(part.value.func, "id", "") == "printable":
        return True
    form = part.format_spec
    return isinstance(form, ast.JoinedStr) and ast.unparse(form)[-2] in ",fe%"


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.name)
def test_every_line_of_a_command_goes_through_printable(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    unsafe = [
        f"{file.name}:{line}: {ast.unparse(given)}"
        for line, given in _lines_printed(tree)
        if not _is_safe(given)
    ]
    assert unsafe == []


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and all that the command said in this process, warnings too."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with pictures whose names steer, one of them broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / NAME / NAME
    folder.mkdir(parents=True)
    for number, colour in enumerate(("red", "blue", "#fe0101", "#0101fe")):
        Image.new("RGB", (9, 9), colour).save(folder / f"{number}{NAME}.png")
    (tmp_path / NAME / "blue").mkdir()
    Image.new("RGB", (9, 9), "#0202fe").save(tmp_path / NAME / "blue" / "4.png")
    (folder / f"{NAME}.jpg").write_bytes(b"\x1b[2Jno picture")
    return tmp_path


CLASSES = ("--classes", f"{NAME} red,blue")
MODEL = ("--model", "synthetic:colours")
COMMANDS_SAID = {
    "classify": ("classify", NAME, *CLASSES, *MODEL, "--out", NAME),
    "strict": ("classify", NAME, *CLASSES, *MODEL, "--strict"),
    "references": (
        *("classify", NAME, *CLASSES, *MODEL, "--references", NAME),
        *("--vision-model", "synthetic:colours"),
    ),
    "absent pictures": ("classify", f"{NAME}x", *CLASSES),
    "absent model": ("classify", NAME, *CLASSES, "--model", f"onnx:{NAME}"),
    "unknown model": ("classify", NAME, *CLASSES, "--model", NAME),
    "absent classes": ("classify", NAME, "--classes", f"{NAME}.txt"),
    "book": ("classify", NAME, "--classes", "book.json"),
    "absent book": ("classify", NAME, "--classes", f"{NAME}.yaml"),
    "absent prompts": ("classify", NAME, *CLASSES, "--prompts", f"{NAME}.txt"),
    "a file that begins like an option": ("classify", f"--{NAME}"),
    "no such command": (NAME,),
    "harvest": (
        *("harvest", NAME, *CLASSES, *MODEL, "--out", f"{NAME}h"),
        *("--vision-model", "synthetic:colours"),
    ),
    "harvest dry run": (
        *("harvest", NAME, *CLASSES, *MODEL, "--out", f"{NAME}h", "--dry-run"),
        *("--vision-model", "synthetic:colours"),
    ),
    "describe": ("describe", "--offline", *CLASSES, *MODEL, "--out", f"{NAME}.yaml"),
    "describe dry run": (
        *("describe", *CLASSES, "--dry-run", "--llm-model", NAME, "--out", "b.yaml"),
        *("--base-url", "http://127.0.0.1:9/v1"),
    ),
    "imagine dry run": (
        *("imagine", "good.json", "--dry-run", "--out", NAME, "--image-model", NAME),
    ),
    "evaluate": ("evaluate", NAME, *MODEL, "--out", f"{NAME}e"),
    "export": ("export", NAME, "--out", f"{NAME}o"),
    "doctor": ("doctor", "--model", f"onnx:{NAME}"),
    "distil prompts": (
        *("distill", "prompts", NAME, *CLASSES, "--student", f"hf:./{NAME}"),
        *("--teacher", NAME, "--out", "d"),
    ),
    "distil encoder": ("distill", "encoder", f"{NAME}.csv", "--out", f"{NAME}s"),
    "recipe": ("distill", "encoder", "--recipe", f"{NAME}.yaml", "--out", "s"),
}


@pytest.mark.parametrize("arguments", COMMANDS_SAID.values(), ids=COMMANDS_SAID)
def test_no_command_passes_a_name_on_to_the_terminal_as_it_is(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    book = {"classes": [{"name": f"{NAME} red"}, {"name": "blue", NAME: 1}]}
    (place / "book.json").write_text(json.dumps(book))
    book["classes"][1] = {"name": "blue", "synonyms": [NAME]}
    (place / "good.json").write_text(json.dumps(book))
    code, text = said(capsys, *arguments)
    assert code in (0, 1, 2)
    assert "Traceback" not in text
    assert plain(text), text
    assert r"\u202e" in text
