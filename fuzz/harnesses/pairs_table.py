"""Tables of pictures and captions, as CSV and as TSV."""

from __future__ import annotations

import os

from harness import Harness, check_sentence, scratch, written
from pair_rows import read_row
from sightglass.distillation.pairs.table_source import TableSource
from sightglass.errors import InputError

_CSV = b'image,caption,label\na.jpg,"A cat, ""asleep""\non a mat",cat\nb/c.jpg,A dog,dog\n'
_TSV = b'image\tcaption_1\tcaption_2\na.jpg\t"A ""cat"""\t\nb.jpg\tA 3" nail\tA nail\n'


def one_input(data: bytes) -> None:
    """As a ``.csv``, then as a ``.tsv``."""
    for name in ("pairs.csv", "pairs.tsv"):
        path = written(name, data)
        try:
            source = TableSource(str(path))
        except InputError as error:
            check_sentence(error)
            continue
        _check(source)
        path.unlink()


def _check(source: TableSource) -> None:
    assert len(source) > 0
    places = [source.where(index) for index in range(len(source))]
    assert len(places) == len(set(places)), "one picture is two rows"
    for index, place in enumerate(places):
        inside = os.path.commonpath([os.path.abspath(place), scratch()]) == str(scratch())
        assert inside, f"{place!r} is outside of the folder"
        for caption in source.captions(index):
            assert caption == " ".join(caption.split()) != ""
        read_row(source, index)
    assert len(source.digest) == 64


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_CSV, _TSV, b"path,text\r\nx.png,7\r\n", b"image,label\na,1\nb,-1\n"],
    words=(
        *("image", "caption", "caption_1", "label", "filepath", "text", ",", "\t", '"', '""'),
        *(
            "\r\n",
            "\r",
            "\ufeff",
            "../",
            "/",
            "//",
            "\0",
            "://",
            "~",
            "-1",
            "1_0",
            "\u2028",
            "\x0c",
        ),
    ),
    longest=1024,
)
