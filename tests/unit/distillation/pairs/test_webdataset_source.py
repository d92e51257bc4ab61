from __future__ import annotations

import gzip
import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pair_layouts import numbered_png, write_tar
from sightglass.distillation.pairs.webdataset_source import WebdatasetSource
from sightglass.errors import InputError, PictureError


def members(first: int, count: int) -> list[tuple[str, bytes]]:
    return [
        entry
        for number in range(first, first + count)
        for entry in (
            (f"{number:05}.png", numbered_png(number)),
            (f"{number:05}.txt", f"caption {number}".encode()),
            (f"{number:05}.cls", str(number % 3).encode()),
        )
    ]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for shard in range(3):
        write_tar(tmp_path / f"cc-{shard:03}.tar", members(100 * shard, 5 + shard))
    return tmp_path


NUMBERS = [*range(5), *range(100, 106), *range(200, 207)]


def test_samples_are_read_from_their_places_in_all_shards(shards: Path) -> None:
    source = WebdatasetSource(f"{shards}/cc-{{000..002}}.tar", class_names=("a", "b", "c"))
    assert len(source) == 18
    for index, number in enumerate(NUMBERS):
        row = source.read(index)
        assert row.image == numbered_png(number)
        assert row.captions == source.captions(index) == (f"caption {number}",)
        assert row.label == number % 3
        assert (
            row.where == source.where(index) == f"{shards}/cc-{number // 100:03}.tar: {number:05}"
        )
        assert row.index == index
    assert (source.captioned, source.labelled, source.remarks) == (True, True, ())


def test_threads_read_what_one_reads(shards: Path) -> None:
    source = WebdatasetSource(str(shards))
    order = list(range(18)) * 20
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda index: source.read(index).image, order))
    assert images == [numbered_png(NUMBERS[index]) for index in order]


def test_members_of_one_name_are_one_sample_wherever_they_lie(tmp_path: Path) -> None:
    long = "deep/" * 30 + "x" * 60
    path = write_tar(
        tmp_path / "a.tar",
        [
            ("dir/one.JPG", b"first"),
            ("dir/two.jpeg", b"second"),
            ("dir.v2/one.webp", b"third"),
            ("dir/one.txt", b"\xef\xbb\xbfone"),
            ("dir/two.json", b'{"caption": ["a", "b"], "width": 4}'),
            (f"{long}.gif", b"fourth"),
            (f"{long}.json", b'{"text": "d"}'),
            (f"{long}.txt", b" \n"),
            ("dir/two.seg.png", b"not its picture"),
            ("README", b"no sample"),
        ],
    )
    source = WebdatasetSource(str(path))
    rows = [source.read(index) for index in range(len(source))]
    assert [(row.image, row.captions, row.label) for row in rows] == [
        (b"first", ("one",), -1),
        (b"second", ("a", "b"), -1),
        (b"third", (), -1),
        (b"fourth", ("d",), -1),
    ]


def test_a_member_that_comes_twice_counts_as_when_the_tar_is_unpacked(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [("a.png", b"old"), ("b.png", b"b"), ("a.png", b"new")])
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    source = WebdatasetSource(str(path))
    assert [source.read(index).image for index in (0, 1)] == [
        (tmp_path / "out" / name).read_bytes() for name in ("a.png", "b.png")
    ]


