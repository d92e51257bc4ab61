"""Captions of a tar shard's sample, as JSON or as text."""

from __future__ import annotations

from harness import Harness, check_sentence
from sightglass.distillation.pairs.captions import captions_in_json, captions_in_text
from sightglass.errors import PictureError


def one_input(data: bytes) -> None:
    """As a ``.json`` member, then as a ``.txt`` one."""
    for reader in (captions_in_json, captions_in_text):
        try:
            said = reader(data)
        except PictureError as error:
            check_sentence(error)
            continue
        assert len(said) == len(set(said))
        for caption in said:
            assert caption == " ".join(caption.split()) != ""
            caption.encode()


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [b'{"caption": "A cat.", "texts": ["A", " A ", 1]}', b"\xef\xbb\xbfA\ncat."],
    words=("caption", "captions", "text", "texts", "\\ud800", "\x85", "\u3000"),
    tree=True,
)
