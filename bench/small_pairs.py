"""Small real pictures with captions, of which a stated share is wrong: for learning in minutes.

Two kinds: scikit-learn's handwritten digits, which any installation has, and CIFAR-100, where the
environment variable SIGHTGLASS_CIFAR100 names its training pictures as a parquet file. With names
that mean something, some classes can be kept out of training altogether and asked for by name.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CIFAR100 = "SIGHTGLASS_CIFAR100"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = ("a photo of a {}.", "a picture of the {}.", "this is a {}.", "one {}.")
_DIGIT_SIDE = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Pictures as files, in memory, and what they show.

    Attributes:
        files: Content of one picture file each.
        labels: For each, which of ``names``, from 0.
        names: Of the classes.
    """

    files: Sequence[bytes]
    labels: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    def where(self, chosen: np.ndarray, classes: np.ndarray) -> Labelled:
        """The pictures at ``chosen``, with ``classes``, which theirs are among, numbered anew."""
        new = {int(old): number for number, old in enumerate(classes)}
        return Labelled(
            files=[self.files[at] for at in chosen],
            labels=np.array([new[int(self.labels[at])] for at in chosen]),
            names=tuple(self.names[old] for old in classes),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """What is learned from and what is asked afterwards; no picture is in two of these.

    Attributes:
        pairs: Parquet file of pictures and captions.
        wrong: How many captions name another class than the picture shows.
        seen: Held-out pictures of the classes in ``pairs``.
        unseen: Pictures of classes that no caption names; None where none were kept out.
    """

    pairs: Path
    n_pairs: int
    wrong: int
    seen: Labelled
    unseen: Labelled | None


def digits() -> Labelled:
    """1,797 digits written by hand, 8 x 8 enlarged to 32 x 32, with their names as words."""
    from sklearn.datasets import load_digits

    data = load_digits()
    files = []
    for strokes in data.images:
        small = Image.fromarray((strokes * 255 / 16).astype(np.uint8))
        files.append(_png(small.resize((_DIGIT_SIDE, _DIGIT_SIDE), Image.Resampling.BICUBIC)))
    return Labelled(files=files, labels=data.target, names=DIGITS)


def cifar100() -> Labelled | None:
    """The pictures in the file that the environment names; None where it names none."""
    named = os.environ.get(CIFAR100)
    return read_parquet(Path(named)) if named else None


def read_parquet(path: Path, *, rows: int | None = None) -> Labelled:
    """Labelled pictures in a parquet file as hubs publish them.

    Args:
        path: With columns ``image`` and ``label`` (or ``fine_label``), and class names in its
            metadata.
        rows: Only this many, evenly spread: such files are often sorted by class.
    """
    import pyarrow.parquet

    from sightglass.inputs.spreading import evenly_spread

    table = pyarrow.parquet.read_table(path)
    table = table.take(evenly_spread(len(table), rows))
    column = "label" if "label" in table.column_names else "fine_label"
    described = json.loads(table.schema.metadata[b"huggingface"])
    names = described["info"]["features"][column]["names"]
    return Labelled(
        files=[row["bytes"] for row in table.column("image").to_pylist()],
        labels=table.column(column).to_numpy(),
        names=tuple(name.replace("_", " ") for name in names),
    )


def read_unlabelled(path: Path) -> list[bytes]:
    """The picture files in a parquet file; whatever else it holds is not looked at."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path, columns=["image"])
    return [row["bytes"] for row in table.column("image").to_pylist()]


def make_slice(
    data: Labelled,
    folder: Path,
    *,
    seed: int,
    wrong: float,
    per_class: int,
    held_out: int,
    n_unseen: int = 0,
) -> Slice:
    """Pairs to learn from, and pictures to ask about.

    Args:
        data: Where they come from.
        folder: For the parquet file.
        seed: Which classes are unseen, which pictures are held out, which captions are wrong.
        wrong: Share of captions that name another class, uniformly drawn from the other seen ones.
        per_class: Pictures of each seen class to learn from.
        held_out: Pictures of each class, seen or not, to ask about.
        n_unseen: Classes that nothing is learned of.
    """
    rng = np.random.default_rng([seed, 30])
    classes = rng.permutation(len(data.names))
    unseen, seen = np.sort(classes[:n_unseen]), np.sort(classes[n_unseen:])
    learned, asked, stranger = [], [], []
    for name in range(len(data.names)):
        its = rng.permutation(np.flatnonzero(data.labels == name))
        if name in unseen:
            stranger += its[:held_out].tolist()
        else:
            asked += its[:held_out].tolist()
            learned += its[held_out : held_out + per_class].tolist()
    pairs = data.where(np.array(learned), seen)
    said = wrong_labels(pairs.labels, len(seen), share=wrong, rng=rng)
    wording = rng.integers(len(TEMPLATES), size=len(said))
    captions = [
        TEMPLATES[which].format(pairs.names[name])
        for which, name in zip(wording, said, strict=True)
    ]
    path = folder / "pairs.parquet"
    _write(path, pairs.files, captions)
    return Slice(
        pairs=path,
        n_pairs=len(pairs),
        wrong=int((said != pairs.labels).sum()),
        seen=data.where(np.array(asked), seen),
        unseen=data.where(np.array(stranger), unseen) if n_unseen else None,
    )


def wrong_labels(
    labels: np.ndarray, n_classes: int, *, share: float, rng: np.random.Generator
) -> np.ndarray:
    """``labels``, exactly ``share`` of them (rounded) replaced by another class, all alike likely.

    Args:
        labels: From 0.
        n_classes: At least 2 where ``share`` is above 0.
        share: 0 to 1.
        rng: Which, and by which.
    """
    said = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    said[chosen] = (said[chosen] + rng.integers(1, n_classes, size=len(chosen))) % n_classes
    return said


def pixels(files: Sequence[bytes]) -> np.ndarray:
    """Pictures of one size as uint8 of shape (n, height, width, 3)."""
    shown = []
    for content in files:
        with Image.open(io.BytesIO(content)) as picture:
            shown.append(np.asarray(picture.convert("RGB")))
    return np.stack(shown)


def _write(path: Path, files: Sequence[bytes], captions: Sequence[str]) -> None:
    import pyarrow
    import pyarrow.parquet

    images = [{"bytes": content, "path": None} for content in files]
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = pyarrow.table({"image": pyarrow.array(images, kind), "caption": list(captions)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, row_group_size=500)


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG")
    return stream.getvalue()
