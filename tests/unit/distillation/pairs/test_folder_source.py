from __future__ import annotations

from pathlib import Path

import pytest

from pair_layouts import numbered_png
from sightglass.distillation.pairs import some_pictures
from sightglass.distillation.pairs.folder_source import FolderSource
from sightglass.errors import InputError, PictureError
from sightglass.inputs.file_bytes import FileStamp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(
        ["cup of tea/b.png", "cup of tea/more/a.png", "dog/c.png", "loose.png", "dog/.hidden.png"]
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbered_png(number))
    return tmp_path


def test_without_labels_every_file_is_a_row(folder: Path) -> None:
    source = FolderSource(str(folder))
    rows = [source.read(index) for index in range(len(source))]
    assert [row.where for row in rows] == [
        f"{folder}/{name}"
        for name in (
            *("cup of tea/b.png", "cup of tea/more/a.png"),
            *("dog/.hidden.png", "dog/c.png", "loose.png"),
        )
    ]
    assert [row.image for row in rows] == [numbered_png(n) for n in (0, 1, 4, 2, 3)]
    assert all(row.label == -1 and not row.captions for row in rows)
    assert (source.classes, source.labelled, source.captions(0)) == ((), False, ())


def test_a_pattern_names_files_too(folder: Path) -> None:
    assert len(FolderSource(f"{folder}/*/*.png")) == 2


def test_with_labels_the_folders_are_the_classes(folder: Path) -> None:
    source = FolderSource(str(folder), labels=True)
    rows = [source.read(index) for index in range(len(source))]
    assert source.classes == ("cup of tea", "dog")
    assert [(row.image, row.label) for row in rows] == [
        (numbered_png(0), 0),
        (numbered_png(1), 0),
        (numbered_png(2), 1),
    ]


def test_a_file_that_goes_is_a_fault_of_its_row(folder: Path) -> None:
    source = FolderSource(str(folder))
    (folder / "loose.png").unlink()
    with pytest.raises(PictureError, match="unreadable: not found"):
        source.read(4)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "one folder per class is needed for labels, got none"),
        (("train", "val"), "the folders must be classes, got the splits train, val. Give one"),
        (("n01440764", "n01443537"), "class names in words, got WordNet ids such as 'n01440764'"),
    ],
)
def test_folders_that_are_no_classes_are_refused(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        FolderSource(str(tmp_path), labels=True)
    assert message in str(caught.value)


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match="at least one file is needed"):
        FolderSource(str(tmp_path))
    with pytest.raises(InputError, match="at least one file is needed"):
        FolderSource(str(tmp_path), labels=True)
    with pytest.raises(InputError, match="a folder with one folder per class is needed"):
        FolderSource(f"{tmp_path}/*.png", labels=True)


def test_the_digest_covers_sizes_labels_and_some_files_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = some_pictures.read_bytes

    def counted(path: str) -> tuple[bytes, FileStamp]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(some_pictures, "read_bytes", counted)
    for number in range(300):
        (folder / f"more-{number:03}.png").write_bytes(b"x" * 10)
    digest = FolderSource(str(folder)).digest
    assert len(read) == len(set(read)) == 256
    unread = next(path for path in folder.iterdir() if path.is_file() and str(path) not in read)
    unread.write_bytes(b"y" * 10)
    assert FolderSource(str(folder)).digest == digest
    unread.write_bytes(b"y" * 11)
    assert FolderSource(str(folder)).digest != digest
    unread.write_bytes(b"y" * 10)
    Path(read[0]).write_bytes(b"y" * Path(read[0]).stat().st_size)
    assert FolderSource(str(folder)).digest != digest


def test_the_digest_of_a_small_folder_covers_every_byte_and_the_labels_not_the_names(
    folder: Path,
) -> None:
    digest = FolderSource(str(folder)).digest
    assert FolderSource(str(folder), labels=True).digest != digest
    (folder / "loose.png").rename(folder / "loosened.png")
    assert FolderSource(str(folder)).digest == digest
    (folder / "loosened.png").write_bytes(numbered_png(9))
    assert FolderSource(str(folder)).digest != digest


def test_an_epoch_has_every_row_once(folder: Path) -> None:
    assert sorted(FolderSource(str(folder)).epoch_order(1, 1).tolist()) == list(range(5))
