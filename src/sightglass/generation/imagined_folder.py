"""The folder of an image run: where each picture lies before and after its verdict.

    <class>/imagined-001-1.png      accepted: picture 1 of the class, first attempt
    references.json                 where the pictures come from
    .imagine/ledger.jsonl           every request and every verdict
    .imagine/arrived/<class>/…      made, not judged yet; empty but for a run that was cut off
    .imagine/rejected/<class>/…     to look at; never asked for again

Order of writing: the request's line, the picture, the verdict's line, the picture's last place.
Whatever is done of it when a run is killed, the next run does the rest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sightglass.errors import InputError, ResultsError
from sightglass.generation.image_ledger import Entry, ImageLedger
from sightglass.inputs.inner_path import stays_within
from sightglass.inputs.labels import name_key
from sightglass.inputs.references import class_folder, read_record
from sightglass.whole_files import put_bytes, require_writable

HIDDEN = ".imagine"
VERDICTS = ("accepted", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one wanted picture has come.

    Attributes:
        present: It is in its class's folder.
        attempt: Number of the next picture made for it, from 0.
        rejected: How many were rejected since one was last accepted.
        pending: The request whose answer was not judged, if there is one; the next attempt's.
    """

    present: bool
    attempt: int
    rejected: int
    pending: Entry | None


class ImaginedFolder:
    """Pictures and the ledger in ``folder``, as they are when this is made.

    To be made by the folder's only writer (``whole_files.only_writer``), unless only to look.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = ImageLedger(folder / HIDDEN / "ledger.jsonl")
        self._by_slot: dict[tuple[str, int], list[Entry]] = {}
        self._accepted: defaultdict[str, list[Entry]] = defaultdict(list)
        self._refusals: dict[tuple[str, str, str], str | None] = {}
        self._rejections: dict[str, str | None] = {}
        for entry in self.ledger.entries:
            self._file(entry)

    def settle(self) -> None:
        """Put judged pictures that a kill left behind into their places.

        Raises:
            InputError: If the record in the folder is damaged.
        """
        read_record(self.folder)  # now, not when it is to be written and pictures were paid for
        for entry in self.ledger.entries:
            if entry.event in VERDICTS:
                self._place(entry)

    def progress(self, name: str, slot: int) -> Progress:
        """How far the class's picture number ``slot``, from 0, has come."""
        entries = self._by_slot.get((name_key(name), slot), [])
        judged = [entry for entry in entries if entry.event in VERDICTS]
        accepted = [place for place, entry in enumerate(judged) if entry.event == "accepted"]
        # Accepted by a run that was killed before it could move the picture: as good as there.
        last = entries[-1] if entries else None
        moving = (
            last is not None and last.event == "accepted" and self._arrival(last.file).is_file()
        )
        return Progress(
            present=moving or bool(self._made(name, slot)),
            attempt=len(judged),
            rejected=len(judged) - (accepted[-1] + 1 if accepted else 0),
            pending=last if last is not None and last.event == "asked" else None,
        )

    def refusal(self, name: str, *, prompt: str, generator: str) -> str | None:
        """Why this generator refused this prompt for the class, if it did."""
        return self._refusals.get((name_key(name), prompt, generator))

    def last_reason(self, name: str) -> str | None:
        """Why the class's last picture was rejected."""
        return self._rejections.get(name_key(name))

    @property
    def rejected_folder(self) -> Path:
        """Where the pictures lie that were rejected."""
        return self.folder / HIDDEN / "rejected"

    def pictures(self, name: str) -> list[Path]:
        """The pictures of the class that were made."""
        return self._made(name, None)

    def arrived(self, file: str) -> bytes | None:
        """A picture that was made but not judged."""
        path = self._arrival(file)
        return self.read(path) if path.is_file() else None

    def read(self, path: Path) -> bytes:
        """A picture's file.

        Raises:
            InputError: If it cannot be read.
        """
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{path}: must be readable ({error.strerror}). Change its permissions."
            ) from error

    def keep(self, entry: Entry, data: bytes) -> None:
        """Put a picture that was just made onto the disk."""
        path = self._arrival(entry.file)
        self._make(path.parent)
        put_bytes(path, data)

    def add(self, entry: Entry) -> None:
        """Write the entry into the ledger; a verdict also moves the picture to its place."""
        self.ledger.add(entry)
        self._file(entry)
        if entry.event in VERDICTS:
            self._place(entry)

    def _file(self, entry: Entry) -> None:
        key = name_key(entry.class_name)
        self._by_slot.setdefault((key, entry.slot), []).append(entry)
        if entry.event == "accepted":
            self._accepted[key].append(entry)
        if entry.event == "refused":
            self._refusals[key, entry.prompt, entry.generator] = entry.reason
        if entry.event == "rejected":
            self._rejections[key] = entry.reason

    def _made(self, name: str, slot: int | None) -> list[Path]:
        number = "*" if slot is None else f"{slot + 1:03d}"
        found = set((self.folder / class_folder(name)).glob(f"imagined-{number}-*.png"))
        # A book may spell a class in another way than the one that an earlier run had.
        found |= {
            self.folder / entry.file
            for entry in self._accepted[name_key(name)]
            if slot in (None, entry.slot)
        }
        return sorted(path for path in found if path.is_file())

    def _arrival(self, file: str) -> Path:
        return self.folder / HIDDEN / "arrived" / file

    def _place(self, entry: Entry) -> None:
        """Move the entry's picture to where its verdict wants it, unless that is done."""
        source = self._arrival(entry.file)
        if not source.is_file():
            return
        root = self.folder if entry.event == "accepted" else self.rejected_folder
        target = root / entry.file
        self._make(target.parent)
        try:
            source.replace(target)
        except OSError as error:
            raise _cannot_write(target, error) from error

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        _refuse_link(folder, self.folder)


def make_folder(folder: Path) -> None:
    """Make the folder of a run and see that it can be written, before anything is paid for.

    Raises:
        InputError: If it cannot.
    """
    _refuse_link(folder / HIDDEN, folder)
    require_writable(
        folder / HIDDEN,
        needed=f"{folder}: a folder that can be written is needed for the pictures",
        advice="Choose another with --out.",
    )


def file_of(name: str, *, slot: int, attempt: int) -> str:
    """Where a picture lies, relative to the folder of the run or of what it rejected."""
    return f"{class_folder(name)}/imagined-{slot + 1:03d}-{attempt + 1}.png"


def _refuse_link(place: Path, folder: Path) -> None:
    """Nothing is written where a link in a folder, which somebody else may have made, leads."""
    if not stays_within(place, folder):
        raise InputError(
            f"{place}: pictures are written within '{folder}', this is a link out of it. Remove "
            f"the link, or choose another folder with --out."
        )


def _cannot_write(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{path}: cannot be written ({error.strerror}). Free some space and run the same command "
        f"again: no picture is lost."
    )
