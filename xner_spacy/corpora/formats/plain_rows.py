"""Sentences of column files in their most frequent form, read at once: a token and its IOB2 tag on each line."""

import re
from functools import lru_cache
from typing import List, Optional, Pattern, Sequence, Tuple

from ...text import INVISIBLE

# No white space, no control characters, nothing that can't be seen.
_VISIBLE = rf"[^\s\x00-\x20\x7f-\x9f{INVISIBLE}]+"


@lru_cache
def _form(separator: str) -> Pattern[str]:
    line = rf"{_VISIBLE}{separator}(?:O|[BI]-{_VISIBLE})"
    return re.compile(rf"{line}(?:\n{line})*")


def plain_rows(lines: Sequence[str], separator: str) -> Optional[Tuple[List[str], List[str]]]:
    """Read a sentence whose lines are all a token, the separator, and an IOB2 tag that fits the one before it.

    separator (str): A space or a tab.
    RETURNS (Optional[Tuple[List[str], List[str]]]): Tokens and tags, or None for any other form: each line has to be
        looked at then.
    """
    text = "\n".join(lines)
    if not _form(separator).fullmatch(text):
        return None
    cells = text.split()
    tags = cells[1::2]
    if f"{separator}I-" in text:
        before = "O"
        for tag in tags:
            if tag[0] == "I" and tag[2:] != before[2:]:
                return None
            before = tag
    return cells[::2], tags
