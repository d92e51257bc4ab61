from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pair_layouts import MemorySource, number_in, numbered_view
from picture_files import encode, photo
from sightglass.distillation.pairs.chance import caption_rng, order_seed, view_rng
from sightglass.distillation.pairs.folder_source import FolderSource
from sightglass.distillation.pairs.ledger import Ledger
from sightglass.distillation.pairs.mix import Mix
from sightglass.distillation.pairs.pair_batches import PairBatch, batches
from sightglass.errors import InputError

WEIGHTS = [2, 1.5, 1]
# By hand, of batches of four with shares 4/9, 3/9 and 2/9: 16/9, 12/9 and 8/9 of a draw, and up to
# 8/9, 6/9 and 8/9 that were due before, rounded up.
MOST = [3, 2, 2]


def sources(*, bad: Sequence[int] = ()) -> list[MemorySource]:
    return [
        MemorySource("a", 7, first=0, captions=3, bad=bad),
        MemorySource("b", 5, first=1000, labels=2),
        MemorySource("c", 11, first=2000, captions=1, labels=4, bad=bad),
    ]


def taken(count: int, *, bad: Sequence[int] = (), **options: Any) -> list[PairBatch]:
    options = {"batch_size": 4, "seed": 3, "view": numbered_view, "threads": 2, **options}
    made = batches(Mix(sources(bad=bad), WEIGHTS), **options)
    try:
        return list(itertools.islice(made, count))
    finally:
        made.close()


def content(some: Sequence[PairBatch]) -> list[tuple[Any, ...]]:
    """All that a training sees, row by row."""
    return [
        (int(source), int(index), [one.tobytes() for one in views], caption, int(label))
        for batch in some
        for source, index, views, caption, label in zip(
            batch.sources, batch.indices, batch.views, batch.captions, batch.labels, strict=True
        )
    ]


def plain_rows(count: int, *, bad: Sequence[int] = (), seed: int = 3) -> list[tuple[Any, ...]]:
    """The same in plain loops: one row after the other, no threads; the batches are of four."""
    of, rows = sources(bad=bad), []
    for place in itertools.islice(Mix(of, WEIGHTS).places({"drawn": [0, 0, 0]}), count):
        source, most = of[place.source], MOST[place.source]
        order = plain_order(source, order_seed(seed, place.source), place.turn, most)
        own, index = order[place.at], -1
        away = [step for first in range(most) for step in range(first, len(order), most)]
        for step in away:
            forth = 2 * place.at < len(order)
            index = order[(place.at + (step if forth else -step)) % len(order)]
            if index not in source.bad:
                break
        row = source.read(index)
        caption = ""
        if row.captions:
            rng = caption_rng(seed, place.source, place.turn, own)
            caption = row.captions[rng.integers(len(row.captions))]
        draws = view_rng(seed, place.source, place.turn, own).integers(0, 256, (1, 4, 3), np.uint8)
        number = 1000 * place.source + index
        rows.append((place.source, index, number, draws.tobytes(), caption, row.label))
    return rows


def plain_order(source: MemorySource, seed: int, turn: int, most: int) -> list[int]:
    """A pass's order; only the third source has three times the rows that a batch has of it."""
    order = source.epoch_order(seed, turn).tolist()
    if turn == 0 or len(order) < 3 * most:
        return order
    last = source.epoch_order(seed, turn - 1).tolist()[-most:]
    for at in range(most):
        if order[at] in last:
            other = next(other for other in range(most, len(order)) if order[other] not in last)
            order[at], order[other] = order[other], order[at]
            last.append(order[other])  # it has been moved: it is not taken again
    return order


def as_plain(some: Sequence[PairBatch]) -> list[tuple[Any, ...]]:
    return [
        (int(source), int(index), number_in(picture), draws.tobytes(), caption, int(label))
        for batch in some
        for source, index, (picture, draws), caption, label in zip(
            batch.sources, batch.indices, batch.views, batch.captions, batch.labels, strict=True
        )
    ]


@pytest.mark.parametrize("bad", [(), (1, 4)])
def test_batches_are_the_mixs_rows_as_plain_loops_give_them(bad: tuple[int, ...]) -> None:
    some = taken(15, bad=bad)
    assert as_plain(some) == plain_rows(60, bad=bad)
    for batch in some:
        assert batch.sources.dtype == batch.indices.dtype == batch.labels.dtype == np.int64
        assert len(batch.views) == len(batch.captions) == 4


