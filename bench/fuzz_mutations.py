"""The ways in which the fuzz corpus damages a whole picture; one source of chance decides."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence

from fuzz_parts import length_fields, parts_of, size_fields, with_right_checksums
from fuzz_seeds import Seed, exif, seeds

Mutation = Callable[[Seed, random.Random], bytes]

_NUMBERS = (0, 1, 2, 7, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF,
            0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
_SIDES = (0, 1, 2, 66, 68, 255, 4_096, 13_377, 16_384, 30_000, 65_500, 65_535, 0x7FFFFFFF,
          0xFFFFFFFF)  # fmt: skip


def mutations() -> dict[str, Mutation]:
    """Every way, by its name in file names."""
    return {
        "whole": lambda seed, _: seed.data,
        "bits": _bits,
        "head-bits": _head_bits,
        "numbers": _numbers,
        "run": _run,
        "zeros-at-end": _zeros_at_end,
        "cut": _cut,
        "cut-at-part": _cut_at_part,
        "cut-inside": _bytes_removed,
        "inserted": _inserted,
        "part-removed": _part_removed,
        "part-doubled": _part_doubled,
        "parts-swapped": _parts_swapped,
        "parts-shuffled": _parts_shuffled,
        "foreign-part": _foreign_part,
        "part-damaged": _part_damaged,
        "length": _length,
        "size": _size,
        "appended": _appended,
        "prefixed": _prefixed,
        "spliced": _spliced,
        "foreign-head": _foreign_head,
        "exif": _exif,
        "several": _several,
    }


def mutated(seed: Seed, name: str, rng: random.Random) -> bytes:
    """The seed's file, damaged in the way of this name.

    Half of the damaged PNGs get right checksums again: without, few would reach the decoder.
    """
    data = mutations()[name](seed, rng)
    if seed.kind == "PNG" and name != "whole" and data[:8] == seed.data[:8] and rng.random() < 0.5:
        data = with_right_checksums(data)
    return data


def _bits(seed: Seed, rng: random.Random) -> bytes:
    damaged = bytearray(seed.data)
    for _ in range(rng.randint(1, 12)):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _head_bits(seed: Seed, rng: random.Random) -> bytes:
    damaged = bytearray(seed.data)
    for _ in range(rng.randint(1, 4)):
        damaged[rng.randrange(min(len(damaged), 200))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _numbers(seed: Seed, rng: random.Random) -> bytes:
    """A number that programs stumble over, somewhere in the first bytes."""
    form = rng.choice(("B", "<H", ">H", "<I", ">I"))
    return _put(seed.data, rng.randrange(min(len(seed.data), 300)), form, rng.choice(_NUMBERS))


def _run(seed: Seed, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(seed.data)), rng.choice((1, 4, 16, 64, 256, 1024))
    value = rng.choice((0, 0xFF, rng.randrange(256)))
    run = rng.randbytes(size) if rng.random() < 0.3 else bytes((value,)) * size
    return (seed.data[:at] + run + seed.data[at + size :])[: max(len(seed.data), at + 1)]


def _zeros_at_end(seed: Seed, rng: random.Random) -> bytes:
    """As a download into a file of full length that broke off."""
    kept = rng.randrange(len(seed.data))
    return seed.data[:kept] + bytes(len(seed.data) - kept)


def _cut(seed: Seed, rng: random.Random) -> bytes:
    return seed.data[: rng.randrange(len(seed.data))]


def _cut_at_part(seed: Seed, rng: random.Random) -> bytes:
    start, end = rng.choice(parts_of(seed.kind, seed.data))
    return seed.data[: max(0, rng.choice((start, end)) + rng.choice((-1, 0, 0, 1, 4)))]


def _bytes_removed(seed: Seed, rng: random.Random) -> bytes:
    at = rng.randrange(len(seed.data))
    return seed.data[:at] + seed.data[at + rng.choice((1, 2, 3, 4, 100)) :]


def _inserted(seed: Seed, rng: random.Random) -> bytes:
    at = rng.randrange(len(seed.data))
    return seed.data[:at] + rng.randbytes(rng.choice((1, 2, 4, 50))) + seed.data[at:]


def _part_removed(seed: Seed, rng: random.Random) -> bytes:
    start, end = rng.choice(parts_of(seed.kind, seed.data))
    return seed.data[:start] + seed.data[end:]


def _part_doubled(seed: Seed, rng: random.Random) -> bytes:
    start, end = rng.choice(parts_of(seed.kind, seed.data))
    times = rng.choice((1, 1, 2, 20))
    return seed.data[:end] + seed.data[start:end] * times + seed.data[end:]


def _parts_swapped(seed: Seed, rng: random.Random) -> bytes:
    pair = sorted(rng.choices(parts_of(seed.kind, seed.data), k=2))
    (a, b), (c, d) = pair
    if b > c:  # one lies within the other
        return _part_removed(seed, rng)
    data = seed.data
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _parts_shuffled(seed: Seed, rng: random.Random) -> bytes:
    parts = [(start, end) for start, end in parts_of(seed.kind, seed.data) if start]
    if not parts:
        return _run(seed, rng)
    pieces = [seed.data[start:end] for start, end in parts]
    rng.shuffle(pieces)
    return seed.data[: parts[0][0]] + b"".join(pieces) + seed.data[parts[-1][1] :]


def _foreign_part(seed: Seed, rng: random.Random) -> bytes:
    """A part of another picture, most often of the same format, in the place of one of ours."""
    same = [one for one in seeds() if one.kind == seed.kind]
    other = rng.choice(same if rng.random() < 0.8 else seeds())
    from_start, from_end = rng.choice(parts_of(other.kind, other.data))
    start, end = rng.choice(parts_of(seed.kind, seed.data))
    return seed.data[:start] + other.data[from_start:from_end] + seed.data[end:]


def _part_damaged(seed: Seed, rng: random.Random) -> bytes:
    start, end = rng.choice(parts_of(seed.kind, seed.data))
    damaged = bytearray(seed.data)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(start, end)] = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))
    return bytes(damaged)


def _length(seed: Seed, rng: random.Random) -> bytes:
    at, form = rng.choice(length_fields(seed.kind, seed.data))
    return _put(seed.data, at, form, rng.choice(_NUMBERS))


def _size(seed: Seed, rng: random.Random) -> bytes:
    """Width, height or both as they are not."""
    fields = size_fields(seed.kind, seed.data)
    if not fields:
        numbers = re.search(rb"67\s+45", seed.data[:100])
        if numbers is None:
            return _head_bits(seed, rng)
        size = b"%d %d" % (rng.choice(_SIDES), rng.choice(_SIDES))
        return seed.data[: numbers.start()] + size + seed.data[numbers.end() :]
    data = seed.data
    for at, form in rng.choice(fields)[: rng.choice((1, 2, 2))]:
        data = _put(data, at, form, rng.choice(_SIDES))
    return data


def _appended(seed: Seed, rng: random.Random) -> bytes:
    other = rng.choice(seeds()).data
    return seed.data + rng.choice((other, rng.randbytes(500), bytes(3000), b"PK\3\4" + bytes(30)))


def _prefixed(seed: Seed, rng: random.Random) -> bytes:
    return rng.choice((b"\n", b"\xef\xbb\xbf", bytes(4), b"HTTP/1.1 200 OK\r\n\r\n")) + seed.data


def _spliced(seed: Seed, rng: random.Random) -> bytes:
    other = rng.choice(seeds()).data
    return seed.data[: rng.randrange(len(seed.data))] + other[rng.randrange(len(other)) :]


def _foreign_head(seed: Seed, rng: random.Random) -> bytes:
    size = rng.choice((4, 8, 12, 16, 32, 64))
    return rng.choice(seeds()).data[:size] + seed.data[size:]


def _exif(seed: Seed, rng: random.Random) -> bytes:
    """A damaged EXIF block where the format takes one in front; else damage to what is there."""
    block = bytearray(exif(rng.choice((0, 1, 3, 6, 8, 9, 255, 65_535))))
    for _ in range(rng.randint(0, 6)):
        block[rng.randrange(6, len(block))] = rng.choice((0, 0xFF, 8, rng.randrange(256)))
    if seed.kind == "JPEG":
        segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
        return seed.data[:2] + segment + seed.data[2:]
    if seed.kind == "PNG":
        body = b"eXIf" + bytes(block[6:])
        chunk = struct.pack(">I", len(body) - 4) + body + bytes(4)
        return with_right_checksums(seed.data[:33] + chunk + seed.data[33:])
    at = max(seed.data.find(b"Exif"), seed.data.find(b"EXIF"))
    if at < 0:
        return _part_damaged(seed, rng)
    return seed.data[: at + 8] + bytes(block[6:]) + seed.data[at + 8 + len(block) - 6 :]


def _several(seed: Seed, rng: random.Random) -> bytes:
    """Two to four of the other ways, one upon the other."""
    names = sorted(set(mutations()) - {"several", "whole"})
    data = seed.data
    for name in rng.choices(names, k=rng.randint(2, 4)):
        step = Seed(kind=seed.kind, layout=seed.layout, suffix=seed.suffix, data=data or b"\0")
        data = mutations()[name](step, rng)
    return data


def _put(data: bytes, at: int, form: str, number: int) -> bytes:
    limit = (1 << 8 * struct.calcsize(form)) - 1
    return data[:at] + struct.pack(form, number & limit) + data[at + struct.calcsize(form) :]


NAMES: Sequence[str] = tuple(mutations())
