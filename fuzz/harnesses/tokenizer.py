"""Tokenisers: a ``tokenizer.json`` or a list of word pieces. The library below is Rust."""

from __future__ import annotations

from harness import Harness, check_sentence, written
from sightglass.encoders.card import TextInput
from sightglass.encoders.tokens import make_tokens
from sightglass.encoders.word_pieces import load_tokenizer
from sightglass.errors import ModelError

_TEXTS = ("a photo of a cat", "", "Ünïcode_猫!")
_PIECES = b"[UNK]\n[PAD]\na\n##b\nphoto\ncat\nof"
_JSON = b"""{"version": "1.0", "truncation": null, "padding": null,
"added_tokens": [{"id": 0, "content": "[UNK]", "single_word": false, "lstrip": false,
"rstrip": false, "normalized": false, "special": true}],
"normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
"post_processor": null, "decoder": null,
"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "cat": 1}, "unk_token": "[UNK]"}}"""
_BPE = b"""{"version": "1.0", "added_tokens": [], "normalizer": null,
"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
"post_processor": {"type": "TemplateProcessing",
"single": [{"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {}},
"decoder": {"type": "ByteLevel"},
"model": {"type": "BPE", "vocab": {"a": 0, "c": 1, "ca": 2, "t": 3}, "merges": ["c a"]}}"""


def one_input(data: bytes) -> None:
    """As either; then three texts go through it."""
    for name in ("tokenizer.json", "vocabulary.txt"):
        try:
            tokenizer = load_tokenizer(written(name, data))
        except ModelError as error:
            check_sentence(error)
            continue
        tokens = make_tokens(tokenizer, TextInput(length=16))
        try:
            rows = tokens(_TEXTS)
        except ModelError as error:
            check_sentence(error)
            continue
        assert all(len(row) <= 16 for row in rows)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [_PIECES, _JSON, _BPE],
    words=(
        *("type", "vocab", "merges", "unk_token", "WordLevel", "WordPiece", "BPE", "Unigram"),
        *("normalizer", "pre_tokenizer", "Sequence", "Split", "Replace", "pattern", "Regex"),
        *("String", "content", "Precompiled", "Strip", "Metaspace", "Digits", "special_tokens"),
        *("continuing_subword_prefix", "max_input_chars_per_word", "byte_fallback", "dropout"),
    ),
    tree=True,
)
