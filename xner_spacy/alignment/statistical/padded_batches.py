"""Sentence pairs of like length in padded arrays."""

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from ...pools import padded_groups

Int = npt.NDArray[np.int32]


@dataclass
class Batch:
    """Some sentence pairs, padded with -1.

    rows (npt.NDArray[np.int64]): Their positions in the input.
    source (Int): (batch, longest source) word numbers.
    source_length (Int): (batch,) true lengths.
    target (Int), target_length (Int): The same of the other side.
    """

    rows: npt.NDArray[np.int64]
    source: Int
    source_length: Int
    target: Int
    target_length: Int

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """RETURNS (npt.NDArray[np.bool_]): (target, batch, source), True for true words."""
        return (self.target.T[:, :, None] >= 0) & (self.source[None, :, :] >= 0)


def make_batches(sources: Sequence[Int], targets: Sequence[Int], cells: int) -> List[Batch]:
    """Sort sentence pairs by length and pad them together. A pair with an empty side is left out.

    sources (Sequence[Int]): Word numbers of the source sentences.
    targets (Sequence[Int]): Word numbers of the target sentences.
    cells (int): The square of the longer padded side times the pairs, at most, in a batch of more than one pair.
    RETURNS (List[Batch]): The batches.
    """
    m = np.array([len(words) for words in sources], dtype=np.int32)
    n = np.array([len(words) for words in targets], dtype=np.int32)
    used = np.flatnonzero((m > 0) & (n > 0))
    order = used[np.lexsort((used, m[used], n[used] // 4))]
    longer = np.maximum(m, n).tolist()
    groups = padded_groups(order.tolist(), cells, lambda row: (longer[row], longer[row]))
    return [Batch(np.array(rows), *_pad(sources, rows, m), *_pad(targets, rows, n)) for rows in groups]


def _pad(sentences: Sequence[Int], rows: List[int], lengths: Int) -> Tuple[Int, Int]:
    """RETURNS (Tuple[Int, Int]): The padded sentences, and their true lengths."""
    padded = np.full((len(rows), lengths[rows].max()), -1, dtype=np.int32)
    for k, row in enumerate(rows):
        padded[k, : lengths[row]] = sentences[row]
    return padded, lengths[rows]
