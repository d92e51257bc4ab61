"""Batches of a mix: pictures cut in threads ahead of the reader, a caption drawn for each."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightglass.checks import usable_processors
from sightglass.distillation.pairs.chance import caption_rng, view_rng
from sightglass.distillation.pairs.first_rows import FIRST, FirstRows
from sightglass.distillation.pairs.ledger import BadPicture, Ledger
from sightglass.distillation.pairs.mix import Mix, Place, State
from sightglass.distillation.whole_numbers import check_whole
from sightglass.errors import InputError, PictureError
from sightglass.inputs.images import DEFAULT_MAX_PIXELS, OpenedPicture, open_picture
from sightglass.read_ahead import ahead

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8

    Views = tuple[UInt8[np.ndarray, "height width 3"], ...]
    View = Callable[[Image.Image, np.random.Generator], Views]

_WHERE = "Pair batches"
_WINDOW = 64  # pictures that are cut ahead at least


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairBatch:
    """The rows of one step, or one process's part of them.

    Attributes:
        sources: Which source of the mix each row is from.
        indices: Which row of that source.
        views: What ``view`` made of each picture.
        captions: One of each row's; "" where it has none.
        labels: -1 where there is none.
        state: The mix's after this batch, of all processes: what a checkpoint stores.
    """

    sources: Int64[np.ndarray, " n"]
    indices: Int64[np.ndarray, " n"]
    views: tuple[Views, ...]
    captions: tuple[str, ...]
    labels: Int64[np.ndarray, " n"]
    state: State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Loaded:
    """What reading one place came to: a picture, unless all that were tried are bad."""

    index: int | None = None
    label: int = -1
    views: Views = ()
    caption: str = ""
    bad: tuple[tuple[int, BadPicture], ...] = ()


def batches(
    mix: Mix,
    *,
    batch_size: int,
    seed: int,
    view: View | Sequence[View],
    state: Mapping[str, Sequence[int]] | None = None,
    part: tuple[int, int] = (0, 1),
    short_side: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    ledger: Ledger | None = None,
    threads: int | None = None,
    window: int | None = None,
) -> Generator[PairBatch, None, None]:
    """The mix's batches from ``state`` on, without end, each of them full.

    A row's views and caption depend on ``seed``, its source, the pass over the source and its
    index there alone: neither on batches nor on threads, processes or resumptions.

    A bad picture leaves the others where they are: in its place comes a row of the same pass that
    can be used, cut and captioned by the bad one's chance. That row comes in its own place as well,
    but not in the same batch: it is as many places away as a batch has of its source at most, or
    twice as many, and so on. So processes agree without telling each other, and a run that is
    resumed meets the same rows.

    Nor does a batch across the end of a pass have a row twice, of a source with three times as many
    rows as a batch has of it, nor one that replaces another, of a source with six times as many. Of
    a smaller one a batch may have the same row twice.

    Args:
        mix: The sources.
        batch_size: Rows of a step, of all processes together.
        seed: The run's, at least 0.
        view: Makes a picture's arrays of it, from an upright RGB picture and a generator of its
            own; one for all sources or one for each. Called in threads.
        state: Of the batch to go on after; None to begin.
        part: ``(rank, count)``: only the rows ``rank * batch_size // count`` up to
            ``(rank + 1) * batch_size // count`` of every batch are read.
        short_side: As for ``open_picture``: no view needs the whole picture larger.
        max_pixels: As for ``open_picture``.
        ledger: Where bad pictures are written when their batch is reached; None for nowhere.
        threads: That read and cut; None for one per processor.
        window: Rows that are made ahead at most; None for two batches' parts, at least 64.

    Raises:
        InputError: If a number is out of range, most of a source's rows are bad, or a source is
            not any more what it was.
    """
    views = _for_each_source(view, mix)
    _check(batch_size, seed, part)
    first, last = (rank * batch_size // part[1] for rank in (part[0], part[0] + 1))
    most = mix.most_of_one(batch_size)
    drawn = mix.checked(mix.start() if state is None else state)
    stream = mix.places({"drawn": drawn})
    states: deque[State] = deque()  # of the batches that are drawn and not yet given out

    def places() -> Iterator[Place]:
        while True:
            batch = list(itertools.islice(stream, batch_size))
            for place in batch:
                drawn[place.source] += 1
            states.append({"drawn": list(drawn)})
            yield from batch[first:last]

    decode = functools.partial(open_picture, short_side=short_side, max_pixels=max_pixels)

    def load(place: Place) -> tuple[Place, _Loaded]:
        most_of_it, its_view = most[place.source], views[place.source]
        return place, _load(mix, place, seed=seed, most=most_of_it, view=its_view, decode=decode)

    rows = last - first
    made = ahead(
        load,
        places(),
        threads=usable_processors() if threads is None else threads,
        window=max(_WINDOW, 2 * rows) if window is None else window,
    )
    return _given_out(made, states, rows, mix, Ledger() if ledger is None else ledger)


def _given_out(
    made: Generator[tuple[Place, _Loaded], None, None],
    states: deque[State],
    rows: int,
    mix: Mix,
    ledger: Ledger,
) -> Generator[PairBatch, None, None]:
    """Batches of what was made, in order; what is bad is told when its place is reached."""
    first_rows = [FirstRows(source.name, len(source)) for source in mix.sources]
    try:
        while True:
            batch = []
            for place, loaded in itertools.islice(made, rows):
                ledger.add(bad for _, bad in loaded.bad)
                first_rows[place.source].see(loaded.index, loaded.bad)
                batch.append((place, loaded))
            yield PairBatch(
                sources=np.array([place.source for place, _ in batch], np.int64),
                indices=np.array([loaded.index for _, loaded in batch], np.int64),
                views=tuple(loaded.views for _, loaded in batch),
                captions=tuple(loaded.caption for _, loaded in batch),
                labels=np.array([loaded.label for _, loaded in batch], np.int64),
                state=states.popleft(),
            )
    finally:
        made.close()


def _load(
    mix: Mix,
    place: Place,
    *,
    seed: int,
    most: int,
    view: View,
    decode: Callable[[bytes], OpenedPicture],
) -> _Loaded:
    """The picture at this place, or one of another batch that can be used.

    Args:
        mix: The sources.
        place: Where in it.
        seed: The run's.
        most: Rows that a batch has of this source at most.
        view: This source's.
        decode: From a file's bytes.
    """
    source = mix.sources[place.source]
    rows = len(source)
    apart = 2 * most if rows >= 6 * most else most
    order = mix.order(seed, place.source, place.turn, apart=apart)
    key = (seed, place.source, place.turn, int(order[place.at]))
    bad: list[tuple[int, BadPicture]] = []
    # Two bad pictures of a batch are less than ``most`` places apart: their substitutes never meet.
    # They are no further away than that, as what is near in the order is near in the file, and
    # never across the end of the pass, where the next one's first rows are in the same batch.
    ahead_or_back = 1 if 2 * place.at < rows else -1
    steps = (step for first in range(min(most, rows)) for step in range(first, rows, most))
    for step in itertools.islice(steps, FIRST):
        index = int(order[(place.at + ahead_or_back * step) % rows])
        try:
            row = source.read(index)
            opened = decode(row.image)
        except PictureError as error:
            where = source.where(index)
            bad.append((index, BadPicture(where=where, status=error.status, detail=error.detail)))
            continue
        captions = row.captions
        return _Loaded(
            index=index,
            label=row.label,
            views=view(opened.image, view_rng(*key)),
            caption=captions[caption_rng(*key).integers(len(captions))] if captions else "",
            bad=tuple(bad),
        )
    return _Loaded(bad=tuple(bad))


def _for_each_source(view: View | Sequence[View], mix: Mix) -> Sequence[View]:
    views = view if isinstance(view, Sequence) else [view] * len(mix.sources)
    if len(views) != len(mix.sources):
        raise InputError(
            f"{_WHERE}: one view, or one for each source is needed, got {len(views)} for "
            f"{len(mix.sources)} sources. Give one for each."
        )
    return views


def _check(batch_size: int, seed: int, part: tuple[int, int]) -> None:
    rank, count = part
    check_whole(seed, where=_WHERE, name="seed", least=0)
    check_whole(count, where=_WHERE, name="the number of processes", least=1)
    check_whole(rank, where=_WHERE, name="rank", least=0)
    check_whole(batch_size, where=_WHERE, name="batch_size", least=count)
    if rank >= count:
        raise InputError(f"{_WHERE}: rank must be below the number of processes, got {part}.")
