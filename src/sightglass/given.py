"""What a person gives, in any of its forms, as the values that travel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightglass.errors import InputError
from sightglass.inputs.class_book import ClassBook, read_class_book
from sightglass.inputs.labels import LabelSet, is_class_book, parse_classes
from sightglass.inputs.references import ReferenceSet, read_references


def classes_of(
    classes: Sequence[str] | str | LabelSet | ClassBook,
) -> tuple[LabelSet, tuple[tuple[str, ...], ...]]:
    """The label set, and each class's whole sentences where a class book holds them."""
    if isinstance(classes, str) and is_class_book(classes):
        classes = read_class_book(Path(classes.strip()))
    if isinstance(classes, ClassBook):
        return classes.labels(), tuple(entry.prompts for entry in classes.classes)
    if isinstance(classes, LabelSet):
        return classes, ()
    return (parse_classes(classes) if isinstance(classes, str) else LabelSet.of(classes)), ()


def references_of(
    references: str | Path | ReferenceSet | None, labels: LabelSet
) -> ReferenceSet | None:
    """The reference pictures of these classes; None where none were given."""
    if isinstance(references, ReferenceSet) and references.n_classes != len(labels.names):
        raise InputError(
            f"References: a set made for these {len(labels.names)} classes is needed, got one made "
            f"for {references.n_classes}. Read it again with these classes."
        )
    if references is None or isinstance(references, ReferenceSet):
        return references
    return read_references(Path(references), labels)
