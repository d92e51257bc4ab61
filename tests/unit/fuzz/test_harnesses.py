"""Every harness over its seeds, and over what fuzzing once found; atheris is not needed."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from harness import FOLLOWED, load_harness
from harnesses import class_book_json, store_rows
from trees import mutated

DEEP = b"[" * 1200 + b"]" * 1200


def changed(name: str, old: str, new: str, seed: int = 0) -> bytes:
    """A seed with one thing replaced."""
    data = load_harness(name).seeds()[seed]
    assert data.count(old.encode()) >= 1, old
    return data.replace(old.encode(), new.encode(), 1)


def mat(kind: int) -> bytes:
    """A Matlab file whose pictures are of this type, by its number in the format."""
    data = load_harness("svhn").seeds()[0]
    name = data.index(b"\1\0\1\0X\0\0\0")
    return data[: name + 8] + struct.pack("<I", kind) + data[name + 12 :]


FOUND: dict[str, list[bytes]] = {
    "class_book_json": [
        # A line break of some machines came back from YAML as a space.
        b'{"classes": [{"name": "a"}, {"name": "b"}], "notes": ["\\u0085", "x\\u0085y\\n"]}',
        b'{"classes": [{"name": "a"}, {"name": "b", "description": "\\ud800"}]}',
        # A group called a class by its name without the space around it, which was none.
        b'{"classes": [{"name": " a"}, {"name": "b"}], "confusable": [{"classes": ["a", "b"]}]}',
        DEEP,
    ],
    "class_book_yaml": [b"[" * 450, b"- *a", b"? [a]\n: b", b"classes: !!str [a]", b"&a [*a]"],
    "references": [
        changed("references", "0.5", "-Infinity"),
        changed("references", '"cat/a.png"', '"../a.png"'),
        DEEP,
    ],
    "line_file": ["the\u2028 $}, drawn".encode(), b"a|a\nb|\n", b"\xff"],
    "pairs_table": [
        b"image,caption\n../a,b\n",
        b'image\n"a',
        b"image\n\0\n",
        b"image\timage\na\tb\n",
    ],
    "pairs_tar": [changed("pairs_tar", "ustar", "usta\0"), bytes(1024), b"a.jpg".ljust(512, b"\0")],
    "parquet_names": [DEEP, b"null", b'{"info": []}'],
    "caption_json": [DEEP, b'{"caption": "\\ud800"}', b"[]"],
    "manifest": [
        b"\0",
        b"\n\n",
        b"path,path\na,b\n",
        b"\xff=1.jpg",
        b"\xe3\nb\t",
        b'{"path": 1}\n',
        b"\x1f\x8b",
        b"'=x",
        b"\r",
    ],
    "onnx_whole": [b"\x3a\xff\xff\x03", b"\x0b", b"\x3a\x04\x2a\x02\x70\x01", b"\xff" * 12],
    "ledgers": [b'{"where": "a", "status": "corrupt", "detail": "\\ud800"}\n', DEEP + b"\n", b"\n"],
    "card": [
        changed("card", "[8, 6]", "[0, 6]"),
        changed("card", "[8, 6]", "[-8, 6]"),
        changed("card", '"resize_to": 9', '"resize_to": 0'),
        changed("card", "[0.5, 0.5, 0.5]", "[NaN, 0.5, 0.5]"),
        changed("card", '"std": [0.5', '"std": [0.0'),
        changed("card", '"std": [0.5', '"std": [1e-320'),
        changed("card", '"mean": [0.5', '"mean": [1e308'),
        changed("card", '"patch_size": 4', '"patch_size": 0').replace(b"shortest_edge", b"patches"),
        changed("card", "-10.0", "-Infinity"),
        changed("card", '"none"', '"\\ud800"'),
        DEEP,
    ],
    "hub_folder": [
        *(
            changed("hub_folder", old, new)
            for old, new in (
                ('"shape": [3, 2]', '"shape": []'),
                ('"shape": [2, 2]', '"shape": []'),
                ("[20, 44]", "[1e999, 44]"),
                ("[4, 20]", "[9223372036854775808, 20]"),
                ('{"image_size": 8}', "0.5"),
                ('{"height": 8, "width": 8}', '"8"'),
                ('"resample": 3', '"resample": Infinity'),
                ('{"0": {"content": "?"}}', "[1]"),
                ('[{"id": 1, "content": "!"}]', "1"),
                ('[{"id": 1, "content": "!"}]', '["!"]'),
                ('"id": 1, ', ""),
                ('"id": 1', '"id": {}'),
                ('{"vocab": {"!": 1}}', '"!"'),
            )
        ),
        changed("hub_folder", '"patch_size": 4', '"patch_size": Infinity', seed=2),
        changed("hub_folder", '"max_num_patches": 16', '"max_num_patches": -1', seed=2),
    ],
    "safetensors_header": [
        b'{"weight_map": {"a": "' + b"x" * 300 + b'"}}',
        b'{"weight_map": {"a": "a\\u0000"}}',
        b'{"a": {"dtype": "F32", "shape": [-1, -3], "data_offsets": [0, 12]}}',
        b'{"a": {"dtype": "F32", "shape": [3], "data_offsets": [-12, 12]}}',
        b'{"a": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 12]}}',
        b'{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0]}}',
        b'{"a": {"dtype": "F64", "shape": [], "data_offsets": [12, 12]}}',
        DEEP,
    ],
    "prompt_file": [DEEP, changed("prompt_file", '"epochs": 1', '"epochs": Infinity')],
    "student_about": [DEEP, changed("student_about", "10.0", "NaN")],
    # Without the piece for what is unknown, the library fails at the first text.
    "tokenizer": [b"a\nb", b"\xff", b"[UNK]"],
    "recipe": [
        b'data: !!float ""',
        b"data: !!timestamp x",
        b"data: !!int ''",
        b"[" * 450,
        b"\0",
        b"0o_",
    ],
    # A member that is no array, in an archive of arrays.
    "npz": [b"", b"bytes of something else", b"\x93NUMPY\1\0\2\0{}"],
    "store_rows": [bytes([0]) + b"abc", bytes([0]) + b"\0\0\xc0\x7f" * 4, bytes([6]) + b"text"],
    "answers": [DEEP, b'{"classes": [' * 50, b'{"classes": {"name": "\\ud800"}}'],
    "kept_answer": [DEEP, b"null"],
    "idx": [
        b"\0\0\x08\3" + bytes(4) + b"\xff" * 8,
        *(b"\0\0\x08\1\xff\xff\xff\xff", b"\0\0\x08\3" + b"\xff" * 12, b"\x1f\x8b\x08\0"),
    ],
    "pickles": [
        b"\x80\2cos\nsystem\nU\1a\x85R.",
        b"\x96" + b"\xff" * 7 + b"\x7f.",
        b"N.",
        b"]r\0\0\0\x7f.",
    ],
    # Types that the format does not have: the library that read such files died of them.
    "svhn": [mat(0xFF), mat(0), mat(18), mat(0xFFFF)],
    "split_file": [changed("split_file", '"a.jpg"', '"' + "x" * 300 + '"'), DEEP],
    # Places that do not fit the machine's own numbers.
    "picture_structure": [
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"MM\0+\0\x08\0\0" + b"\xff" * 8,
        b"\0\0\0\1ftypavif" + b"\xff" * 16,
    ],
    "picture": [b"II+\0\x08\0\0\0" + b"\xff" * 8, b"MM\0+\0\x08\0\0" + b"\xff" * 8],
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_no_seed_is_a_finding(name: str) -> None:
    harness = load_harness(name)
    seeds = harness.seeds()
    assert seeds
    assert max(map(len, seeds)) <= harness.longest
    for data in (*seeds, b"", *(seed[: len(seed) // 2] for seed in seeds)):
        harness.one_input(data)


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, inputs in FOUND.items() for data in inputs]
)
def test_what_was_found_once_is_no_finding_any_more(name: str, data: bytes) -> None:
    load_harness(name).one_input(data)


def test_every_harness_is_listed() -> None:
    folder = Path(class_book_json.__file__).parent
    assert {path.stem for path in folder.glob("[!_]*.py")} == set(FOLLOWED)


@pytest.mark.parametrize("kind", [KeyError, UnicodeDecodeError, RecursionError, MemoryError])
def test_an_undocumented_error_is_a_finding(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = kind("utf-8", b"", 0, 1, "") if kind is UnicodeDecodeError else kind()

    def broken(_: Path) -> None:
        raise error

    monkeypatch.setattr(class_book_json, "read_class_book", broken)
    with pytest.raises(kind):
        class_book_json.one_input(b"{}")


def test_a_book_that_changes_when_it_is_written_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forgetful(path: Path, _: object) -> None:
        path.write_text('{"classes": [{"name": "a"}, {"name": "c"}]}')

    monkeypatch.setattr(class_book_json, "write_class_book", forgetful)
    with pytest.raises(AssertionError, match="holds another book"):
        class_book_json.one_input(b'{"classes": [{"name": "a"}, {"name": "b"}]}')


def test_a_row_that_is_not_the_saved_one_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_rows.Store, "texts", lambda *_, **__: {"a cat": (None, 2.5)})
    with pytest.raises(AssertionError, match="another row of a text"):
        store_rows.one_input(b"\0abc")


@pytest.mark.parametrize("name", [name for name in FOLLOWED if load_harness(name).tree])
def test_a_mutated_tree_is_json_and_follows_from_the_seed_alone(name: str) -> None:
    harness = load_harness(name)
    trees = [seed for seed in harness.seeds() if mutated(seed, Random(0), ()) is not None]
    assert trees
    for number in range(20):
        one = mutated(trees[0], Random(number), harness.words)
        assert one == mutated(trees[0], Random(number), harness.words)
        assert one is not None
        with suppress(RecursionError):  # some are to be too deep
            json.loads(one.decode("utf-8", "surrogatepass"))


def test_what_is_no_json_has_no_tree_to_mutate() -> None:
    assert [mutated(data, Random(0), ()) for data in (b"", b"{", DEEP, b"\xff")] == [None] * 4
