"""Sentence pairs of like length in padded arrays."""

from dataclasses import dataclass
from typing import List, Sequence

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int32]


@dataclass
class Batch:
    """Some sentence pairs, padded with -1.

    rows (npt.NDArray[np.int64]): Their positions in the input.
    source (Int): (batch, longest source) word numbers.
    target (Int): (batch, longest target) word numbers.
    source_length (Int): (batch,) true lengths.
    target_length (Int): (batch,) true lengths.
    """

    rows: npt.NDArray[np.int64]
    source: Int
    target: Int
    source_length: Int
    target_length: Int

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """RETURNS (npt.NDArray[np.bool_]): (target, batch, source), True for true words."""
        return (self.target.T[:, :, None] >= 0) & (self.source[None, :, :] >= 0)


def make_batches(sources: Sequence[Int], targets: Sequence[Int], cells: int) -> List[Batch]:
    """Sort sentence pairs by length and pad them together. A pair with an empty side is left out.

    sources (Sequence[Int]): Word numbers of the source sentences.
    targets (Sequence[Int]): Word numbers of the target sentences.
    cells (int): The square of the longer padded side times the pairs, at most, in a batch of more
        than one pair.
    RETURNS (List[Batch]): The batches.
    """
    m = np.array([len(words) for words in sources], dtype=np.int32)
    n = np.array([len(words) for words in targets], dtype=np.int32)
    used = np.flatnonzero((m > 0) & (n > 0))
    order = used[np.lexsort((used, m[used], n[used] // 4))]
    batches: List[Batch] = []
    start, height, width = 0, 0, 0
    for stop, row in enumerate(order):
        taller, wider = max(height, n[row]), max(width, m[row])
        if stop > start and (stop + 1 - start) * max(int(taller), int(wider)) ** 2 > cells:
            batches.append(_pad(order[start:stop], sources, targets, m, n))
            start, taller, wider = stop, n[row], m[row]
        height, width = taller, wider
    if len(order):
        batches.append(_pad(order[start:], sources, targets, m, n))
    return batches


def _pad(rows: npt.NDArray[np.int64], sources: Sequence[Int], targets: Sequence[Int], m: Int, n: Int) -> Batch:
    source = np.full((len(rows), m[rows].max()), -1, dtype=np.int32)
    target = np.full((len(rows), n[rows].max()), -1, dtype=np.int32)
    for k, row in enumerate(rows):
        source[k, : m[row]] = sources[row]
        target[k, : n[row]] = targets[row]
    return Batch(rows, source, target, m[rows], n[rows])
