"""Files with one entry per line: classes and templates."""

from __future__ import annotations

from harness import Harness, check_sentence, written
from sightglass.errors import InputError
from sightglass.inputs.labels import LabelSet, clean_name, name_key, parse_classes
from sightglass.inputs.prompts import class_texts
from sightglass.inputs.templates import template_set

_LABELS = LabelSet(names=("cat", "{}"))


def one_input(data: bytes) -> None:
    """As a list of classes, then as a list of templates."""
    path = str(written("lines.txt", data))
    try:
        labels = parse_classes(path)
    except InputError as error:
        check_sentence(error)
    else:
        keys = [name_key(name) for names in labels.synonyms for name in names]
        assert len(keys) == len(set(keys)), "two classes share a name"
        assert all(clean_name(name).isprintable() or clean_name(name) for name in labels.names)
        assert LabelSet.of(labels.synonyms) == labels, "made again of its names, it is another"
        labels.fingerprint.encode()
    try:
        templates = template_set(path)
    except InputError as error:
        check_sentence(error)
    else:
        texts = class_texts(_LABELS, templates)
        assert all(len(of_class) == len(set(of_class)) for of_class in texts)


HARNESS = Harness(
    one_input=one_input,
    seeds=lambda: [
        b"cat\ndog\n",
        b"\xef\xbb\xbfsofa|couch\r\n# no\r\n\r\nchair_of wood\r\n",
        b"a photo of a {}\nthe {}, drawn\n",
        b"cat,dog",
    ],
    words=("|", "#", "{}", "\r\n", "\ufeff", "\u200b", "\u2028", "\x0c", "unknown", "İ", "ß", "_"),
    longest=1024,
)
