"""Open Images V6, test: pictures with every class that a person verified in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError
from sightglass.evaluation.data_efficient.dataset import FlatHitDataset, Labelled
from sightglass.evaluation.data_efficient.known import KnownSet
from sightglass.evaluation.data_efficient.official_lines import (
    bad_line,
    first_file,
    numbered_lines,
    numbered_rows,
    present_file,
)
from sightglass.evaluation.dataset_folders import inner_folder, picture_names

_DESCRIPTIONS = (
    "oidv6-class-descriptions.csv",
    "class-descriptions.csv",
    "oidv7-class-descriptions.csv",
)
# A person's own choice goes before the list of the paper.
_CANDIDATES = ("candidates.txt", "oidv6-classes.txt")
_LABELS = (
    "test-annotations-human-imagelabels.csv",
    "oidv6-test-annotations-human-imagelabels.csv",
    "oidv7-test-annotations-human-imagelabels.csv",
)
_PICTURES = ("test", "images/test")
_COLUMNS = ("ImageID", "LabelName", "Confidence")


def read_open_images(place: Path, known: KnownSet) -> FlatHitDataset:
    """The test pictures in ``place``.

    The candidates are the classes of ``candidates.txt`` or ``oidv6-classes.txt``, one LabelName
    per line, in that order; where neither is there, all that the descriptions name, in theirs. A
    picture's classes are those that some row of the label file verifies.

    Raises:
        InputError: If a file is absent, or says something that cannot be.
    """
    folder = inner_folder(place, _PICTURES)
    if folder is None:
        raise InputError(f"'{place}' needs the folder test, has none. {known.source.wanted}")
    names = _descriptions(first_file(place, _DESCRIPTIONS, known.source))
    listed = present_file(place, _CANDIDATES)
    chosen = tuple(names) if listed is None else _chosen(listed, names)
    index = {label: at for at, label in enumerate(chosen)}
    file = first_file(place, _LABELS, known.source)
    verified = _verified(file, index, described=names)
    files = {Path(name).stem: name for name in reversed(picture_names(folder))}
    pictures: tuple[Labelled, ...] = tuple(
        (files[one], tuple(sorted(verified.labels[one])))
        for one in sorted(files)
        if one in verified.labels
    )
    return FlatHitDataset(
        name=known.name,
        folder=str(folder),
        candidates=tuple(names[label] for label in chosen),
        pictures=lambda: iter(pictures),
        n_pictures=len(pictures),
        missing=len(verified.labels.keys() - files.keys()),
        unlabelled=len(files) - len(pictures),
        remarks=verified.remarks(file),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    """What the label file says is there.

    Attributes:
        labels: By ImageID the candidates; pictures without any are absent.
        nameless: By LabelName that has no description, how many rows verify it.
        beside: How many rows verify a class that is described but no candidate.
    """

    labels: dict[str, set[int]]
    nameless: dict[str, int]
    beside: int

    def remarks(self, file: Path) -> tuple[str, ...]:
        told = []
        if self.nameless:
            told.append(
                f"{file.name}: {sum(self.nameless.values()):,} labels of {len(self.nameless):,} "
                f"classes are left out, because the descriptions do not name them; the first is "
                f"'{next(iter(self.nameless))}'."
            )
        if self.beside:
            told.append(
                f"{file.name}: {self.beside:,} labels are left out, because their classes are no "
                f"candidates."
            )
        return tuple(told)


def _descriptions(path: Path) -> dict[str, str]:
    """LabelName to DisplayName in the order of the file, with or without its heading."""
    names: dict[str, str] = {}
    for number, row in numbered_rows(path):
        if number == 1 and row == ["LabelName", "DisplayName"]:
            continue
        if len(row) != 2 or not row[0].strip() or not row[1].strip():
            raise bad_line(path, number, "a LabelName and a DisplayName", ",".join(row))
        if row[0] in names:
            raise bad_line(path, number, "a LabelName that has no other line", row[0])
        names[row[0]] = row[1].strip()
    return names


def _chosen(path: Path, names: Mapping[str, str]) -> tuple[str, ...]:
    """LabelNames, one per line; each of them described."""
    chosen: dict[str, None] = {}
    for number, line in numbered_lines(path):
        if not line or (number == 1 and line == "LabelName"):
            continue
        if line not in names or line in chosen:
            raise bad_line(path, number, "a described LabelName, each once,", line)
        chosen[line] = None
    return tuple(chosen)


def _verified(path: Path, index: Mapping[str, int], *, described: Collection[str]) -> _Verified:
    rows = numbered_rows(path)
    _, heading = next(rows, (1, []))
    if not set(_COLUMNS) <= set(heading):
        raise bad_line(path, 1, f"a heading with {', '.join(_COLUMNS)}", ",".join(heading))
    image, label, confidence = (heading.index(column) for column in _COLUMNS)
    labels: dict[str, set[int]] = {}
    nameless: dict[str, int] = {}
    beside = 0
    for number, row in rows:
        if len(row) != len(heading) or row[confidence] not in {"0", "0.0", "1", "1.0"}:
            wanted = f"{len(heading)} columns with a confidence of 0 or 1"
            raise bad_line(path, number, wanted, ",".join(row))
        if row[confidence].startswith("0"):
            continue
        at = index.get(row[label])
        if at is not None:
            labels.setdefault(row[image], set()).add(at)
        elif row[label] in described:
            beside += 1
        else:
            nameless[row[label]] = nameless.get(row[label], 0) + 1
    return _Verified(labels=labels, nameless=nameless, beside=beside)
