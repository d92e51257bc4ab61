"""Tens of thousands of damaged, odd and hostile files, the same from the same seed. Linux only.

    python bench/fuzz_corpus.py --files 20000 --seed 1 --out .bench/faults

The list of what was written, which the function returns, is the oracle of what must be found.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_mutations import NAMES, mutated
from fuzz_nasty import nasty
from fuzz_seeds import encoded, picture, seeds

FOLDER = Path(__file__).parents[1] / ".bench" / "faults"
PER_FOLDER = 1_000

# Names that file systems allow and programs do not expect; {} keeps them apart.
_ODD_NAMES = (
    " both ends {} ", "two\nlines{}.jpg", "carriage\rreturn{}.jpg", "tab\t{}.jpg", "-rf{}",
    "--out={}", "=1+1+{}", "+1{}", "@sum{}", "-1+1{}", "=cmd|'/c calc'!A{}", "'single{}'.jpg",
    '"double{}".jpg', '",",{}', "<script>alert({})</script>", "<img src=x onerror=a{}>",
    "</script>{}.jpg".replace("/", "\N{DIVISION SLASH}"), "\u202egpj.{}exe", "\u200f{}\u200f.png",
    "\x1b[31mred{}\x1b[0m.png", "\x1b]0;title{}\a.png", "\x9b31m{}", "bell\a{}", "%s%n{}.jpg",
    "{{{}}}.jpg", "$(id){}.jpg", "`id`{}.jpg", "a;b&c|{}.jpg", "back\\slash{}.jpg", "*{}", "[{}]?",
    "**{}", "~{}", "#{}", "CON{}", "nul{}.png", "...{}", ".{}", "\N{SNOWMAN}{}.webp",
    "u\N{COMBINING DIAERESIS}{}.jpg", "\N{LATIN SMALL LETTER U WITH DIAERESIS}{}.jpg",
    "\N{ZERO WIDTH JOINER}{}", "\N{LINE SEPARATOR}{}", "\N{NO-BREAK SPACE}{}",
    os.fsdecode(b"latin-\xe9{}.jpg"), os.fsdecode(b"\xff\xfe{}"), os.fsdecode(b"cut-\xe2\x82{}"),
    os.fsdecode(b"surrogate-\xed\xa0\x80{}"), "a" * 240 + "{}", "predictions{}.csv",
    "report{}.html",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzFile:
    """One thing in the corpus that must get a row.

    Attributes:
        path: As it will be found.
        kind: The format of the picture it was made from, ``known cases`` or ``no files``.
        way: How it was damaged.
        must: ``used`` or ``unreadable`` where the outcome is certain, else empty.
    """

    path: str
    kind: str
    way: str
    must: str = ""


def write_corpus(folder: Path, *, files: int, seed: int = 0) -> list[FuzzFile]:
    """Write exactly ``files`` files, links and pipes included, below ``folder``, which is empty.

    Args:
        folder: Made where it is missing.
        files: At least some hundred: the known cases come first, mutations fill up.
        seed: Decides the mutations.

    Returns:
        One for each row that must come; folders that cannot be listed are among them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = [*_known_cases(folder / "known"), *_odd_names(folder / "names")]
    found += _no_files(folder / "special")
    rng = random.Random(seed)
    whole = seeds()
    for number in range(files - len(found)):
        one = whole[number % len(whole)]
        way = NAMES[number // len(whole) % len(NAMES)]
        name = f"{number:06d}-{one.layout.replace(' ', '-').replace(';', '')}-{way}.{one.suffix}"
        path = folder / f"{number // PER_FOLDER:04d}" / name
        _write(path, mutated(one, way, rng))
        # Only the claim of a progressive arithmetic frame over other data is no picture at all.
        certain = way == "whole" and one.layout != "arithmetic progressive"
        must = "used" if certain else ""
        found.append(FuzzFile(path=os.fspath(path), kind=one.kind, way=way, must=must))
    return found


def remove_corpus(folder: Path) -> None:
    """Remove it, with the folders in it that may not be listed."""
    for name in ("unlisted", "unsearched"):
        locked = folder / "special" / name
        if locked.is_dir():
            locked.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _known_cases(folder: Path) -> Iterator[FuzzFile]:
    for name, data in nasty():
        _write(folder / name, data)
        yield FuzzFile(path=os.fspath(folder / name), kind="known cases", way=name)


def _odd_names(folder: Path) -> Iterator[FuzzFile]:
    for number, pattern in enumerate(_ODD_NAMES):
        path = folder / pattern.replace("{}", str(number))
        _write(path, encoded(picture(number), "JPEG"))
        yield FuzzFile(path=os.fspath(path), kind="JPEG", way="name", must="used")


def _no_files(folder: Path) -> Iterator[FuzzFile]:
    """Links, pipes, what may not be read; folders that lead to themselves, which are no rows."""
    data = encoded(picture(), "PNG")
    _write(folder / "whole.png", data)
    os.mkfifo(folder / "pipe.jpg")
    os.mknod(folder / "socket.jpg", stat.S_IFSOCK | 0o600)
    links = {
        "to_nothing.jpg": "gone.jpg",
        "to_itself.jpg": "to_itself.jpg",
        "to_and_fro_1.jpg": "to_and_fro_2.jpg",
        "to_and_fro_2.jpg": "to_and_fro_1.jpg",
        "to_pipe.jpg": "pipe.jpg",
        "to_zeros.jpg": "/dev/zero",
        "to_terminal.jpg": "/dev/tty",
        "to_memory.jpg": "/proc/self/mem",
        "to_picture.jpg": "whole.png",
        "to_long_name.jpg": "x" * 4_000,
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    for name, target in {"to_parent": "..", "to_here": ".", "to_known": "../known"}.items():
        (folder / name).symlink_to(target)
    _write(folder / "unread.png", data)
    for name in ("unlisted", "unsearched"):
        _write(folder / name / "inside.png", data)
    (folder / "unread.png").chmod(0)
    (folder / "unlisted").chmod(0)
    (folder / "unsearched").chmod(0o400)  # its names may be listed, what they name not reached
    names = ["whole.png", "pipe.jpg", "socket.jpg", "unread.png", "unlisted"]
    for name in (*names, "unsearched/inside.png", *links):
        must = "used" if name in ("whole.png", "to_picture.jpg") else "unreadable"
        yield FuzzFile(path=os.fspath(folder / name), kind="no files", way=name, must=must)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write a corpus of damaged files.")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    remove_corpus(options.out)
    written = write_corpus(options.out, files=options.files, seed=options.seed)
    print(f"{len(written):,} files in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