@pytest.mark.parametrize("bad", [(), (1, 4)])
def test_a_run_that_goes_on_after_any_batch_sees_what_it_would_have_seen(
    bad: tuple[int, ...],
) -> None:
    whole = taken(12, bad=bad)  # 48 rows: several passes over each source
    for after in range(11):
        state = json.loads(json.dumps(whole[after].state))
        rest = taken(11 - after, bad=bad, state=state)
        assert content(rest) == content(whole[after + 1 :])
        assert [batch.state for batch in rest] == [batch.state for batch in whole[after + 1 :]]


@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.data())
def test_the_parts_of_several_processes_are_together_what_one_process_sees(
    batch_size: int, count: int, some_bad: bool, data: st.DataObject
) -> None:
    count = min(count, batch_size)
    bad = (1, 4) if some_bad else ()
    after = data.draw(st.integers(0, 30))
    state = {"drawn": [sum(row[0] == one for row in plain_rows(after)) for one in range(3)]}
    options = {"batch_size": batch_size, "bad": bad, "state": state, "window": 3}
    one = taken(3, **options)
    parts = [taken(3, part=(rank, count), **options) for rank in range(count)]
    for step, batch in enumerate(one):
        together = [row for part in parts for row in content([part[step]])]
        assert together == content([batch])
        assert all(part[step].state == batch.state for part in parts)
        sizes = [len(part[step].captions) for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) >= 1


def test_a_process_reads_its_own_part_alone() -> None:
    source = MemorySource("a", 40)
    made = batches(
        Mix([source]), batch_size=10, seed=1, view=numbered_view, part=(1, 2), window=5, threads=2
    )
    read = {int(index) for batch in itertools.islice(made, 4) for index in batch.indices}
    made.close()
    order = source.epoch_order(order_seed(1, 0), 0).tolist()
    assert read == {index for at, index in enumerate(order) if at % 10 >= 5}
    # Nothing of the other half, but for the five that wait at the end, of the next pass.
    assert len(source.reads) <= 20 + 5 + 2


@pytest.mark.parametrize("options", [{"threads": 1, "window": 1}, {"threads": 8, "window": 200}])
def test_threads_and_what_is_read_ahead_change_nothing(options: dict[str, int]) -> None:
    assert content(taken(10, bad=(2, 3), **options)) == content(taken(10, bad=(2, 3)))


def test_another_batch_size_has_the_same_rows_in_the_first_pass() -> None:
    # By hand: 5 rows are passed first, by 15 draws of which a third are of that source.
    assert content(taken(15))[:15] == content(taken(6, batch_size=10))[:15]


@settings(max_examples=25)
@given(st.integers(2, 9), st.integers(6, 8), st.integers(0, 1000), st.data())
def test_no_batch_has_a_row_twice_where_a_source_has_six_times_its_part_of_a_batch(
    batch_size: int, times: int, seed: int, data: st.DataObject
) -> None:
    rows = times * batch_size
    # One, so that it is its first substitute that comes instead.
    bad = data.draw(st.integers(0, rows - 1))
    source = MemorySource("a", rows, bad=[bad])
    made = batches(
        Mix([source]), batch_size=batch_size, seed=seed, view=numbered_view, threads=1, window=1
    )
    for batch in itertools.islice(made, 2 * times + 1):
        found = set(batch.indices.tolist())
        assert bad not in found
        assert len(found) == batch_size
    made.close()


def test_one_picture_in_ten_that_is_bad_puts_no_row_into_a_batch_twice() -> None:
    source = MemorySource("a", 700, bad=range(0, 700, 10))
    made = batches(Mix([source]), batch_size=64, seed=1, view=numbered_view, threads=2)
    for batch in itertools.islice(made, 12):  # across the end of a pass too
        assert len(set(batch.indices.tolist())) == 64
    made.close()


def test_a_source_beside_others_has_its_substitutes_out_of_its_own_part_of_the_batch() -> None:
    # Of 48 a batch has at most 9 of the small source, of whose 60 rows many are bad.
    small = MemorySource("small", 60, bad=range(0, 60, 7))
    large = MemorySource("large", 300, first=1000)
    made = batches(Mix([large, small]), batch_size=48, seed=2, view=numbered_view, threads=2)
    for batch in itertools.islice(made, 15):
        rows = list(zip(batch.sources.tolist(), batch.indices.tolist(), strict=True))
        assert len(set(rows)) == 48
    made.close()


