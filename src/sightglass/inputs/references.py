"""ReferenceSet: pictures that show what a class looks like, each with where it came from."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sightglass.errors import InputError, PictureError, closest
from sightglass.inputs.file_bytes import read_bytes
from sightglass.inputs.inner_path import is_inner, stays_within
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.whole_files import replacing

if TYPE_CHECKING:
    from jaxtyping import Int

RECORD = "references.json"
FORMAT: Literal["sightglass-references-1"] = "sightglass-references-1"

_SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .jpeg .jpg .png .ppm .tif .tiff .webp".split()  # noqa: SIM905
)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)  # Windows' devices
_LONGEST = 120  # bytes; file systems take 255, some of which the digits and suffixes need


def _inner(path: str) -> str:
    if not is_inner(path):
        raise ValueError(f"'{path}' must lie in this folder, relative to it, with forward slashes")
    return path


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(_Frozen):
    """Where one reference picture came from."""

    path: Annotated[str, AfterValidator(_inner)] = Field(
        description="relative to the folder, with forward slashes"
    )
    class_name: str
    origin: Literal["imagined", "harvested", "brought"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    generator: str | None = Field(default=None, description="model that made or chose it")
    prompt: str | None = None
    seed: int | None = None
    partner: str | None = Field(default=None, description="the class it is easily confused with")
    features: tuple[str, ...] = Field(default=(), description="what both have in common")
    source: str | None = Field(default=None, description="the file that it is a copy of")
    licence: str | None = None
    filter_score: float | None = Field(
        default=None, allow_inf_nan=False, description="what the filter said of it"
    )
    created: str | None = Field(default=None, description="ISO 8601")


class ReferenceRecord(_Frozen):
    """What ``references.json`` holds."""

    format: Literal["sightglass-references-1"] = FORMAT
    rule: str | None = Field(default=None, description="how the pictures were chosen, in words")
    pictures: tuple[Provenance, ...] = ()
    classes_without: dict[str, str] = Field(
        default_factory=dict, description="class name -> why it has no reference"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePicture:
    """One reference.

    Attributes:
        source: A path; or a name with the file's bytes.
        class_index: Which class it shows.
        provenance: Where it came from, if a record says so.
    """

    source: str | tuple[str, bytes]
    class_index: int
    provenance: Provenance | None = None

    @property
    def name(self) -> str:
        """The path, or the name that came with the bytes."""
        return self.source if isinstance(self.source, str) else self.source[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceSet:
    """References of some or all classes, sorted by class, then by name.

    Attributes:
        pictures: At least one.
        n_classes: Size of the label set that ``class_index`` counts in.
    """

    pictures: tuple[ReferencePicture, ...]
    n_classes: int

    @cached_property
    def labels(self) -> Int[np.ndarray, " n_references"]:
        """Class index of each picture."""
        return np.array([picture.class_index for picture in self.pictures], np.int64)


def class_folder(name: str) -> str:
    """The folder's name for a class: the class's own, where every file system takes it.

    Otherwise what is left of it, and six digits that keep it apart from other classes' folders:
    "a/b" and "a:b" would both be "a-b".
    """
    spelled = name.strip()
    safe = _safe(spelled)
    if safe == spelled:
        return safe
    return f"{safe}-{hashlib.sha256(name_key(name).encode()).hexdigest()[:6]}"


def read_references(folder: Path, labels: LabelSet) -> ReferenceSet:
    """The pictures in ``folder/<class>/``; sub-folders and hidden files are not searched.

    A class folder may bear any of its class's names, or what ``class_folder`` makes of one; case,
    underscores and spacing do not matter, the whole name does. Entries of the record whose picture
    is gone are passed over; a picture without an entry was brought by the person, and may be a
    link to wherever they like.

    Raises:
        InputError: If there is no such folder, it cannot be read, a class folder bears the name of
            no class, a picture lies outside of the class folders or in another class's than the
            record says, one of the record's is a link out of the folder, there is no picture, or
            the record is damaged.
    """
    where = f"References '{folder}'"
    if not folder.is_dir():
        raise InputError(
            f"{where}: a folder with one folder of pictures per class is needed, there is none. "
            f"Check the path."
        )
    index_of = _folder_names(labels)
    known = {entry.path: entry for entry in read_record(folder).pictures}
    pictures = []
    for place in _listed(folder, where):
        if not place.is_dir():
            if _is_picture(place):
                raise InputError(
                    f"{where}: pictures are needed in one folder per class, '{place.name}' lies "
                    f"outside of them. Move it into its class's folder, or away."
                )
            continue
        index = index_of.get(name_key(place.name))
        if index is None:
            near = closest(place.name, [name for names in labels.synonyms for name in names])
            hint = f"Did you mean '{class_folder(near)}'? " if near else ""
            raise InputError(
                f"{where}: every folder in it must bear the name of a class, '{place.name}' is "
                f"none. {hint}Rename or remove it, or add the class."
            )
        for path in filter(_is_picture, _listed(place, where)):
            entry = known.get(path.relative_to(folder).as_posix())
            if entry is not None and index_of.get(name_key(entry.class_name)) != index:
                raise InputError(
                    f"{where}: a picture must lie in its class's folder, '{entry.path}' is of "
                    f"'{entry.class_name}' by {RECORD}. Move the file, or remove its entry there."
                )
            if entry is not None and not stays_within(path, folder):
                raise InputError(
                    f"{where}: what {RECORD} names must lie in the folder, '{entry.path}' is a "
                    f"link out of it. Put the picture itself there, or remove its entry."
                )
            pictures.append(ReferencePicture(source=str(path), class_index=index, provenance=entry))
    if not pictures:
        raise InputError(
            f"{where}: pictures in one folder per class are needed, found none: "
            f"{folder / class_folder(labels.names[0])}/*.png would be the first class's."
        )
    return reference_set(pictures, n_classes=len(labels.names))


def reference_set(pictures: Sequence[ReferencePicture], *, n_classes: int) -> ReferenceSet:
    """``pictures`` sorted by class, then by name."""
    ordered = sorted(pictures, key=lambda picture: (picture.class_index, picture.name))
    return ReferenceSet(pictures=tuple(ordered), n_classes=n_classes)


def read_record(folder: Path) -> ReferenceRecord:
    """What ``references.json`` in ``folder`` says; an empty record where there is no such file.

    Raises:
        InputError: If the file cannot be read or is no such record.
    """
    path = folder / RECORD
    try:
        return ReferenceRecord.model_validate_json(read_bytes(path)[0])
    except (PictureError, ValidationError) as error:
        if not os.path.lexists(path):
            return ReferenceRecord()
        first = error.detail if isinstance(error, PictureError) else error.errors()[0]["msg"]
        raise InputError(
            f"{path}: cannot be read as a record of references ({first}). Correct or remove it; "
            f"without it the pictures count as brought by you."
        ) from error


def write_record(folder: Path, record: ReferenceRecord) -> None:
    """Put ``record`` into ``folder`` whole."""
    with replacing(folder / RECORD) as stream:
        stream.write(record.model_dump_json(indent=2, exclude_defaults=False))
        stream.write("\n")


def _folder_names(labels: LabelSet) -> dict[str, int]:
    """Class index by the key of every name that its folder may bear."""
    index_of: dict[str, int] = {}
    # A class's own name goes before what another class's name becomes on a file system.
    for spelled in (str, class_folder):
        for index, names in enumerate(labels.synonyms):
            for name in names:
                index_of.setdefault(name_key(spelled(name)), index)
    return index_of


def _safe(name: str) -> str:
    """``name`` less what some file system does not take, and not too long for any."""
    kept = _UNSAFE.sub("-", name).strip(" .")
    kept = kept.encode()[:_LONGEST].decode(errors="ignore").strip(" .")
    return f"-{kept}" if not kept or _RESERVED.fullmatch(kept) else kept


def _listed(folder: Path, where: str) -> list[Path]:
    """What is in ``folder``, sorted, but for hidden files and folders."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"{where}: '{folder}' must be readable ({error.strerror}). Change its permissions."
        ) from error


def _is_picture(path: Path) -> bool:
    return path.suffix.casefold() in _SUFFIXES and path.is_file()
