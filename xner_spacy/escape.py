"""Escape text from data for a terminal, for Markdown, and for tables that are opened in a spreadsheet.

A label, a file name or a language's name may hold any characters, and each output format has its own special ones. One
function for each format escapes them. (HTML is rendered by Jinja, which escapes by itself, but for characters that a
page can't hold.)
"""

import html
import re
from typing import Union

Value = Union[str, int, float, None]

# Control characters (including the escape that begins terminal commands), halves of surrogate pairs, line ends, and
# characters that change the direction of the text after them, and so how a line reads.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# What a page can't hold (controls but for tabs and line ends, halves of surrogate pairs), or what would turn the text
# around it. Marks of direction, which Arabic and Hebrew texts have, stay.
_NOT_IN_A_PAGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

# Characters that may begin a formula in a spreadsheet, also in their wide forms, and those that it skips before one.
_FORMULA = re.compile(r"'*[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")

_MARKS = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
# The beginnings of a heading, list, rule or quotation at the start of a line.
_OPENS = re.compile(r"^(#|[-+=](?=\s|$|[-+=])|\d+(?=[.)](\s|$)))")


def for_terminal(text: str, *, lines: bool = False) -> str:
    """Show every control character as an escape, so that text can't clear the screen or hide what is printed.

    lines (bool): Whether the text may have several lines, and tabs. RETURNS (str): The escaped text.
    """
    kept = "\n\t" if lines else ""
    return _CONTROLS.sub(lambda match: match[0] if match[0] in kept else ascii(match[0])[1:-1], text)


def for_page(text: str) -> str:
    """RETURNS (str): Text with an escape in place of each character that a page can't show. It is not HTML yet: a
    template escapes it.
    """
    return _NOT_IN_A_PAGE.sub(lambda match: ascii(match[0])[1:-1], text)


def for_markdown(text: str) -> str:
    """RETURNS (str): Markdown that shows a text literally and in one line: no part of it becomes HTML, a link, emphasis
    or a table.
    """
    text = html.escape(for_terminal(text.replace("\n", " ")), quote=False)
    text = _MARKS.sub(r"\\\g<0>", text)
    # For the number of a list item, the dot after it is escaped.
    return _OPENS.sub(lambda match: f"{match[0]}\\" if match[0].isdecimal() else f"\\{match[0]}", text)


def for_code(text: str) -> str:
    """RETURNS (str): Markdown that shows any text between backticks, in one line."""
    text = for_terminal(text.replace("\n", " "))
    fence = fence_for(text, 1)
    space = " " if text[:1] in ("`", "") or text[-1:] == "`" else ""
    return f"{fence}{space}{text}{space}{fence}"


def fence_for(text: str, least: int = 3) -> str:
    """RETURNS (str): A fence for the text: more backticks than it has in a row, and at least `least`."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def for_csv(value: Value) -> Value:
    """RETURNS (Value): The value of a cell. An apostrophe is put before text that a spreadsheet would read as a
    formula; `from_csv` removes it. Numbers stay as they are.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def from_csv(text: str) -> str:
    """RETURNS (str): The text that `for_csv` escaped."""
    return text[1:] if text.startswith("'") and for_csv(text[1:]) == text else text
