"""TinyImageNet as its authors publish it: folders by WordNet id, names in a list of words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightglass.errors import InputError, PictureError, unknown_name
from sightglass.evaluation.labelled_pictures import LabelledPictures
from sightglass.evaluation.public_sources import PUBLIC_SOURCES
from sightglass.inputs.file_bytes import read_bytes

_SPLITS = ("val", "train")
_IDS, _WORDS, _ANNOTATIONS = "wnids.txt", "words.txt", "val_annotations.txt"


def is_tiny_imagenet(folder: Path) -> bool:
    """Whether ``folder`` is TinyImageNet, by its list of WordNet ids."""
    return (folder / _IDS).is_file()


def read_tiny_imagenet(folder: Path, *, split: str = "val") -> LabelledPictures:
    """The pictures of one split; classes in ascending order of their WordNet ids.

    This is the order that the open-set splits count in, and not that of ``wnids.txt``. Class names
    are all synonyms of the synset: "goldfish, Carassius auratus".

    Args:
        folder: ``tiny-imagenet-200``.
        split: ``"val"`` or ``"train"``; the labels of the test split were never published.

    Raises:
        InputError: If a file is absent or says something that cannot be.
        UnknownNameError: If there is no such split.
    """
    if split not in _SPLITS:
        raise unknown_name(f"labelled split of '{folder}'", split, _SPLITS)
    ids = sorted(set(_lines(folder / _IDS)))
    if not ids:
        raise InputError(
            f"Data set: '{folder / _IDS}' needs WordNet ids, one per line, has none. "
            f"{PUBLIC_SOURCES['tinyimagenet'].wanted}"
        )
    names = _names(folder / _WORDS, ids)
    annotations = folder / split / _ANNOTATIONS
    if annotations.is_file():
        pictures = _annotated(annotations, ids)
    else:
        pictures = _by_folder(folder / split, ids)
    paths = tuple(path for path, _ in pictures)

    def read() -> Iterator[bytes | PictureError]:
        for path in paths:
            try:
                yield read_bytes(path)[0]
            except PictureError as error:
                yield error

    labels = np.array([label for _, label in pictures], dtype=np.int64)
    return LabelledPictures(class_names=names, labels=labels, read=read)


def _lines(path: Path) -> list[str]:
    """The lines that say something, without what surrounds them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(
            f"Data set: TinyImageNet needs the file '{path}', which cannot be read ({reason}). "
            f"{PUBLIC_SOURCES['tinyimagenet'].wanted}"
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names(path: Path, ids: list[str]) -> tuple[str, ...]:
    """The synonyms of each id; the list has those of all of WordNet."""
    words = dict(line.split("\t", 1) for line in _lines(path) if "\t" in line)
    nameless = [wordnet_id for wordnet_id in ids if not words.get(wordnet_id, "").strip()]
    if nameless:
        raise InputError(
            f"Data set: '{path}' must have a line '{nameless[0]}', a tab and its words, has none. "
            f"{PUBLIC_SOURCES['tinyimagenet'].wanted}"
        )
    return tuple(words[wordnet_id].strip() for wordnet_id in ids)


def _annotated(annotations: Path, ids: list[str]) -> list[tuple[Path, int]]:
    """Pictures in the order of the list that says each one's class."""
    index = {wordnet_id: position for position, wordnet_id in enumerate(ids)}
    pictures = []
    for number, line in enumerate(_lines(annotations), start=1):
        name, _, rest = line.partition("\t")
        wordnet_id = rest.partition("\t")[0]
        if wordnet_id not in index or name != Path(name).name:
            raise InputError(
                f"Data set: line {number} of '{annotations}' must be a picture's file name, a tab "
                f"and an id of {_IDS}, got '{line[:60]}'. {PUBLIC_SOURCES['tinyimagenet'].wanted}"
            )
        pictures.append((annotations.parent / "images" / name, index[wordnet_id]))
    return _not_empty(pictures, annotations)


def _by_folder(split: Path, ids: list[str]) -> list[tuple[Path, int]]:
    """Pictures of ``split/<id>`` or ``split/<id>/images``: the training split, or a sorted one."""
    pictures = []
    for label, wordnet_id in enumerate(ids):
        home = split / wordnet_id
        home = home / "images" if (home / "images").is_dir() else home
        found = sorted(path for path in home.glob("*") if path.suffix.casefold() == ".jpeg")
        if not found:
            raise InputError(
                f"Data set: TinyImageNet needs pictures (.JPEG) in '{home}', found none. "
                f"{PUBLIC_SOURCES['tinyimagenet'].wanted}"
            )
        pictures += [(path, label) for path in found]
    return pictures


def _not_empty(pictures: list[tuple[Path, int]], where: Path) -> list[tuple[Path, int]]:
    if not pictures:
        raise InputError(
            f"Data set: '{where}' needs one line per picture, has none. "
            f"{PUBLIC_SOURCES['tinyimagenet'].wanted}"
        )
    return pictures
