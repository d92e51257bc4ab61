"""A data set of a hub by its name: its parquet files, fetched once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sightglass.checks import require_extra
from sightglass.encoders.quiet import quiet_hub
from sightglass.errors import InputError, UnknownNameError, unknown_name
from sightglass.evaluation.parquet import choose_split

_NAME = re.compile(r"(?P<repository>[^/]+/[^/]+)(/(?P<folder>.+))?")
# Folders that hold a data set itself, not one of its several configurations.
_PLAIN_FOLDERS = (".", "data")
_OF = re.compile(r"-\d+-of-(?P<total>\d+)(-[0-9a-f]+)?")


def fetch_hub_dataset(name: str, *, split: str | None) -> tuple[Path, ...]:
    """The parquet files of one split of a data set of the hub, on this machine.

    A split that is already on this machine is used as it is; the network is not asked. Of others
    only the wanted split is fetched.

    Args:
        name: ``ORG/NAME``; or ``ORG/NAME/FOLDER`` where the repository has a folder for each of
            several configurations.
        split: As ``load_dataset``.

    Raises:
        InputError: If the name is none, the data set cannot be fetched or has no parquet files,
            or it has several splits or configurations and none was chosen.
        UnknownNameError: If there is no such split or configuration.
        MissingExtraError: If the hub's client is not installed.
    """
    hub = require_extra("huggingface_hub", extra="hub", purpose="A data set of a hub")
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(
            f"Data set: 'hf:{name}' needs the name of a data set on the hub. Write hf:ORG/NAME."
        )
    repository, folder = match["repository"], match["folder"]
    with quiet_hub():
        try:
            return _cached(hub, repository, folder, split)
        except (InputError, UnknownNameError, OSError, ValueError):
            pass  # not here, or not this split of it
        files = _select(_listed(hub, repository), repository, folder, split)
        home = _downloaded(hub, repository, files)
    return tuple(home / file for file in files)


def _cached(hub: Any, repository: str, folder: str | None, split: str | None) -> tuple[Path, ...]:
    """The split's files, if all of them were fetched before; an error if not."""
    # What the client holds a whole copy against: not the other splits of the repository.
    places = ("", "*/") if folder is None else (f"{folder}/",)
    names = ("*",) if split is None else (split, f"{split}-[0-9]*-of-*")
    wanted = [f"{place}{name}.parquet" for place in places for name in names]
    home = Path(
        hub.snapshot_download(
            repository, repo_type="dataset", allow_patterns=wanted, local_files_only=True
        )
    )
    here = [file.relative_to(home) for file in sorted(home.rglob("*.parquet"))]
    files = _select(here, repository, folder, split)
    match = _OF.search(files[0].stem)
    if match and len(files) != int(match["total"]):
        raise InputError(f"Data set: 'hf:{repository}' is here only in part.")
    return tuple(home / file for file in files)


def _listed(hub: Any, repository: str) -> list[Path]:
    if hub.is_offline_mode():
        raise _not_fetched(repository, "HF_HUB_OFFLINE is set")
    try:
        siblings = hub.HfApi().repo_info(repository, repo_type="dataset").siblings or ()
    except Exception as error:  # the client's errors have no common public root
        raise _not_fetched(repository, _reason(error)) from error
    names = sorted(sibling.rfilename for sibling in siblings)
    return [Path(PurePosixPath(name)) for name in names if name.endswith(".parquet")]


def _select(
    files: Sequence[Path], repository: str, folder: str | None, split: str | None
) -> tuple[Path, ...]:
    """The files of one split in one folder of the repository."""
    by_folder: dict[str, list[Path]] = {}
    for file in files:
        by_folder.setdefault(file.parent.as_posix(), []).append(file)
    if not by_folder:
        raise InputError(
            f"Data set: 'hf:{repository}' needs parquet files, has none. Fetch it by hand and "
            "give its folder."
        )
    if folder is None:
        folder = next((plain for plain in _PLAIN_FOLDERS if plain in by_folder), None)
    if folder is None and len(by_folder) == 1:
        folder = next(iter(by_folder))
    if folder is None:
        raise InputError(
            f"Data set: 'hf:{repository}' holds several data sets ({', '.join(by_folder)}). Say "
            f"which, e.g. hf:{repository}/{next(iter(by_folder))}."
        )
    if folder not in by_folder:
        raise unknown_name(f"folder of 'hf:{repository}'", folder, by_folder)
    return choose_split(by_folder[folder], split=split, where=f"hf:{repository}")


def _downloaded(hub: Any, repository: str, files: Sequence[Path]) -> Path:
    names = [file.as_posix() for file in files]
    try:
        return Path(hub.snapshot_download(repository, repo_type="dataset", allow_patterns=names))
    except Exception as error:  # the client's errors have no common public root
        raise _not_fetched(repository, _reason(error)) from error


def _reason(error: Exception) -> str:
    """Why the client failed, for a person. An answer of the hub may lie one error deeper."""
    for candidate in (error, error.__cause__):
        status = getattr(getattr(candidate, "response", None), "status_code", None)
        if status in (401, 404):
            return "the hub knows no such public data set"
        if status == 403:
            return "its authors ask for an agreement on its page first"
        if status is not None:
            return f"the hub answered {status}"
    return (
        "this is no data set's name"
        if isinstance(error, ValueError)
        else "the hub could not be reached"
    )


def _not_fetched(repository: str, reason: str) -> InputError:
    return InputError(
        f"Data set: 'hf:{repository}' is not on this machine and could not be fetched ({reason}). "
        "Run once with a connection, or give a file or folder."
    )
