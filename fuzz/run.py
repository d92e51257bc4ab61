"""Coverage-guided fuzzing of the readers that we write ourselves; needs atheris.

    python fuzz/run.py                       # every harness for a minute
    python fuzz/run.py --seconds 300 --harness card --harness store_rows

Each harness runs in a process of its own. Exit code 1 if there is any finding.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import FOLLOWED, load_harness

FOLDER = Path(__file__).parent
FINDINGS = FOLDER / "findings"
CORPUS = FOLDER / "corpus"
# Seconds for one input, and MB for all that a process holds. The libraries alone take 200.
SLOWEST, MOST_MEMORY = 10, 2048
HEADINGS = ("harness", "executions", "edges", "new inputs", "findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one harness came to.

    Attributes:
        executions: Inputs that were tried.
        edges: Branches of the followed modules that some input takes.
        new: Inputs that took a branch first and are kept for later runs.
        findings: Files with what was found, and those that libFuzzer wrote.
    """

    executions: int
    edges: int
    new: int
    findings: tuple[Path, ...]


def main() -> int:
    """Run what is asked for, print the table, and say whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each harness")
    parser.add_argument(
        "--harness", action="append", choices=FOLLOWED, help="may be repeated; by default all"
    )
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.exit("fuzz/run.py: atheris is needed, it is not installed. Run: pip install atheris")
    print(_line(HEADINGS))
    found: list[Path] = []
    for name in asked.harness or FOLLOWED:
        result = fuzz(name, seconds=asked.seconds)
        counts = (result.executions, result.edges, result.new, len(result.findings))
        print(_line((name, *(f"{count:,}" for count in counts))), flush=True)
        found.extend(result.findings)
    for path in found:
        print(f"\n{path}:\n{_what(path)}")
    return 1 if found else 0


def fuzz(name: str, *, seconds: int) -> Result:
    """One harness, for so long, in a process of its own; its earlier findings go first."""
    corpus, findings = CORPUS / name, FINDINGS / name
    shutil.rmtree(findings, ignore_errors=True)
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    known = len(list(corpus.iterdir()))
    memory = Path("/dev/shm")  # where the system has such a place, files cost next to nothing
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        log = Path(place) / "log"
        with log.open("wb") as stream:
            code = subprocess.call(
                _command(name, Path(place), seconds=seconds),
                env={**os.environ, "TMPDIR": place},
                stdout=stream,
                stderr=stream,
            )
        said = log.read_text(errors="replace")
    found = sorted(path for path in findings.iterdir() if path.suffix != ".input")
    if code and not found:  # it died without a word of what it was given
        found = [findings / "died.txt"]
        found[0].write_text(f"exit code {code}\n{said[-4000:]}")
    return Result(
        executions=_last(r"stat::number_of_executed_units:\s*(\d+)", said)
        or _last(r"#(\d+)\s", said),
        edges=_last(r"cov: (\d+)", said),
        new=len(list(corpus.iterdir())) - known,
        findings=tuple(found),
    )


def _command(name: str, place: Path, *, seconds: int) -> list[str]:
    """What libFuzzer is to do, with its dictionary and the seeds in ``place``."""
    harness = load_harness(name)
    seeds, words = place / "seeds", place / "words"
    seeds.mkdir()
    for number, seed in enumerate(harness.seeds()):
        (seeds / str(number)).write_bytes(seed)
    words.write_text("".join(f"{_quoted(word)}\n" for word in harness.words))
    return [
        *(sys.executable, str(FOLDER / "fuzz_one.py"), name, str(FINDINGS / name)),
        *(f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-max_len={harness.longest}"),
        # What is only reserved and never touched costs nothing, hence no limit of its own.
        *(f"-rss_limit_mb={MOST_MEMORY}", f"-malloc_limit_mb={1 << 20}"),
        *(f"-artifact_prefix={FINDINGS / name}/", "-print_final_stats=1"),
        *([f"-dict={words}"] if harness.words else []),
        *(str(CORPUS / name), str(seeds)),
    ]


def _last(pattern: str, said: str) -> int:
    numbers = re.findall(pattern, said)
    return int(numbers[-1]) if numbers else 0


def _quoted(word: str) -> str:
    r"""As libFuzzer wants it: ``"IHDR"``, ``"\\xFF"``; one byte for a character where that fits."""
    data = word.encode("latin-1" if max(map(ord, word)) < 256 else "utf-8")
    return '"' + "".join(f"\\x{byte:02X}" for byte in data) + '"'


def _line(cells: tuple[str, ...]) -> str:
    return f"{cells[0]:22}" + "".join(f"{cell:>12}" for cell in cells[1:])


def _what(path: Path) -> str:
    if path.suffix == ".txt":
        return path.read_text(encoding="utf-8", errors="replace")
    return f"libFuzzer kept this input ({path.name.split('-')[0]}): {path.read_bytes()[:200]!r}"


if __name__ == "__main__":
    sys.exit(main())
