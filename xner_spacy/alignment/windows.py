"""Long sentences in windows, so that memory and time grow with their length and not with its square.

Where both sides of a pair are short there is one window, the whole pair. Else the longer side is cut, and each piece is
compared with the words at the same relative place of the other side, some more on either end.
"""

from itertools import pairwise
from typing import List, NamedTuple, Tuple

# Of a window, the share that the next one sees again.
OVERLAP = 0.25
# How far the other side is looked at beyond the same place, as a share of the window.
MARGIN = 0.125


class PairWindow(NamedTuple):
    """A part of a sentence pair. Positions; ends are exclusive.

    source (Tuple[int, int]), target (Tuple[int, int]): Where it lies.
    kept (Tuple[int, int]): The part of the longer side whose links are taken from this window.
    by_source (bool): Whether the source is the longer side.
    """

    source: Tuple[int, int]
    target: Tuple[int, int]
    kept: Tuple[int, int]
    by_source: bool

    @property
    def kept_cells(self) -> Tuple[slice, slice]:
        """RETURNS (Tuple[slice, slice]): Where in its (source, target) table the links lie that are taken from it."""
        start = self.source[0] if self.by_source else self.target[0]
        kept = slice(self.kept[0] - start, self.kept[1] - start)
        return (kept, slice(None)) if self.by_source else (slice(None), kept)


def windows(n: int, room: int) -> List[Tuple[int, int, int, int]]:
    """Cut a long sentence.

    n (int): Its words or sub-words.
    room (int): The most a window takes.
    RETURNS (List[Tuple[int, int, int, int]]): Of each window where it begins and ends, and which part of it is used:
        together the used parts are the sentence. None for an empty sentence.
    """
    if n <= room:
        return [(0, n, 0, n)] if n else []
    overlap = min(max(int(room * OVERLAP), 2), room - 1)
    count = 1 + -(-(n - room) // (room - overlap))
    # Evenly spread, so that the last window is not a short one.
    starts = [round(k * (n - room) / (count - 1)) for k in range(count)]
    cuts = [0, *((a + room + b) // 2 for a, b in pairwise(starts)), n]
    return [(a, a + room, cuts[k], cuts[k + 1]) for k, a in enumerate(starts)]


def pair_windows(n_source: int, n_target: int, size: int) -> List[PairWindow]:
    """Cut a long sentence pair into windows that overlap, to align it.

    n_source (int), n_target (int): Words of both sides. size (int): The most words of a window on the longer side.
    RETURNS (List[PairWindow]): The windows in order. None where a side is empty.
    """
    longer = max(n_source, n_target)
    return _beside(windows(longer, size), n_source, n_target, size)


def pair_cuts(n_source: int, n_target: int, size: int) -> List[PairWindow]:
    """Cut a long sentence pair to learn from it: each word of the longer side is in one piece.

    n_source (int), n_target (int): Words of both sides. size (int): The most words of a piece on the longer side.
    RETURNS (List[PairWindow]): The pieces in order. None where a side is empty.
    """
    longer = max(n_source, n_target)
    count = max(-(-longer // size), 1)
    cuts = [k * longer // count for k in range(count + 1)]
    return _beside([(a, b, a, b) for a, b in pairwise(cuts)], n_source, n_target, size)


def _beside(cut: List[Tuple[int, int, int, int]], n_source: int, n_target: int, size: int) -> List[PairWindow]:
    longer, shorter = max(n_source, n_target), min(n_source, n_target)
    if not shorter:
        return []
    by_source = n_source >= n_target
    margin = 0 if longer <= size else int(size * MARGIN)
    found = []
    for start, stop, keep_from, keep_to in cut:
        low = max(start * shorter // longer - margin, 0)
        high = min(-(-stop * shorter // longer) + margin, shorter)
        sides = ((start, stop), (low, high)) if by_source else ((low, high), (start, stop))
        found.append(PairWindow(*sides, (keep_from, keep_to), by_source))
    return found
