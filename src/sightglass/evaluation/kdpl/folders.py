"""Where a data set's pictures lie, and whether all that a list names are there."""

from __future__ import annotations

from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.dataset_folders import inner_folder, picture_names
from sightglass.evaluation.kdpl.dataset import Listed
from sightglass.evaluation.kdpl.known import KnownDataset

_SHOWN = 60


def picture_folder(place: Path, known: KnownDataset) -> Path:
    """Where in ``place`` the pictures lie.

    Raises:
        InputError: If there is no such folder.
    """
    folder = inner_folder(place, known.pictures)
    if folder is None:
        raise InputError(
            f"{known.title}: '{place}' needs the folder '{known.pictures[0]}', has none. "
            f"{known.source.wanted}"
        )
    return folder


def pictures_in(folder: Path, *, label: int, below: str) -> Listed:
    """The pictures directly in ``folder`` as ``below/name``, in the order of their names."""
    return tuple((f"{below}/{name}", label) for name in picture_names(folder))


def check_present(folder: Path, listed: Listed, *, by: Path) -> None:
    """Raise InputError unless every picture that ``by`` lists is in ``folder``."""
    missing = [path for path, _ in listed if not _is_there(folder / path)]
    if missing:
        raise InputError(
            f"{by}: all {len(listed):,} pictures that it lists are needed in '{folder}', "
            f"{len(missing):,} are not there, the first is '{missing[0][:_SHOWN]}'. Complete the "
            f"folder."
        )


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have such a name
        return False
