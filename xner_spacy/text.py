"""What counts as a token, the same for every reader, writer, part and component.

These rules live here and nowhere else: where a line of tokens is cut, which tokens nobody can see, how a span is freed
of such tokens at its edges, and which ways to write a text are the same.
"""

import re
import unicodedata
from functools import lru_cache
from typing import List, Optional, Sequence, Tuple

# Characters that take no room on the page: zero-width space, non-joiner, joiner, word joiner, byte order mark. The
# joiners belong to letters inside a word (Persian, Indic scripts); alone in a token they are faulty.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

# `str.split()` also cuts at a no-break space, U+3000, U+2028, U+0085 and others. Aligners and corpora of the field
# don't: to them these are ordinary characters of a token, and token indices would shift.
_GAP = re.compile(r"[ \t]+")


def split_tokens(line: str) -> List[str]:
    """RETURNS (List[str]): The tokens of a sentence, cut at ASCII spaces and tabs, and at nothing else."""
    return [token for token in _GAP.split(line) if token]


def composed(text: str) -> str:
    """RETURNS (str): The text with its accents in one piece with their letters (NFC): "é" may come as one character or
    as two, and is the same.
    """
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=100_000)
def comparable(text: str) -> str:
    """RETURNS (str): The text without case, as whole letters (NFC): equal for texts that read the same. Texts themselves
    are never changed.
    """
    return composed(composed(text).casefold())


def is_blank_token(token: str) -> bool:
    """RETURNS (bool): Whether nothing of the token can be seen: it is empty, or holds whitespace and zero-width
    characters alone.
    """
    return not "".join(token.split()).strip(INVISIBLE)


def trim_span(words: Sequence[str], start: int, end: int) -> Optional[Tuple[int, int]]:
    """Free a span of blank tokens at its edges. Blank tokens inside it stay: the two halves of "Ada  Lovelace" are one
    name. spaCy's own `ner` has the same rule.

    RETURNS (Optional[Tuple[int, int]]): The trimmed span, its end exclusive, or None if it holds blank tokens alone.
    """
    while start < end and is_blank_token(words[start]):
        start += 1
    while start < end and is_blank_token(words[end - 1]):
        end -= 1
    return (start, end) if start < end else None
