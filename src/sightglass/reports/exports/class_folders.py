"""Names of folders and files that every file system takes and that never clash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePath

from sightglass.inputs.labels import name_key
from sightglass.inputs.references import class_folder
from sightglass.inputs.remote import is_url
from sightglass.inputs.valid_text import as_utf8

# Suffixes by which readers know a format. Where a file bears another one, or none, the first here
# takes its place: torchvision's ImageFolder and others pass over what they do not know by suffix.
SUFFIXES = {
    "AVIF": (".avif",),
    "BMP": (".bmp",),
    "DDS": (".dds",),
    "GIF": (".gif",),
    "HEIF": (".heic", ".heif"),
    "ICO": (".ico",),
    "JPEG": (".jpg", ".jpeg"),
    "JPEG2000": (".jp2", ".j2k"),
    "PCX": (".pcx",),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm"),
    "PSD": (".psd",),
    "QOI": (".qoi",),
    "SGI": (".sgi",),
    "SUN": (".ras",),
    "TGA": (".tga",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
_DIGITS = 16  # 64 bits of a path's hash: a million files of one name clash once in 40 million runs
_LONGEST_STEM = 100  # characters


def class_folders(names: Sequence[str]) -> dict[str, str]:
    """The folder of each class: its name, or what file systems take of it.

    No two are equal, on file systems that take "A" for "a" neither; which class gets which depends
    on the list of names alone.
    """
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        folder = class_folder(name)
        if name_key(folder) in taken:
            folder += f"-{_digits(name)}"
        taken.add(name_key(folder))
        folders[name] = folder
    return folders


def file_name(source: str, kind: str) -> str:
    """A name for the picture ``source`` in its class's folder: its own, digits, and a suffix.

    The digits are of the whole path: pictures called alike stay apart, and a picture has the same
    name whatever else is exported.

    Args:
        source: A path or URL as it stands in the results.
        kind: Pillow's name of the format.
    """
    plain = PurePath(source.partition("?")[0] if is_url(source) else source)
    known = SUFFIXES[kind]
    suffix = plain.suffix if plain.suffix.casefold() in known else known[0]
    stem = plain.stem if suffix == plain.suffix else plain.name
    spelled = as_utf8(stem)[:_LONGEST_STEM]
    return f"{class_folder(spelled or '_')}-{_digits(source)}{suffix}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
