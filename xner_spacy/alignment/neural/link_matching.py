"""From similarities of sub-words to links: the matching methods of SimAlign and AWESoME.

All functions work on a padded batch: `sim` is (pairs, rows, columns), where pair k owns the corner of `rows[k]` source
units by `columns[k]` target units and the rest is padding. Units are sub-words or words.

Sources: SimAlign (Jalili Sabet et al., Findings of EMNLP 2020, sections 2.2 to 2.4); AWESoME (Dou and Neubig, EACL
2021, section 2.2). Where a paper leaves a case open (a tie, a sentence of two words, the order of rounding), the answer
is that of the package `simalign` 0.4.
"""

from typing import Callable, Dict, Literal, NamedTuple, Tuple

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


class Matched(NamedTuple):
    """What a matching method returns: (pairs, rows, columns) links, False in the padding; and (pairs,) by how much the
    closest decision went this way and not another. Where that is within the rounding of the similarities, another batch
    may give other links.
    """

    linked: Bool
    margin: Float


def valid_cells(shape: Tuple[int, int, int], rows: Int, columns: Int) -> Bool:
    """RETURNS (Bool): (pairs, rows, columns), True outside the padding."""
    return (np.arange(shape[1])[None, :] < rows[:, None])[:, :, None] & (
        np.arange(shape[2])[None, :] < columns[:, None]
    )[:, None, :]


def _any(cells: Bool, axis: int) -> Bool:
    return np.asarray(cells.any(axis=axis))


def apply_distortion(sim: Float, rows: Int, columns: Int, ratio: float) -> Float:
    """Lower the similarity of units far from the diagonal (SimAlign, section 2.4).

    ratio (float): What is taken from the far corners, between 0 (nothing) and 1 (all).
    RETURNS (Float): (pairs, rows, columns), times 1 - ratio * (difference of relative position)^2. Pairs with a single
        unit on a side stay as they are.
    """
    if ratio == 0.0:
        return sim
    at_row = np.arange(sim.shape[1]) / np.maximum(rows - 1, 1)[:, None].astype(float)
    at_column = np.arange(sim.shape[2]) / np.maximum(columns - 1, 1)[:, None].astype(float)
    weight = 1.0 - ((at_column[:, None, :] - at_row[:, :, None]) ** 2) * ratio
    weight[(rows < 2) | (columns < 2)] = 1.0
    return np.multiply(sim, weight)


