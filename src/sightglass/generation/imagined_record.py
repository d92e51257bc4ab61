"""``references.json`` after an image run: what is in the folder, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping

from sightglass.generation.image_ledger import Entry
from sightglass.generation.imagined_folder import ImaginedFolder
from sightglass.inputs.labels import LabelSet, name_key
from sightglass.inputs.references import (
    Provenance,
    ReferenceRecord,
    class_folder,
    read_record,
    write_record,
)

RULE = (
    "imagined: an image generator's answers that are not black, blank, damaged or duplicates, and "
    "whose class is among the best by text-image alignment"
)


def write_imagined_record(
    folder: ImaginedFolder, labels: LabelSet, reasons: Mapping[str, str]
) -> None:
    """Write the record anew: what others wrote into it stays, what is gone goes.

    Args:
        folder: Of the run.
        labels: The book's.
        reasons: Class name -> why pictures of it are missing.

    Raises:
        InputError: If the record that is there is damaged.
        ResultsError: If it cannot be written.
    """
    old = read_record(folder.folder)
    entries = {
        entry.path: entry
        for entry in old.pictures
        if entry.origin != "imagined" or (folder.folder / entry.path).is_file()
    }
    entries |= {
        entry.file: _provenance(entry, entry.sha256)
        for entry in folder.ledger.entries
        if entry.event == "accepted" and entry.sha256 and (folder.folder / entry.file).is_file()
    }
    own = {name_key(name) for name in labels.names}
    without = {name: why for name, why in old.classes_without.items() if name_key(name) not in own}
    without |= {
        names[0]: reasons[names[0]]
        for names in labels.synonyms
        if names[0] in reasons and not any(_holds_files(folder, name) for name in names)
    }
    write_record(
        folder.folder,
        ReferenceRecord(
            rule=old.rule or RULE,
            pictures=tuple(entries[path] for path in sorted(entries)),
            classes_without=without,
        ),
    )


def _provenance(entry: Entry, sha256: str) -> Provenance:
    return Provenance(
        path=entry.file,
        class_name=entry.class_name,
        origin="imagined",
        sha256=sha256,
        generator=entry.generator,
        prompt=entry.prompt,
        seed=entry.seed,
        partner=entry.partner,
        features=entry.features,
        licence=entry.licence,
        filter_score=entry.score,
        created=entry.time,
    )


def _holds_files(folder: ImaginedFolder, name: str) -> bool:
    """Whether there is anything in the class's folder, made by this run or not."""
    place = folder.folder / class_folder(name)
    return place.is_dir() and any(not path.name.startswith(".") for path in place.iterdir())
