"""File names that are not UTF-8, as text that everything takes."""

from __future__ import annotations


def as_utf8(text: str) -> str:
    r"""``text`` with what UTF-8 cannot hold written as escapes.

    Names that are not UTF-8 hold lone surrogates (PEP 383), which neither parquet nor a database
    nor a terminal takes.

    Example:
        >>> as_utf8("n\udcff.jpg")
        'n\\udcff.jpg'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
