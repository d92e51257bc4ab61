"""Where a class book is to be written: seen to before it is made, and nothing there is lost."""

from __future__ import annotations

from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.class_book import SUFFIXES, ClassBook, read_class_book
from sightglass.whole_files import require_writable


def prepare_book_path(path: Path) -> None:
    """See that a book can be written to ``path``, before anything is paid for; make its folder.

    Raises:
        InputError: If it cannot, or the suffix is none of a book's.
    """
    if path.suffix.casefold() not in SUFFIXES:
        raise InputError(
            f"Class book '{path}': a file that ends in {', '.join(SUFFIXES)} is needed. Rename it."
        )
    needed, advice = f"Class book '{path}': a file that can be written is needed", "Choose another."
    if path.is_dir():
        raise InputError(f"{needed} (it is a folder). {advice}")
    if path.exists() and not path.is_file():
        raise InputError(f"{needed} (it is a pipe or a device). {advice}")
    require_writable(path.parent, needed=needed, advice=advice)


def set_aside(path: Path, book: ClassBook) -> Path | None:
    """Rename the file at ``path`` unless it says what ``book`` says: a person may have edited it.

    Returns:
        The name that it has now; None where there was no other book.
    """
    if not path.exists():
        return None
    try:
        if read_class_book(path) == book:
            return None
    except InputError:
        pass  # no book, or a damaged one: all the more not ours to destroy
    number = 1
    while (aside := path.with_name(f"{path.stem}.old-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    return aside
