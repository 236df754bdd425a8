"""Cut long sentences into windows, so that memory and time grow with their length and not with its square.

If both sides of a pair are short, the whole pair is one window. Otherwise the longer side is cut, and each piece is
compared with the words at the same relative position of the other side, plus a margin at both ends.
"""

from itertools import pairwise
from typing import Any, Callable, List, NamedTuple, Tuple

import numpy as np
import numpy.typing as npt

# The share of a window that the next window overlaps.
OVERLAP = 0.25
# The margin around the same relative position on the other side, as a share of the window.
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
        """RETURNS (npt.NDArray[np.bool_]): The cells of its (source, target) table that are used."""
        source, target = self.source, self.target
        cells = np.zeros((source.stop - source.start, target.stop - target.start), dtype=bool)
        longer, start = (cells, source.start) if self.by_source else (cells.T, target.start)
        longer[self.kept.start - start : self.kept.stop - start] = True
        return cells

    def keeps(self, cells: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """RETURNS (npt.NDArray[np.bool_]): Which of some cells of its table are used. cells: (n, 2) positions in the
        window.
        """
        start = (self.source if self.by_source else self.target).start
        places = cells[:, 0 if self.by_source else 1] + start
        return (places >= self.kept.start) & (places < self.kept.stop)


def windows(n: int, room: int) -> List[Tuple[int, int, int, int]]:
    """Cut a long sentence of `n` words or sub-words into windows of `room` at most.

    RETURNS (List[Tuple[int, int, int, int]]): The start and end of each window, and the start and end of the part that
        is used. The used parts make up the sentence. An empty sentence has no windows.
    """
    if n <= room:
        return [(0, n, 0, n)] if n else []
    overlap = min(max(int(room * OVERLAP), 2), room - 1)
    count = 1 + -(-(n - room) // (room - overlap))
    # Evenly spread, so that the last window is not a short one.
    starts = [round(k * (n - room) / (count - 1)) for k in range(count)]
    cuts = [0, *((start + room + next_start) // 2 for start, next_start in pairwise(starts)), n]
    return [(start, start + room, cuts[k], cuts[k + 1]) for k, start in enumerate(starts)]


def pieces(n: int, room: int) -> List[Tuple[int, int, int, int]]:
    """RETURNS (List[Tuple[int, int, int, int]]): Windows as in `windows`, but without overlap."""
    count = max(-(-n // room), 1)
    cuts = [k * n // count for k in range(count + 1)]
    return [(start, stop, start, stop) for start, stop in pairwise(cuts)]


def pair_windows(
    n_source: int, n_target: int, size: int, cut: Callable[[int, int], List[Tuple[int, int, int, int]]] = windows
) -> List[PairWindow]:
    """Cut a long sentence pair.

    n_source (int), n_target (int): Words of both sides. size (int): The most words of a window on the longer side.
    cut (Callable): How the longer side is cut: into `windows` to align it, or into `pieces` to learn from it.
    RETURNS (List[PairWindow]): The windows in order. There are none if a side is empty.
    """
    longer, shorter = max(n_source, n_target), min(n_source, n_target)
    if not shorter:
        return []
    by_source = n_source >= n_target
    margin = 0 if longer <= size else int(size * MARGIN)
    results = []
    for start, stop, keep_from, keep_to in cut(longer, size):
        low, high = max(start * shorter // longer - margin, 0), min(-(-stop * shorter // longer) + margin, shorter)
        sides = [slice(start, stop), slice(low, high)]
        source, target = sides if by_source else sides[::-1]
        results.append(PairWindow(source, target, slice(keep_from, keep_to), by_source))
    return results
