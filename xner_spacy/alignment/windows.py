"""Long sentences in windows, so that memory and time grow with their length and not with its square.

Where both sides of a pair are short there is one window, the whole pair. Else the longer side is cut, and each piece is
compared with the words at the same relative place of the other side, some more on either end.
"""

from itertools import pairwise
from typing import Callable, List, NamedTuple, Tuple

import numpy as np
import numpy.typing as npt

# Of a window, the share that the next one sees again.
OVERLAP = 0.25
# How far the other side is looked at beyond the same place, as a share of the window.
MARGIN = 0.125


class PairWindow(NamedTuple):
    """A part of a sentence pair.

    kept (slice): The part of the longer side whose links are taken from this window.
    by_source (bool): Whether the source is the longer side.
    """

    source: slice
    target: slice
    kept: slice
    by_source: bool

    @property
    def kept_cells(self) -> npt.NDArray[np.bool_]:
        """RETURNS (npt.NDArray[np.bool_]): Of which cells of its (source, target) table links are taken."""
        source, target = self.source, self.target
        cells = np.zeros((source.stop - source.start, target.stop - target.start), dtype=bool)
        longer, start = (cells, source.start) if self.by_source else (cells.T, target.start)
        longer[self.kept.start - start : self.kept.stop - start] = True
        return cells


def windows(n: int, room: int) -> List[Tuple[int, int, int, int]]:
    """Cut a long sentence of `n` words or sub-words into windows of `room` at most.

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


def pieces(n: int, room: int) -> List[Tuple[int, int, int, int]]:
    """RETURNS (List[Tuple[int, int, int, int]]): As of `windows`, but each word is in one."""
    count = max(-(-n // room), 1)
    cuts = [k * n // count for k in range(count + 1)]
    return [(a, b, a, b) for a, b in pairwise(cuts)]


def pair_windows(
    n_source: int, n_target: int, size: int, cut: Callable[[int, int], List[Tuple[int, int, int, int]]] = windows
) -> List[PairWindow]:
    """Cut a long sentence pair.

    n_source (int), n_target (int): Words of both sides. size (int): The most words of a window on the longer side.
    cut (Callable): How that one is cut: into `windows` to align them, or into `pieces` to learn from them.
    RETURNS (List[PairWindow]): The windows in order. None where a side is empty.
    """
    longer, shorter = max(n_source, n_target), min(n_source, n_target)
    if not shorter:
        return []
    by_source = n_source >= n_target
    margin = 0 if longer <= size else int(size * MARGIN)
    made = []
    for start, stop, keep_from, keep_to in cut(longer, size):
        low, high = max(start * shorter // longer - margin, 0), min(-(-stop * shorter // longer) + margin, shorter)
        sides = [slice(start, stop), slice(low, high)]
        source, target = sides if by_source else sides[::-1]
        made.append(PairWindow(source, target, slice(keep_from, keep_to), by_source))
    return made
