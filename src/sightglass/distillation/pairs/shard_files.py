"""The files that a path, a folder or a pattern of shards means."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.absent_path import advice_on_absent
from sightglass.inputs.patterns import MAGIC

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def shard_files(pattern: str, *, suffix: str) -> tuple[Path, ...]:
    """The files that ``pattern`` names, in its order; those of ``*`` and of a folder by name.

    Args:
        pattern: A file; a folder, for the files in it that end in ``suffix``, or in its folder
            ``data``; ``cc-{000..011}.tar``, ``{a,b}.tar``; or with ``*``, ``?``, ``[…]``. What
            exists under its literal name is never taken for a pattern.
        suffix: With its dot.

    Raises:
        InputError: If something that is named does not exist, nothing matches, or a folder has no
            such file.
    """
    literal = Path(pattern)
    if literal.is_dir():
        places = (literal, literal / "data")
        found = next((inside for place in places if (inside := _in(place, suffix))), [])
        if not found:
            raise InputError(
                f"{pattern}: a folder with {suffix} files is needed, this one has none. Check the "
                f"path or say with kind what the folder holds."
            )
        return tuple(found)
    if literal.exists():
        return (literal,)
    files: list[Path] = []
    for name in braces(pattern):
        if MAGIC.search(name):
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - keeps the spelling
            if not matches:
                raise InputError(f"{name}: nothing matches this pattern. Check the path.")
            files.extend(Path(match) for match in matches)
        elif Path(name).is_file():
            files.append(Path(name))
        else:
            raise InputError(f"{name}: there is no such file. {_advice(Path(name))}")
    return tuple(dict.fromkeys(files))


def shard_suffix(path: str) -> str | None:
    """``.parquet`` or ``.tar``, if that is what the path, the pattern or the folder is of."""
    for suffix in (".parquet", ".tar"):
        if Path(path).is_dir():
            if _in(Path(path), suffix) or _in(Path(path) / "data", suffix):
                return suffix
        elif path.casefold().endswith(suffix):
            return suffix
    return None


def braces(pattern: str) -> list[str]:
    """All that the braces mean: ``{08..10}`` is 08, 09, 10; ``{a,b}`` is a, b.

    Raises:
        InputError: If a range runs downwards.
    """
    match = _BRACES.search(pattern)
    if match is None:
        return [pattern]
    return [
        pattern[: match.start()] + choice + rest
        for choice in _choices(match[1], pattern)
        for rest in braces(pattern[match.end() :])
    ]


def _choices(inside: str, pattern: str) -> list[str]:
    bounds = _RANGE.fullmatch(inside)
    if bounds is None:
        return inside.split(",")
    first, last = int(bounds[1]), int(bounds[2])
    if last < first:
        raise InputError(
            f"{pattern}: a range must run upwards, got {{{inside}}}. Write "
            f"{{{bounds[2]}..{bounds[1]}}}."
        )
    return [f"{number:0{len(bounds[1])}}" for number in range(first, last + 1)]


def _in(folder: Path, suffix: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.casefold() == suffix and not path.name.startswith(".")
    )


def _advice(path: Path) -> str:
    if not path.parent.is_dir():
        return f"Nor is there a folder '{path.parent}'. Check the path."
    return advice_on_absent(path)
