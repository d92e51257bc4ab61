"""One harness under atheris, in a process of its own; started by ``run.py``.

    python fuzz/fuzz_one.py NAME FINDINGS [options of libFuzzer and folders of inputs]

A finding does not stop the search: the input is kept, once for each kind of error and place.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
import warnings
from pathlib import Path
from random import Random

import atheris

from harness import FOLLOWED, load_harness
from trees import mutated

PACKAGE = "sightglass"
_BYTES_SHARE = 0.25  # of a tree's mutations are of its bytes


def main() -> None:
    """Fuzz until libFuzzer's own limits end the process."""
    name, findings = sys.argv[1], Path(sys.argv[2])
    options = [sys.argv[0], *sys.argv[3:]]
    with atheris.instrument_imports(include=[PACKAGE, *FOLLOWED[name]]):
        harness = load_harness(name)
    warnings.simplefilter("error")
    seen: set[str] = set()

    def one_input(data: bytes) -> None:
        try:
            harness.one_input(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a library's panic is no Exception
            kind = _kind(error)
            if kind not in seen:
                seen.add(kind)
                _keep(findings, data, error, kind)

    def mutator(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() >= _BYTES_SHARE:
            changed = mutated(data, random, harness.words)
            if changed is not None and len(changed) <= most:
                return changed
        return atheris.Mutate(data, most)

    more = {"custom_mutator": mutator} if harness.tree else {}
    atheris.Setup(options, one_input, enable_python_coverage=True, **more)
    atheris.Fuzz()


def _kind(error: BaseException) -> str:
    """The error's type and the deepest line of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if f"/{PACKAGE}/" in one.filename or "/fuzz/" in one.filename]
    last = ours[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _keep(folder: Path, data: bytes, error: BaseException, kind: str) -> None:
    stem = hashlib.sha256(kind.encode()).hexdigest()[:8]
    (folder / f"{stem}.input").write_bytes(data)
    trace = "".join(traceback.format_exception(error, limit=-12))
    (folder / f"{stem}.txt").write_text(f"{kind}\n\n{trace}", errors="backslashreplace")


if __name__ == "__main__":
    main()