def forward(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Each source unit with its most similar target unit; the first of equals."""
    masked = np.where(valid, sim, -np.inf)
    best = masked.argmax(axis=2)[:, :, None] == np.arange(sim.shape[2])
    # What the best of each row is ahead of the second best.
    second = np.where(best, -np.inf, masked).max(axis=2, initial=-np.inf)
    lead = np.where(valid.any(axis=2), masked.max(axis=2), np.inf) - second
    return Matched(best & valid, lead.min(axis=1))


def reverse(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Each target unit with its most similar source unit; the first of equals."""
    linked, margin = forward(sim.transpose(0, 2, 1), valid.transpose(0, 2, 1))
    return Matched(linked.transpose(0, 2, 1), margin)


def mutual(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Argmax matching: units that are most similar to each other."""
    there, back = forward(sim, valid), reverse(sim, valid)
    return Matched(there.linked & back.linked, np.minimum(there.margin, back.margin))


def itermax(sim: Float, valid: Bool, rounds: int = 2) -> Matched:
    """Itermax (SimAlign, section 2.3): argmax matching, repeated among what is left.

    rounds (int): How often argmax runs, the first time included. From the second round on, the similarity of two linked
        units counts nothing and that of one linked unit 0.9 times.
    RETURNS (Matched): The links. Pairs with one or two units on a side have one round, and so have those where a whole
        side is linked after it.
    """
    linked, margin = mutual(sim, valid)
    rows = _any(valid, axis=2)
    columns = _any(valid, axis=1)
    small = np.minimum(rows.sum(axis=1), columns.sum(axis=1)) <= 2
    for _ in range(rounds - 1):
        free_rows = rows & ~_any(linked, axis=2)
        free_columns = columns & ~_any(linked, axis=1)
        going = free_rows.any(axis=1) & free_columns.any(axis=1) & ~small
        if not going.any():
            break
        either = free_rows[:, :, None] | free_columns[:, None, :]
        both = free_rows[:, :, None] & free_columns[:, None, :]
        weight = np.where(both, 1.0, np.where(either, ITERMAX_DISCOUNT, 0.0))
        more, lead = mutual(sim * weight, valid)
        linked = linked | (more & either & going[:, None, None])
        margin = np.minimum(margin, np.where(going, lead, np.inf))
    return Matched(linked, margin)


def max_weight(sim: Float, valid: Bool) -> Matched:
    """Maximum-weight matching (SimAlign, section 2.3), by the assignment problem. No similarity is negative.

    RETURNS (Matched): Of the matchings with the most links that of the highest total similarity. All units of the
        shorter side are linked, save where a similarity is exactly 0.
    """
    linked = np.zeros(sim.shape, dtype=bool)
    margin = np.full(len(sim), np.inf)
    rows, columns = valid.any(axis=2).sum(axis=1), valid.any(axis=1).sum(axis=1)
    for k, (m, n) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        weights = sim[k, :m, :n].astype(np.float64)
        weights[weights <= 0] = _FORBIDDEN
        i, j = linear_sum_assignment(weights, maximize=True)
        linked[k, i, j] = weights[i, j] > 0
        if len(i):
            margin[k] = _runner_up(weights if m <= n else weights.T, j if m <= n else i[np.argsort(j)])
    return Matched(linked, margin)


def _runner_up(weights: Float, partner: Int) -> float:
    """How much the second-best assignment loses against the best.

    weights (Float): (rows, columns), no more rows than columns. partner (Int): The column of each row in the best
        assignment.
    RETURNS (float): The loss. Any other assignment differs by rows that pass columns on in a ring, or in a chain that
        ends at a column nobody has: the loss is the shortest ring of a graph of the rows and one node for all free
        columns.
    """
    m, n = weights.shape
    loss = np.full((m + 1, m + 1), np.inf)
    own = weights[np.arange(m), partner]
    loss[:m, :m] = own[:, None] - weights[:, partner]
    if n > m:
        loss[:m, m] = own - np.delete(weights, partner, axis=1).max(axis=1)
        loss[m, :m] = 0.0
    np.fill_diagonal(loss, np.inf)
    for k in range(m + 1):
        np.minimum(loss, loss[:, k : k + 1] + loss[k], out=loss)
    return float(loss.diagonal().min())


MATCHINGS: Dict[str, Callable[[Float, Bool], Matched]] = {
    "inter": mutual,
    "itermax": itermax,
    "mwmf": max_weight,
    "fwd": forward,
    "rev": reverse,
}


def softmax_matching(dots: Float, valid: Bool, threshold: float) -> Tuple[Matched, Float]:
    """AWESoME: the units that choose each other with some probability, both ways.

    dots (Float): (pairs, rows, columns) dot products, not normalised. threshold (float): What both probabilities of a
        link must exceed.
    RETURNS (Tuple[Matched, Float]): The links, with the margin relative to the threshold, and the product of both
        probabilities.
    """
    product = np.ones(dots.shape, dtype=np.float64)
    least = np.ones(dots.shape, dtype=np.float64)
    scores = np.where(valid, dots, -np.inf).astype(np.float64)
    for axis in (2, 1):
        top = scores.max(axis=axis, keepdims=True, initial=-np.inf)
        odds = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
        probability = odds / np.maximum(odds.sum(axis=axis, keepdims=True), 1e-30)
        least = np.minimum(least, probability)
        product *= probability
    # A link needs both, so only the smaller probability can decide.
    distance = np.where(valid, np.abs(least / max(threshold, 1e-30) - 1.0), np.inf)
    margin = distance.min(axis=(1, 2), initial=np.inf)
    return Matched(valid & (least > threshold), margin), product