def test_links_folders_and_samples_without_a_picture_are_no_rows(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, kind in (("d.png", tarfile.DIRTYPE), ("l.png", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/hosts"
            tar.addfile(info)
        for name in ("1.png", "2.txt", "3.json", "4.pdf"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    source = WebdatasetSource(str(tmp_path / "a.tar"))
    assert [source.where(index) for index in range(len(source))] == [f"{tmp_path}/a.tar: 1"]
    assert source.remarks == (f"{tmp_path}/a.tar: 3 of 4 samples have no picture",)


@pytest.mark.parametrize("cut", [1, 300, 700, 1082, 1500, 2600, 3130, 4000, 5500])
def test_of_a_shard_that_ends_early_what_is_whole_is_used_and_the_rest_told(
    tmp_path: Path, cut: int
) -> None:
    path = write_tar(tmp_path / "a.tar", [(f"{n}.png", numbered_png(n, (9, 9))) for n in range(6)])
    whole = path.read_bytes()
    # Header and picture take a block of 512 bytes each; the archive ends in at least two blocks.
    assert all(len(numbered_png(n, (9, 9))) <= 512 for n in range(6))
    path.write_bytes(whole[: 6 * 1024 + 600 - cut])
    source = WebdatasetSource(str(path))
    # A sample is whole if its picture's bytes are, filled up to a block or not.
    size = 6 * 1024 + 600 - cut
    count = sum(n * 1024 + 512 + len(numbered_png(n, (9, 9))) <= size for n in range(6))
    assert [source.read(index).image for index in range(len(source))] == [
        numbered_png(n, (9, 9)) for n in range(count)
    ]
    complete = size >= 6 * 1024 + 512
    assert len(source.remarks) == (not complete)
    if not complete:
        assert source.remarks[0].startswith(f"{path}: ends early, at byte {size:,}")
        assert source.remarks[0].endswith("what lies before is used")


def test_damage_in_the_middle_of_a_shard_is_not_taken_for_its_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [(f"{n}.png", numbered_png(n)) for n in range(6)])
    data = bytearray(path.read_bytes())
    data[3 * 1024 + 5 : 3 * 1024 + 90] = b"#" * 85
    path.write_bytes(data)
    source = WebdatasetSource(str(path))
    assert len(source) == 3
    assert source.remarks == (f"{path}: is damaged at byte 3,072; what lies before is used",)


def test_a_shard_that_is_none_is_told_and_the_others_used(shards: Path) -> None:
    (shards / "cc-001.tar").write_bytes(b"<html>not found</html>" * 100)
    (shards / "cc-003.tar").write_bytes(b"")
    (shards / "cc-004.tar").write_bytes(gzip.compress((shards / "cc-000.tar").read_bytes()))
    source = WebdatasetSource(str(shards))
    assert [source.read(index).image for index in range(len(source))] == [
        numbered_png(number) for number in NUMBERS if number // 100 != 1
    ]
    assert source.remarks == tuple(
        f"{shards}/cc-00{number}.tar: is no uncompressed tar, nothing of it is used"
        for number in (1, 3, 4)
    )


def test_shards_without_a_picture_are_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [("a.txt", b"a")])
    with pytest.raises(InputError) as caught:
        WebdatasetSource(str(path))
    assert str(caught.value) == (
        f"{path}: at least one sample with a picture is needed (a member such as '000.jpg'), found "
        f"none. {path}: 1 of 1 samples have no picture. Check the path."
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"caf\xe9", "its caption is not UTF-8"),
        ("a.json", b"{", "its caption's JSON cannot be read"),
        ("a.cls", b"cat", r"its \.cls member is no whole number"),
        ("a.cls", b"2", r"its \.cls member says 2, of 2 classes"),
        ("a.cls", b"-2", r"its \.cls member says -2"),
    ],
)
def test_a_member_that_makes_no_sense_is_a_fault_of_its_row(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = write_tar(tmp_path / "a.tar", [("a.png", b"a"), (name, data), ("b.png", b"b")])
    source = WebdatasetSource(str(path), class_names=("cat", "dog"))
    with pytest.raises(PictureError, match=message):
        source.read(0)
    assert source.read(1).image == b"b"


def test_a_shard_that_changes_or_goes_in_the_middle_of_a_run_is_named(shards: Path) -> None:
    source = WebdatasetSource(str(shards))
    path = shards / "cc-001.tar"
    data = path.read_bytes()
    path.write_bytes(data[:-512])
    with pytest.raises(InputError, match=r"cc-001\.tar: .* has changed meanwhile"):
        source.read(6)
    path.unlink()
    with pytest.raises(InputError, match=r"cc-001\.tar: could be read when training began"):
        source.read(6)
    path.write_bytes(data)
    assert source.read(6).image == numbered_png(101)


def test_the_digest_covers_members_and_labels_not_where_the_shards_lie(
    shards: Path, tmp_path: Path
) -> None:
    pattern = "cc-{000..002}.tar"
    digest = WebdatasetSource(f"{shards}/{pattern}").digest
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in sorted(shards.glob("*.tar")):
        (moved / path.name).write_bytes(path.read_bytes())
    assert WebdatasetSource(f"{moved}/{pattern}").digest == digest
    assert WebdatasetSource(f"{moved}/{pattern}", class_names=("a", "b", "c")).digest != digest
    assert WebdatasetSource(f"{moved}/cc-{{001,000,002}}.tar").digest != digest
    assert WebdatasetSource(f"{moved}/cc-{{000..001}}.tar").digest != digest
    renamed = [(f"x{name}", data) for name, data in members(0, 5)]
    write_tar(moved / "cc-000.tar", renamed)
    assert WebdatasetSource(f"{moved}/{pattern}").digest != digest


def test_the_digest_covers_the_name_of_every_member(tmp_path: Path) -> None:
    # In the middle of a shard, where no byte of it is read for the digest.
    digests = set()
    for name in ("x.png", "y.png"):
        members = [("a.png", bytes(100_000)), (name, b"x"), ("z.png", bytes(100_000))]
        digests.add(WebdatasetSource(str(write_tar(tmp_path / "a.tar", members))).digest)
    assert len(digests) == 2


def test_an_order_has_sixteen_shards_under_way_at_a_time(tmp_path: Path) -> None:
    for shard in range(40):
        write_tar(tmp_path / f"{shard:02}.tar", [(f"{n}.png", b"x") for n in range(3)])
    source = WebdatasetSource(str(tmp_path))
    order = source.epoch_order(5, 2)
    assert sorted(order.tolist()) == list(range(120))
    windows = [set((order[at : at + 48] // 3).tolist()) for at in (0, 48, 96)]
    assert [len(shards) for shards in windows] == [16, 16, 8]
