"""Opens a recipe's sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightglass.distillation.pairs.folder_source import FolderSource
from sightglass.distillation.pairs.mix import Mix
from sightglass.distillation.pairs.parquet_source import ParquetSource
from sightglass.distillation.pairs.part_source import PartSource
from sightglass.distillation.pairs.shard_files import shard_suffix
from sightglass.distillation.pairs.source import PairSource
from sightglass.distillation.pairs.source_settings import ONLY, Kind, SourceSettings
from sightglass.distillation.pairs.table_file import SUFFIXES
from sightglass.distillation.pairs.table_source import TableSource
from sightglass.distillation.pairs.webdataset_source import WebdatasetSource
from sightglass.distillation.pairs.worded_source import WordedSource, spoken_name
from sightglass.errors import InputError
from sightglass.inputs.line_files import read_line_file
from sightglass.inputs.templates import check_templates


def open_mix(settings: Sequence[SourceSettings]) -> Mix:
    """All sources with their weights; without any weight each row of each comes equally often.

    Raises:
        InputError: If a source cannot be opened, or some have a weight and others none.
        MissingExtraError: If one needs pyarrow, which is not installed.
    """
    weights = [one.weight for one in settings if one.weight is not None]
    if weights and len(weights) < len(settings):
        without = next(one.path for one in settings if one.weight is None)
        raise InputError(
            f"{without}: a weight is needed, as other sources have one. Give every source a "
            f"weight, or none: rows then count."
        )
    return Mix([open_source(one) for one in settings], weights or None)


def open_source(settings: SourceSettings) -> PairSource:
    """The source that the settings describe.

    Class names are spoken ones: without underscores and, by default, further synonyms.

    Raises:
        InputError: If it cannot be opened, a setting is none of its kind's, or what is asked for
            (labels, captions) is not there.
        MissingExtraError: If it needs pyarrow, which is not installed.
    """
    kind = kind_of(settings.path) if settings.kind == "auto" else settings.kind
    for name, kinds in ONLY.items():
        if getattr(settings, name) is not None and kind not in kinds:
            raise InputError(
                f"{settings.path}: the setting {name} is for sources of the kind "
                f"{' or '.join(kinds)}, this is a {kind}. Leave it out, or say another kind."
            )
    source = _worded(_opened(settings, kind), settings)
    if settings.use is None:
        return source
    first, last = settings.use.split(":")
    return PartSource(source, int(first or 0), int(last) if last else None)


def kind_of(path: str) -> Kind:
    """The kind of source that a path most likely is; a folder by the files right in it."""
    suffix = shard_suffix(path)
    if suffix is not None:
        return "parquet" if suffix == ".parquet" else "webdataset"
    return "table" if Path(path).suffix.casefold() in SUFFIXES else "folder"


def _opened(settings: SourceSettings, kind: Kind) -> PairSource:
    named = settings.class_names
    names = () if named is None else read_line_file(Path(named), where="Class names")
    if kind == "table":
        return TableSource(
            settings.path,
            images=settings.images,
            image_column=settings.image_column,
            caption_column=settings.caption_column,
            label_column=settings.label_column,
            class_names=names,
        )
    if kind == "parquet":
        return ParquetSource(
            settings.path,
            image_column=settings.image_column,
            caption_column=settings.caption_column,
            label_column=settings.label_column,
            class_names=names,
        )
    if kind == "webdataset":
        return WebdatasetSource(settings.path, class_names=names)
    # The folders' names are the classes even where the labels are then hidden.
    return FolderSource(settings.path, labels=bool(settings.labels) or settings.captions == "class")


def _worded(source: PairSource, settings: SourceSettings) -> PairSource:
    """The source with the captions, names and labels that are asked for."""
    where = settings.path
    if settings.labels and not source.labelled:
        raise InputError(f"{where}: labels are asked for, but there are none. Leave labels out.")
    if settings.captions == "column" and not source.captioned:
        raise InputError(
            f"{where}: captions are asked for, but there are none. Name their column with "
            f"caption_column, or leave captions out."
        )
    classes = tuple(spoken_name(one, first_name=settings.first_name) for one in source.classes)
    captions: list[tuple[str, ...]] | None = None
    if settings.captions == "none":
        captions = []
    elif settings.captions == "class":
        if not classes:
            raise InputError(
                f"{where}: captions of class names need class names, this source has none. Name "
                f"them with class_names, or take other captions."
            )
        templates = check_templates(settings.templates)
        captions = [tuple(one.format(name) for one in templates) for name in classes]
    labels = settings.labels is not False
    return WordedSource(source, captions=captions, classes=classes, labels=labels)
