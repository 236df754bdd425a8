"""Cut a sentence and its reading into cells, which flow like words: nothing has to be measured by a browser, and the
drawing fits every width.

A cell holds words of the text and those of the reading that they are linked to. Where no link and no entity leads
across, a cell ends. One that would be wider than the page is cut where the fewest links lead across; these links are
drawn to the edge of the cell.
"""

import unicodedata
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from .sentences import ShownSentence

# The widest cells, in em, for a phone (360 px are 20 em), a tablet and a desktop.
PHONE, TABLET, DESKTOP = 19.0, 42.0, 66.0
# The width of a space, and what is left between two tokens without one.
SPACE, NO_SPACE = 0.34, 0.04
# Widths of characters in em, for one of the wider fonts (DejaVu Sans): in others words have a little more room.
_NARROW, _WIDE = frozenset("iljtfr.,;:'’`|!()[]I"), frozenset("mwMW@%—…")
# The part of an em that the letters of a label have, and what its score and borders take.
_LABEL = 0.68
_PADDING = 0.9


@lru_cache(maxsize=10_000)
def width_of(text: str) -> float:
    """RETURNS (float): About the width of a text, in em."""
    width = 0.0
    for char in text:
        if unicodedata.category(char) in ("Mn", "Me", "Cf"):
            continue
        if unicodedata.east_asian_width(char) in "WF":
            width += 1.05
        elif char in _NARROW:
            width += 0.42
        elif char in _WIDE:
            width += 1.0
        else:
            width += 0.76 if char.isupper() else 0.64
    return max(width, 0.3)


class Cell(NamedTuple):
    """Tokens of the text, and tokens of the reading (start and end)."""

    target: Tuple[int, int]
    source: Tuple[int, int]


def token_widths(words: Sequence[str], spaces: Sequence[bool], tags: Sequence[Tuple[int, int, str]]) -> List[float]:
    """RETURNS (List[float]): The width of each token with the gap after it. A token that would be too wide is as wide as a
    cell, and has several lines. The tokens of an entity have room for its tag.

    tags (Sequence[Tuple[int, int, str]]): Start, end and tag of the entities.
    """
    widths = [
        min(width_of(word), PHONE - 1) + (SPACE if space else NO_SPACE)
        for word, space in zip(words, spaces, strict=True)
    ]
    for start, end, tag in tags:
        missing = width_of(tag) * _LABEL + _PADDING - sum(widths[start:end])
        if missing > 0:
            for k in range(start, end):
                widths[k] += missing / (end - start)
        widths[end - 1] += 0.5  # the padding of its box
    return widths


def cut(
    sentence: ShownSentence,
    widths: Sequence[float],
    source_widths: Sequence[float],
    source_spans: Sequence[Tuple[int, int]],
    most: float,
) -> List[Cell]:
    """RETURNS (List[Cell]): The cells of a sentence in order; together they hold every token once.

    widths, source_widths (Sequence[float]): The widths of the tokens of both sides. source_spans (Sequence[Tuple[int,
        int]]): What should stay in one cell on the side of the reading, besides the entities of the text. most (float):
        The widest cell.
    """
    n, m = len(widths), len(source_widths)
    links = np.array([link[:2] for link in sentence.links], dtype=np.int64).reshape(-1, 2)
    weights = np.array([link[2] for link in sentence.links], dtype=np.float64)
    inside = {k for span in sentence.spans for k in range(span.start + 1, span.end)}
    inside_source = {k for start, end in source_spans for k in range(start + 1, end)}
    # Of each word of the text, the last word of the reading that is linked before it, and the first one after.
    last, first = np.zeros(n + 1, dtype=np.int64), np.full(n + 1, m, dtype=np.int64)
    if len(links):
        np.maximum.at(last, links[:, 1] + 1, links[:, 0] + 1)
        np.minimum.at(first, links[:, 1], links[:, 0])
    last, first = np.maximum.accumulate(last), np.minimum.accumulate(first[::-1])[::-1]
    cuts = [(0, 0)]
    for i in range(1, n):
        j = max(int(last[i]), cuts[-1][1])
        while j in inside_source:
            j += 1
        if i not in inside and j <= first[i]:
            cuts.append((i, j))
    cuts.append((n, m))
    cutter = _Cutter(links, weights, widths, source_widths, inside, inside_source, most)
    return [
        cell
        for (start, source_start), (end, source_end) in pairwise(cuts)
        for cell in cutter.narrow(Cell((start, end), (source_start, source_end)))
    ]


class _Cutter:
    """Cuts cells that are too wide."""

    def __init__(
        self,
        links: np.ndarray,
        weights: np.ndarray,
        widths: Sequence[float],
        source_widths: Sequence[float],
        inside: "set[int]",
        inside_source: "set[int]",
        most: float,
    ) -> None:
        self.most = most
        self.links, self.weights = links, weights
        self.ends = [list(accumulate(side, initial=0.0)) for side in (widths, source_widths)]
        self.inside = (inside, inside_source)

    def narrow(self, cell: Cell) -> List[Cell]:
        """RETURNS (List[Cell]): The cell, cut into ones that are narrow enough (or hold one token a side)."""
        todo, done = [cell], []
        while todo:
            cell = todo.pop()
            parts = self._halves(cell)
            if parts:
                todo += reversed(parts)
            else:
                done.append(cell)
        return done

    def _halves(self, cell: Cell) -> List[Cell]:
        (start, end), (source_start, source_end) = cell
        wide, source_wide = (self._width(side, *cell[side]) > self.most for side in (0, 1))
        if wide and end - start > 1:
            i = self._fitting(0, start, end)
            crossing = self._crossing(cell, i)
            near = source_start + (source_end - source_start) * (i - start) / (end - start)
            j = min(
                range(source_start, source_end + 1),
                key=lambda j: (crossing[j - source_start] + (j in self.inside[1]), abs(j - near)),
            )
        elif source_wide and source_end - source_start > 1:
            j = self._fitting(1, source_start, source_end)
            # Any words of the text that are linked to what comes first stay with it.
            before = [t for s, t in self.links.tolist() if source_start <= s < j and start <= t < end]
            i = max(before, default=start - 1) + 1
        else:
            return []
        return [Cell((start, i), (source_start, j)), Cell((i, end), (j, source_end))]

    def _width(self, side: int, start: int, end: int) -> float:
        return self.ends[side][end] - self.ends[side][start]

    def _fitting(self, side: int, start: int, end: int) -> int:
        """RETURNS (int): Where the tokens that fit into a cell end: outside an entity, if that is possible."""
        most = start + 1
        while most < end - 1 and self._width(side, start, most + 1) <= self.most:
            most += 1
        return next((k for k in range(most, start, -1) if k not in self.inside[side]), most)

    def _crossing(self, cell: Cell, i: int) -> np.ndarray:
        """RETURNS (np.ndarray): The weight of the links that lead across, if the words of the text are cut at `i` and
        those of the reading before each of them.
        """
        (start, end), (source_start, source_end) = cell
        size = source_end - source_start + 1
        sums = []
        for low, high in ((start, i), (i, end)):
            chosen = (self.links[:, 1] >= low) & (self.links[:, 1] < high)
            chosen &= (self.links[:, 0] >= source_start) & (self.links[:, 0] < source_end)
            sums.append(np.bincount(self.links[chosen, 0] - source_start, self.weights[chosen], minlength=size))
        first, second = sums
        return (first.sum() - np.cumsum(first) + first) + (np.cumsum(second) - second)
