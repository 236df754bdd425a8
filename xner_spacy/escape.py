"""Text from data is text, wherever it is shown: on a terminal, in Markdown, in a table for spreadsheets.

A label, a file name or a language's name may hold anything. Each place has its own signs that are commands there; one
function a place turns them into what can be read. (HTML is made by Jinja, which escapes by itself.)
"""

import html
import re
from typing import Union

Value = Union[str, int, float, None]

# Control characters (the escape that begins a terminal's commands among them), halves of surrogate pairs, line ends,
# and signs that change the direction of what follows, and so what a line seems to say.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# What a spreadsheet may take for a formula, also in their wide forms, and what it skips before one.
_FORMULA = re.compile(r"'*[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")

_MARKS = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
# What begins a heading, list, rule or quotation where it begins a line.
_OPENS = re.compile(r"^(#|[-+=](?=\s|$|[-+=])|\d+(?=[.)](\s|$)))")


def for_terminal(text: str, *, lines: bool = False) -> str:
    """Show every control character as an escape, so that text can't clear the screen or hide what is printed.

    lines (bool): Whether the text may have several lines, and tabs. RETURNS (str): What may be printed.
    """
    kept = "\n\t" if lines else ""
    return _CONTROLS.sub(lambda sign: sign[0] if sign[0] in kept else ascii(sign[0])[1:-1], text)


def for_markdown(text: str) -> str:
    """RETURNS (str): Markdown that shows a text as it is: no HTML, link, emphasis or table comes of it, and it stays in
    one line.
    """
    text = html.escape(for_terminal(text.replace("\n", " ")), quote=False)
    text = _MARKS.sub(r"\\\g<0>", text)
    # Of a number in a list it is the dot behind it that is escaped.
    return _OPENS.sub(lambda mark: f"{mark[0]}\\" if mark[0].isdecimal() else f"\\{mark[0]}", text)


def for_code(text: str) -> str:
    """RETURNS (str): Markdown that shows text between backticks, in one line, whatever is in it."""
    text = for_terminal(text.replace("\n", " "))
    fence = fence_for(text, 1)
    space = " " if text[:1] in ("`", "") or text[-1:] == "`" else ""
    return f"{fence}{space}{text}{space}{fence}"


def fence_for(text: str, least: int = 3) -> str:
    """RETURNS (str): Backticks, more in a row than the text holds, to go around it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def for_csv(value: Value) -> Value:
    """RETURNS (Value): A cell that a spreadsheet takes for text and not for a formula: an apostrophe stands before it,
    which `from_csv` takes away again. Numbers stay as they are.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def from_csv(text: str) -> str:
    """RETURNS (str): What `for_csv` was given."""
    return text[1:] if text.startswith("'") and for_csv(text[1:]) == text else text
