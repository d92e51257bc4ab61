"""Text in a CSV cell that no spreadsheet takes for a formula, and back again.

A spreadsheet computes what a cell says where the text begins like a formula: a picture named
``=HYPERLINK("http://…").jpg`` would be one. Such a cell gets an apostrophe in front, which makes it
text.

Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

_MARK = "'"
# Those of OWASP's list, with their full-width and small forms, which some input methods fold.
_BEGINS_A_FORMULA = frozenset("=+-@＝＋－＠﹦﹢﹣﹫−")
_CUTS_A_CELL = frozenset("\t\r\n")
_PASSED_OVER = frozenset(" '\"")  # and all that cannot be seen


def inert_cell(text: str) -> str:
    """``text``, with an apostrophe in front where a spreadsheet could take it for a formula.

    Spaces, quotation marks and invisible characters in front do not hide one: readers strip them.
    """
    return _MARK + text if _like_a_formula(text) else text


def plain_cell(cell: str) -> str:
    """The text that ``inert_cell`` made ``cell`` of."""
    rest = cell.removeprefix(_MARK)
    return rest if rest != cell and _like_a_formula(rest) else cell


def _like_a_formula(text: str) -> bool:
    """The answer is the same with an apostrophe in front: without that there were no way back."""
    for character in text:
        if character in _CUTS_A_CELL:
            return True
        if character.isprintable() and character not in _PASSED_OVER:
            return character in _BEGINS_A_FORMULA
    return False
