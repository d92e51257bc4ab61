"""What a file looks like by its first bytes, whatever its name says."""

from __future__ import annotations

import re

# Pillow's name of the format. Only these are ever opened: among Pillow's other readers are some
# that start external programs (EPS), that only wrap a system library (WMF), or that recognise
# almost anything. TGA has no signature, only a header whose fields must be possible; hence last.
_PICTURES: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"GIF8[79]a", "GIF"),
        (rb"RIFF....WEBP", "WEBP"),
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BMP"),
        (rb"(?!II.{6}CR)(?:II[*+]\0|MM\0[*+])", "TIFF"),
        (rb"\0\0\x01\0(?!\0\0)", "ICO"),
        (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
        (rb"P[1-6f]\s+[\d#]", "PPM"),
        (rb"qoif", "QOI"),
        (rb"DDS ", "DDS"),
        (rb"8BPS", "PSD"),
        (rb"\n[\0\x02\x03\x05]\x01[\x01\x02\x04\x08]", "PCX"),
        (rb"\x01\xda[\0\x01][\x01\x02]\0[\x01-\x03]", "SGI"),
        (rb"\x59\xa6\x6a\x95", "SUN"),
        (
            rb"(?!\0\0\x01[\xb3\xba]).[\0\x01][\x01-\x03\x09-\x0b].{9}"
            rb"(?!\0\0)..(?!\0\0)..[\x08\x0f\x10\x18\x20]",
            "TGA",
        ),
    )
)
_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"GIF87a",
    b"II*\0",
    b"MM\0*",
    b"qoif",
    b"8BPS",
)
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (rb"\0+\Z", "nothing but zero bytes"),
        (rb"%PDF-", "a PDF document"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document"),
        (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture"),
        (rb"II.{6}CR|IIRO|IIRS|IIU\0|FUJIFILMCCD-RAW|....ftypcrx |\0MRM", "a camera's raw file"),
        (rb"....ftypqt  |....(?:moov|mdat|wide|free)", "a QuickTime movie"),
        (rb"....ftyp", "an MP4 video"),
        (rb"\x1aE\xdf\xa3", "a Matroska or WebM video"),
        (rb"RIFF....AVI ", "an AVI video"),
        (rb"RIFF....WAVE|ID3|fLaC|OggS|\xff[\xfb\xf3\xf2]", "a sound file"),
        (rb"\0\0\x01[\xb3\xba]", "an MPEG video"),
        (rb"PK[\x03\x05\x07]", "a ZIP archive or office document"),
        (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", "a compressed archive"),
        (rb"\xd0\xcf\x11\xe0", "an old office document or thumbnail cache"),
        (rb"\0\x05\x16[\0\x07]", "a macOS resource file beside the picture"),
        (rb"\0\0\0\x01Bud1", "a macOS folder-settings file"),
        (rb"icns", "an Apple icon"),
        (rb"gimp xcf", "a GIMP project"),
        (rb".{128}DICM", "a DICOM medical picture"),
        (rb"\x89HDF", "an HDF5 data file"),
        (rb"\x93NUMPY", "a NumPy array"),
        (rb"SQLite format 3", "an SQLite database"),
        (rb"\x7fELF|MZ", "a program"),
        (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a Windows metafile"),
        (rb"version https://git-lfs", "a Git LFS pointer instead of the file itself"),
        (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body))", "an HTML page"),
        (rb"(?:\xef\xbb\xbf)?\s*<(?:.*<)?svg", "an SVG drawing"),
    )
)
_HEAD = 4096  # bytes that any of the patterns may look at


def picture_kind(data: bytes) -> str | None:
    """Pillow's name of the format that the first bytes announce; None where they do not."""
    head = data[:_HEAD]
    if head[4:8] == b"ftyp":
        return _kind_by_brand(head)
    return next((name for pattern, name in _PICTURES if pattern.match(head)), None)


def begins_a_picture(data: bytes) -> bool:
    """True where the file ends within the signature of a picture format."""
    short_bitmap = data[:2] == b"BM" and len(data) < 18
    return short_bitmap or (len(data) > 1 and any(start.startswith(data) for start in _STARTS))


def looks_like(data: bytes) -> str:
    """For a person: what a file that is no picture seems to be, e.g. ``"a PDF document"``."""
    head = data[:_HEAD]
    known = next((words for pattern, words in _OTHERS if pattern.match(head)), None)
    if known is not None:
        return known
    return "text" if _is_text(head) else "unknown data"


def _kind_by_brand(head: bytes) -> str | None:
    """AVIF and HEIF share a container; the brands in its first box tell them from video."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut where the head ends, unless the file ends there too.
        if len(head) < _HEAD or error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
