"""Character spans onto tokens: scripts without spaces, right-to-left scripts, combining marks."""

from typing import Iterable, List, NamedTuple, Sequence, Tuple

Offsets = Sequence[Tuple[int, int]]


class Snapped(NamedTuple):
    """Token spans, in the order of the character spans given.

    spans (List[Tuple[int, int]]): (start, end) in tokens; (0, 0) for a span that meets no token.
    moved (int): How many had an edge inside a token and were widened to its border.
    lost (int): How many meet no token.
    """

    spans: List[Tuple[int, int]]
    moved: int
    lost: int


def snap(characters: Iterable[Tuple[int, int]], tokens: Offsets) -> Snapped:
    """Widen character spans to token borders.

    Positions are code points in logical order, so right-to-left text needs nothing special, and a
    mark that combines with a token's last letter stays with its token. White space at the edges is
    not an edge that moved.

    characters (Iterable[Tuple[int, int]]): Character spans, (start, end).
    tokens (Offsets): Character offsets of the tokens, ascending, not overlapping.
    RETURNS (Snapped): Token spans and counts.
    """
    spans: List[Tuple[int, int]] = []
    moved = lost = 0
    for start, end in characters:
        # The tokens that share a character with the span.
        met = [k for k, (a, b) in enumerate(tokens) if a < end and start < b]
        if not met:
            spans.append((0, 0))
            lost += 1
            continue
        spans.append((met[0], met[-1] + 1))
        moved += tokens[met[0]][0] < start or tokens[met[-1]][1] > end
    return Snapped(spans, moved, lost)


def token_offsets(text: str, tokens: Sequence[str]) -> List[Tuple[int, int]]:
    """Find tokens in the text that they come from.

    text (str): The text.
    tokens (Sequence[str]): Its tokens, in order.
    RETURNS (List[Tuple[int, int]]): Character offsets.
    RAISES: ValueError if a token does not occur where it should.
    """
    offsets: List[Tuple[int, int]] = []
    place = 0
    for token in tokens:
        start = text.find(token, place)
        if start < 0 or text[place:start].strip():
            raise ValueError(f"token {token!r} does not follow at character {place} of {text!r}")
        place = start + len(token)
        offsets.append((start, place))
    return offsets
