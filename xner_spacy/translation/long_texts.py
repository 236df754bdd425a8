"""Splitting what is too long for a translator, at the best place there is; nothing is cut off."""

import re
from typing import Callable, List, Sequence

# Where a text may be split, the best places first: ends of sentences, of clauses, spaces.
_BORDERS = (
    re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？।॥။།՞؟۔።])\s*"),
    re.compile(r"(?<=[;:,–—])\s+|(?<=[；：，、،؛፣፤])\s*"),
    re.compile(r"\s+"),
)


def split_text(text: str, measure: Callable[[str], int], limit: int) -> List[str]:
    """Split a text into pieces that a translator can take.

    text (str): The text. measure: Gives the length of a text in the translator's units. limit (int): The longest piece,
        in those.
    RETURNS (List[str]): Pieces that joined give the text, up to spaces at the borders; each fits, unless a single
        character does not.
    """
    return _split(text.strip(), measure, max(limit, 1), 0)


def _split(text: str, measure: Callable[[str], int], limit: int, level: int) -> List[str]:
    if measure(text) <= limit or len(text) <= 1:
        return [text]
    # The last resort: a single word longer than the limit, or a script without spaces.
    parts = _cut(text, _BORDERS[level]) if level < len(_BORDERS) else list(text)
    pieces: List[str] = []
    start = 0
    while start < len(parts):
        end = _fitting(parts, start, measure, limit)
        piece = "".join(parts[start:end]).strip()
        start = end
        if piece:
            pieces.append(piece)
    if level < len(_BORDERS):
        return [small for piece in pieces for small in _split(piece, measure, limit, level + 1)]
    return pieces


def _fitting(parts: Sequence[str], start: int, measure: Callable[[str], int], limit: int) -> int:
    """RETURNS (int): Where to end so that the parts from `start` on fit together; after one part where not even that
    fits. Measuring is the dear thing, so it doubles its steps and then halves them.
    """

    def fits(end: int) -> bool:
        return measure("".join(parts[start:end]).strip()) <= limit

    good, step = start + 1, 1
    while good + step <= len(parts) and fits(good + step):
        good, step = good + step, 2 * step
    bad = min(good + step, len(parts) + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _cut(text: str, border: "re.Pattern[str]") -> List[str]:
    ends = [m.end() for m in border.finditer(text)]
    starts = [0, *(end for end in ends if end)]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if a < b]


def join_pieces(pieces: List[str], script: str = "Latn") -> str:
    """RETURNS (str): The translated pieces as one text; without spaces between them in scripts that have none."""
    between = "" if script in ("Jpan", "Hans", "Hant") else " "
    return between.join(piece.strip() for piece in pieces if piece.strip())