def test_another_seed_has_other_rows_views_and_captions() -> None:
    assert content(taken(5)) != content(taken(5, seed=4))


def test_batches_are_full_even_where_all_rows_are_fewer() -> None:
    (batch,) = taken(1, batch_size=100)
    assert len(batch.views) == 100
    # By hand: of 100 draws with weights 4 : 3 : 2 the shares are 44.4, 33.3 and 22.2.
    counts = np.bincount(batch.sources).tolist()
    assert batch.state == {"drawn": counts}
    assert [44, 33, 22] <= counts <= [45, 34, 23]


def test_a_row_has_another_view_in_each_pass_and_its_captions_come_about_equally_often() -> None:
    source = MemorySource("a", 1, captions=4)
    made = batches(Mix([source]), batch_size=400, seed=0, view=numbered_view, threads=2)
    batch = next(made)
    made.close()
    assert len({views[1].tobytes() for views in batch.views}) == 400
    counts = [sum(said.endswith(str(one)) for said in batch.captions) for one in range(4)]
    # 100 each; four standard deviations of a binomial with 400 draws are 35.
    assert all(65 <= count <= 135 for count in counts)
    assert sum(counts) == 400


def test_how_much_chance_a_view_takes_does_not_decide_the_caption() -> None:
    def greedy(image: Image.Image, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        rng.random(100)
        return (np.asarray(image),)

    captions = [batch.captions for batch in taken(8)]
    assert [batch.captions for batch in taken(8, view=greedy)] == captions


def test_a_source_can_have_a_view_of_its_own() -> None:
    def marked(number: int) -> Any:
        return lambda *_: (np.full((1, 1, 3), number, np.uint8),)

    for batch in taken(5, view=[marked(one) for one in range(3)]):
        assert [int(views[0][0, 0, 0]) for views in batch.views] == batch.sources.tolist()
    with pytest.raises(InputError, match="got 2 for 3 sources"):
        taken(1, view=[marked(0), marked(1)])


def test_a_bad_picture_moves_no_other_row_and_is_in_the_ledger_once(tmp_path: Path) -> None:
    whole, ledger = taken(20), Ledger(tmp_path / "bad.jsonl")
    holed = taken(20, bad=(1, 4), ledger=ledger)
    for before, after in zip(content(whole), content(holed), strict=True):
        if before[0] in (0, 2) and before[1] in (1, 4):
            assert after[1] not in (1, 4)
            assert after[2][1] == before[2][1]  # the bad row's chance
        else:
            assert after == before
    assert [batch.state for batch in holed] == [batch.state for batch in whole]
    # Odd ones are not found, even ones are words (see MemorySource); 80 rows are several passes.
    assert sorted((one.where, one.status) for one in ledger.entries) == [
        ("a row 1", "unreadable"),
        ("a row 4", "unsupported"),
        ("c row 1", "unreadable"),
        ("c row 4", "unsupported"),
    ]
    lines = (tmp_path / "bad.jsonl").read_text().splitlines()
    assert [json.loads(line)["where"] for line in lines] == [one.where for one in ledger.entries]


def test_a_resumed_run_leaves_the_ledger_of_an_undisturbed_one(tmp_path: Path) -> None:
    straight = Ledger(tmp_path / "straight.jsonl")
    taken(12, bad=(1, 4), ledger=straight)
    halves = tmp_path / "halves.jsonl"
    first = taken(7, bad=(1, 4), ledger=Ledger(halves))
    # Killed after its seventh batch, it goes on from the checkpoint of its fourth.
    taken(8, bad=(1, 4), ledger=Ledger(halves), state=first[3].state)
    assert halves.read_bytes() == (tmp_path / "straight.jsonl").read_bytes()


def test_what_is_read_ahead_is_in_the_ledger_only_when_its_batch_is_reached() -> None:
    source = MemorySource("a", 100, bad=range(0, 100, 3))
    order = source.epoch_order(order_seed(1, 0), 0).tolist()
    ledger = Ledger()
    made = batches(
        Mix([source]), batch_size=20, seed=1, view=numbered_view, ledger=ledger, window=60
    )
    next(made)
    made.close()
    # Of each place those that were tried there: its own, and every twentieth behind it.
    tried = []
    for at in range(20):
        places = [at, at + 20, at + 40, at + 60, at + 80]
        good = next(number for number, place in enumerate(places) if order[place] % 3)
        tried += [order[place] for place in places[:good]]
    assert [one.where for one in ledger.entries] == [f"a row {index}" for index in tried]


def test_a_source_of_which_most_is_bad_ends_the_run_with_an_example() -> None:
    source = MemorySource("shards", 5000, bad=[n for n in range(5000) if n % 5 > 1])
    ledger = Ledger()
    made = batches(Mix([source]), batch_size=8, seed=1, view=numbered_view, ledger=ledger)
    with pytest.raises(InputError) as caught:
        for _ in made:
            pass
    found = re.fullmatch(
        r"shards: most rows must be pictures that can be read, (\d+) of its first (\d+) rows are "
        r"none; for example shards row \d+: .+\. Correct the source or leave it out\.",
        str(caught.value),
    )
    assert found is not None
    # Three in five are bad, so that the 501st comes near row 835; deviation 18.
    assert int(found[1]) == 501
    assert 835 - 4 * 18 < int(found[2]) < 835 + 4 * 18
    assert len(ledger.entries) >= 501


def test_a_source_of_which_less_than_half_is_bad_goes_on() -> None:
    source = MemorySource("shards", 1100, bad=range(0, 1100, 3))
    made = batches(Mix([source]), batch_size=370, seed=1, view=numbered_view)
    for _ in range(3):
        assert not set(next(made).indices.tolist()) & source.bad
    made.close()


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_source_without_a_single_good_picture_ends_the_run(rows: int) -> None:
    made = batches(
        Mix([MemorySource("none", rows, bad=range(rows))]), batch_size=2, seed=1, view=numbered_view
    )
    with pytest.raises(InputError, match=r"^none: most rows must be pictures that can be read"):
        next(made)


def test_a_disk_that_goes_away_in_the_middle_ends_the_run() -> None:
    source = MemorySource("disk", 1500)
    made = batches(Mix([source]), batch_size=500, seed=1, view=numbered_view, window=1)
    for _ in range(3):
        next(made)
    source.bad = frozenset(range(1, 1500, 2)) | frozenset(range(0, 1500, 2))
    with pytest.raises(InputError, match="1,000 rows one after the other are none"):
        next(made)


def test_real_files_of_many_kinds_of_damage_are_left_out(tmp_path: Path) -> None:
    whole = encode(photo(64, 48), "JPEG", quality=90)
    for number in range(8):
        (tmp_path / f"good-{number}.jpg").write_bytes(encode(photo(40, 30, number), "JPEG"))
    damaged = {
        "cut.jpg": whole[: len(whole) // 2],
        "empty.png": b"",
        "large.png": encode(Image.new("RGB", (300, 200)), "PNG"),
        "page.jpg": b"<html>404</html>",
    }
    for name, data in damaged.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    ledger = Ledger()
    made = batches(
        Mix([FolderSource(str(tmp_path))]),
        batch_size=13,
        seed=1,
        view=lambda image, _: (np.asarray(image.resize((8, 8))),),
        max_pixels=50_000,
        ledger=ledger,
    )
    batch = next(made)
    made.close()
    assert {(Path(one.where).name, one.status) for one in ledger.entries} == {
        ("cut.jpg", "truncated"),
        ("empty.png", "corrupt"),
        ("large.png", "too_large"),
        ("page.jpg", "unsupported"),
        ("gone.jpg", "unreadable"),
    }
    # Sorted by name: cut, empty, gone, then good-0 to good-7 are rows 3 to 10.
    assert set(batch.indices.tolist()) == set(range(3, 11))


def test_a_jpeg_is_decoded_smaller_where_the_view_needs_no_more(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(encode(Image.new("RGB", (1600, 800)), "JPEG"))
    sizes = []
    for short_side in (None, 100):
        made = batches(
            Mix([FolderSource(str(tmp_path))]),
            batch_size=1,
            seed=1,
            view=lambda image, _: (np.asarray(image),),
            short_side=short_side,
            window=1,
        )
        sizes.append(next(made).views[0][0].shape)
        made.close()
    assert sizes == [(800, 1600, 3), (200, 400, 3)]  # twice the short side is kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"batch_size": 2, "part": (0, 3)}, "batch_size must be a whole number of at least 3"),
        ({"part": (2, 2)}, r"rank must be below the number of processes, got \(2, 2\)"),
        ({"part": (-1, 2)}, "rank must be a whole number of at least 0, got -1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"state": {"drawn": [1, 2]}}, "draws of each of the 3 sources"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_read(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        batches(Mix(sources()), **{"batch_size": 4, "seed": 1, "view": numbered_view, **options})
