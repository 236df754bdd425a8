"""From similarities of sub-words to links: the matching methods of SimAlign and AWESoME.

All functions work on a padded batch: `sim` is (pairs, rows, columns), where pair k owns the corner
of `rows[k]` source units by `columns[k]` target units and the rest is padding. Units are sub-words
or words. They return a boolean array of the same shape, False in the padding.

Sources: SimAlign (Jalili Sabet et al., Findings of EMNLP 2020, sections 2.2 to 2.4); AWESoME (Dou
and Neubig, EACL 2021, section 2.2). Where a paper leaves a case open (a tie, a sentence of two
words, the order of rounding), the answer is that of the package `simalign` 0.4.
"""

from typing import Callable, Dict, Literal, Tuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Float = npt.NDArray[np.floating]
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]

Matching = Literal["inter", "itermax", "mwmf", "fwd", "rev"]

# What a unit that has found a partner keeps of its similarity in the next round of itermax.
ITERMAX_DISCOUNT = 0.9
# A matched pair of weight 0 counts as no match, so such a pair must lose against any other.
_FORBIDDEN = -1e6


def valid_cells(shape: Tuple[int, int, int], rows: Int, columns: Int) -> Bool:
    """RETURNS (Bool): (pairs, rows, columns), True outside the padding."""
    return (np.arange(shape[1])[None, :] < rows[:, None])[:, :, None] & (
        np.arange(shape[2])[None, :] < columns[:, None]
    )[:, None, :]


def apply_distortion(sim: Float, rows: Int, columns: Int, ratio: float) -> Float:
    """Lower the similarity of units far from the diagonal (SimAlign, section 2.4).

    sim (Float): (pairs, rows, columns) similarities.
    ratio (float): What is taken from the far corners, between 0 (nothing) and 1 (all).
    RETURNS (Float): The similarities, times 1 - ratio * (difference of relative position)^2. Pairs
        with a single unit on a side stay as they are.
    """
    if ratio == 0.0:
        return sim
    at_row = np.arange(sim.shape[1]) / np.maximum(rows - 1, 1)[:, None].astype(float)
    at_column = np.arange(sim.shape[2]) / np.maximum(columns - 1, 1)[:, None].astype(float)
    weight = 1.0 - ((at_column[:, None, :] - at_row[:, :, None]) ** 2) * ratio
    weight[(rows < 2) | (columns < 2)] = 1.0
    return np.multiply(sim, weight)


def forward(sim: Float, valid: Bool) -> Bool:
    """RETURNS (Bool): Each source unit with its most similar target unit; the first of equals."""
    best = np.where(valid, sim, -np.inf).argmax(axis=2)
    return (best[:, :, None] == np.arange(sim.shape[2])) & valid


def reverse(sim: Float, valid: Bool) -> Bool:
    """RETURNS (Bool): Each target unit with its most similar source unit; the first of equals."""
    best = np.where(valid, sim, -np.inf).argmax(axis=1)
    return (best[:, None, :] == np.arange(sim.shape[1])[:, None]) & valid


def mutual(sim: Float, valid: Bool) -> Bool:
    """RETURNS (Bool): Argmax matching: units that are most similar to each other."""
    return forward(sim, valid) & reverse(sim, valid)


def itermax(sim: Float, valid: Bool, rounds: int = 2) -> Bool:
    """Itermax (SimAlign, section 2.3): argmax matching, repeated among what is left.

    sim (Float): (pairs, rows, columns) similarities.
    valid (Bool): True outside the padding.
    rounds (int): How often argmax runs, the first time included. From the second round on, the
        similarity of two linked units counts nothing and that of one linked unit 0.9 times.
    RETURNS (Bool): The links. Pairs with one or two units on a side have one round, and so have
        those where a whole side is linked after it.
    """
    linked = mutual(sim, valid)
    rows, columns = valid.any(axis=2), valid.any(axis=1)
    small = np.minimum(rows.sum(axis=1), columns.sum(axis=1)) <= 2
    for _ in range(rounds - 1):
        free_rows = rows & ~linked.any(axis=2)
        free_columns = columns & ~linked.any(axis=1)
        going = free_rows.any(axis=1) & free_columns.any(axis=1) & ~small
        if not going.any():
            break
        either = free_rows[:, :, None] | free_columns[:, None, :]
        both = free_rows[:, :, None] & free_columns[:, None, :]
        weight = np.where(both, 1.0, np.where(either, ITERMAX_DISCOUNT, 0.0))
        linked |= mutual(sim * weight, valid) & either & going[:, None, None]
    return linked


def max_weight(sim: Float, valid: Bool) -> Bool:
    """Maximum-weight matching (SimAlign, section 2.3), by the assignment problem.

    sim (Float): (pairs, rows, columns) similarities, none negative.
    valid (Bool): True outside the padding.
    RETURNS (Bool): Of the matchings with the most links that of the highest total similarity. All
        units of the shorter side are linked, save where a similarity is exactly 0.
    """
    linked = np.zeros(sim.shape, dtype=bool)
    rows, columns = valid.any(axis=2).sum(axis=1), valid.any(axis=1).sum(axis=1)
    for k, (m, n) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        weights = sim[k, :m, :n]
        i, j = linear_sum_assignment(np.where(weights > 0, weights, _FORBIDDEN), maximize=True)
        linked[k, i, j] = weights[i, j] > 0
    return linked


MATCHINGS: Dict[str, Callable[[Float, Bool], Bool]] = {
    "inter": mutual,
    "itermax": itermax,
    "mwmf": max_weight,
    "fwd": forward,
    "rev": reverse,
}


def softmax_matching(dots: Float, valid: Bool, threshold: float) -> Tuple[Bool, Float]:
    """AWESoME: the units that choose each other with some probability, both ways.

    dots (Float): (pairs, rows, columns) dot products, not normalised.
    valid (Bool): True outside the padding.
    threshold (float): What the probability of a link must exceed in either direction.
    RETURNS (Tuple[Bool, Float]): The links, and the product of the two probabilities.
    """
    both = np.ones(dots.shape, dtype=np.float64)
    linked = valid.copy()
    scores = np.where(valid, dots, -np.inf).astype(np.float64)
    for axis in (2, 1):
        top = scores.max(axis=axis, keepdims=True, initial=-np.inf)
        odds = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
        probability = odds / np.maximum(odds.sum(axis=axis, keepdims=True), 1e-30)
        linked &= probability > threshold
        both *= probability
    return linked, both
