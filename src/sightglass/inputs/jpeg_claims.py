"""Whether a JPEG can be what it claims: decoders fill what is missing with grey, silently."""

from __future__ import annotations

import re

from sightglass.errors import PictureError
from sightglass.inputs.hazards import JPEG_FRAMES, jpeg_is_kept_whole
from sightglass.inputs.truncation import JPEG_SCAN, jpeg_segments

# Of Huffman coded frames: the fewest bits that a block of 8 x 8 takes. A sequential one has a code
# for its mean and one that ends it, a progressive one has the first of these.
_LEAST_BITS = {0xC0: 2, 0xC1: 2, 0xC2: 1}

# Each scan goes over all blocks, however few bytes it has: some twenty milliseconds for the largest
# picture of the default limit. Encoders write about ten scans, never a hundred.
_ALWAYS_SCANS = 100
_BLOCKS_SCANNED = 60_000_000  # small pictures may have more scans: as many as make this

# Those that a length follows: neither a byte of pixels (0), nor 1, nor the restarts (D0 to D7).
_MARKER = re.compile(rb"\xff+([^\0\1\xff\xd0-\xd7])", re.DOTALL)
_END = 0xD9
_ZEROS = bytes(16)  # more than any coded pixels end in


def check_jpeg_claims(data: bytes) -> None:
    """Raise PictureError where a JPEG's data cannot be all of the picture that its head claims.

    A few hundred bytes that claim 65,500 x 65,500 pixels are otherwise decoded for seconds, some
    hundred thousand that repeat one scan for hours, and a download into a preallocated file, which
    ends in zeros when it breaks off, as a picture whose lower part is plain.

    Args:
        data: A whole file that begins as a JPEG.

    Raises:
        PictureError: ``truncated`` where too little follows, ``corrupt`` for endless scans.
    """
    blocks, bits, scan = 0, 0, None
    for marker, at in jpeg_segments(data):
        if marker in JPEG_FRAMES:
            blocks, bits = _blocks(data, at), _LEAST_BITS.get(marker, 0)
        elif marker == JPEG_SCAN:
            scan = at
    if scan is None:
        return  # the decoder will say so
    if blocks * bits > (len(data) - scan) * 8:
        raise PictureError(
            "truncated", f"begins as JPEG, but its data stop early, at byte {len(data):,}"
        )
    if data.endswith(_ZEROS) and data.find(b"\xff\xd9", scan) < 0:
        filled = len(data.rstrip(b"\0"))
        raise PictureError(
            "truncated", f"only zeros follow the first {filled:,} bytes of this JPEG"
        )
    if blocks and jpeg_is_kept_whole(data):
        _check_scans(data, scan, max(_ALWAYS_SCANS, _BLOCKS_SCANNED // blocks))


def _blocks(data: bytes, at: int) -> int:
    """Blocks of the component that has most of them, of the frame whose marker is at ``at``."""
    height, width = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (5, 7))
    factors = [
        (data[entry + 1] >> 4, data[entry + 1] & 15)
        for entry in range(at + 10, min(at + 10 + 3 * data[at + 9], len(data) - 2), 3)
    ]
    most_across = max((across for across, _ in factors), default=0)
    most_down = max((down for _, down in factors), default=0)
    return max(
        (
            -(-width * across // (8 * most_across)) * -(-height * down // (8 * most_down))
            for across, down in factors
            if across and down
        ),
        default=0,
    )


def _check_scans(data: bytes, at: int, most: int) -> None:
    """Follow the markers from the first scan on, and stop at one scan too many."""
    scans = 0
    while (marker := _MARKER.search(data, at)) is not None and marker[1][0] != _END:
        scans += marker[1][0] == JPEG_SCAN
        if scans > most:
            raise PictureError("corrupt", f"a JPEG of more than {most:,} scans")
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
