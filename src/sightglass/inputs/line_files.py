"""Text files with one entry per line: class names, templates."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.absent_path import advice_on_absent
from sightglass.inputs.bounded_bytes import read_at_most

LARGEST = 1 << 30  # bytes
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def looks_like_a_file(text: str) -> bool:
    """True where ``text`` has a path separator or ends in a suffix such as ``.txt``."""
    return "/" in text or "\\" in text or _SUFFIX.search(text) is not None


def read_line_file(path: Path, *, where: str, max_bytes: int = LARGEST) -> tuple[str, ...]:
    """The file's entries, stripped, in order.

    UTF-8, with or without a byte order mark; any line ending. Blank lines and lines that start
    with ``#`` are no entries.

    Args:
        path: The file.
        where: How a message begins, e.g. ``"Class names"``.
        max_bytes: More are not read, nor what has no end.

    Raises:
        InputError: If the file is absent, a folder, refused by the operating system, too large,
            not UTF-8, or has no entry.
    """
    try:
        # Decoded by hand: an error then knows the byte's position in the file.
        data = read_at_most(path, max_bytes)
        text = None if data is None else data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{where}: the file '{path}' does not exist. {_advice(path)}") from error
    except IsADirectoryError as error:
        raise InputError(
            f"{where}: a text file is needed, got the folder '{path}'. Give a .txt file, one "
            "entry per line."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: '{path}' must be UTF-8 text, got another encoding (byte {error.start + 1} "
            "makes no sense as UTF-8). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise InputError(
            f"{where}: the file '{path}' cannot be read ({error.strerror or error}). Check its "
            "permissions."
        ) from error
    if text is None:
        raise InputError(
            f"{where}: a text file of at most {max_bytes:,} bytes is needed, '{path}' has more. "
            "Check the path, or split the file."
        )
    # Not splitlines(): that would also cut at form feeds and Unicode separators within a line.
    lines = (line.strip() for line in re.split(r"\r\n|\r|\n", text))
    entries = tuple(line for line in lines if line and not line.startswith("#"))
    if not entries:
        raise InputError(f"{where}: '{path}' has no entries. Write one per line.")
    return entries


def _advice(path: Path) -> str:
    """What to do about a file that does not exist."""
    if not path.parent.is_dir():
        return f"Nor does the folder '{path.parent}'. Check the path."
    return advice_on_absent(path, fits=os.path.isfile)
