"""From similarities of sub-words to links: the matching methods of SimAlign and AWESoME.

All functions work on a padded batch: `sim` is (pairs, rows, columns), where pair k fills the corner of `rows[k]` source
units by `columns[k]` target units and the rest is padding. Units are sub-words or words.

Sources: SimAlign (Jalili Sabet et al., Findings of EMNLP 2020, sections 2.2 to 2.4); AWESoME (Dou and Neubig, EACL
2021, section 2.2). If a paper leaves a case open (a tie, a sentence of two words, the order of rounding), the functions
do the same as the package `simalign` 0.4.
"""

from typing import Callable, Dict, Literal, NamedTuple, Tuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Float = npt.NDArray[np.floating]
Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]

Matching = Literal["inter", "itermax", "mwmf", "fwd", "rev"]

# The similarities of a linked unit are multiplied by this in the next round of itermax.
ITERMAX_DISCOUNT = 0.9
# A match of weight 0 is no link, so its weight must be lower than any other.
_FORBIDDEN = -1e6


class Matched(NamedTuple):
    """The result of a matching method: (pairs, rows, columns) links, False in the padding; and the (pairs,) margin of
    the closest decision. If the margin is within the rounding of the similarities, another batch may give other links.
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

    ratio (float): How much the far corners lose, from 0 (nothing) to 1 (all).
    RETURNS (Float): (pairs, rows, columns), times 1 - ratio * (difference of relative position)^2. Pairs with a single
        unit on a side stay as they are.
    """
    if ratio == 0.0:
        return sim
    row_position = np.arange(sim.shape[1]) / np.maximum(rows - 1, 1)[:, None].astype(float)
    column_position = np.arange(sim.shape[2]) / np.maximum(columns - 1, 1)[:, None].astype(float)
    weight = 1.0 - ((column_position[:, None, :] - row_position[:, :, None]) ** 2) * ratio
    weight[(rows < 2) | (columns < 2)] = 1.0
    return np.multiply(sim, weight)


def forward(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Each source unit with its most similar target unit. The first one wins a tie."""
    masked = np.where(valid, sim, -np.inf)
    best = masked.argmax(axis=2)[:, :, None] == np.arange(sim.shape[2])
    # How far the best of each row is ahead of the second best.
    second = np.where(best, -np.inf, masked).max(axis=2, initial=-np.inf)
    lead = np.where(valid.any(axis=2), masked.max(axis=2), np.inf) - second
    return Matched(best & valid, lead.min(axis=1))


def reverse(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Each target unit with its most similar source unit. The first one wins a tie."""
    linked, margin = forward(sim.transpose(0, 2, 1), valid.transpose(0, 2, 1))
    return Matched(linked.transpose(0, 2, 1), margin)


def mutual(sim: Float, valid: Bool) -> Matched:
    """RETURNS (Matched): Argmax matching: units that are most similar to each other."""
    ahead, back = forward(sim, valid), reverse(sim, valid)
    return Matched(ahead.linked & back.linked, np.minimum(ahead.margin, back.margin))


def itermax(sim: Float, valid: Bool, rounds: int = 2) -> Matched:
    """Itermax (SimAlign, section 2.3): argmax matching, repeated for units without a link.

    rounds (int): How often argmax runs, the first time included. From the second round on, a similarity is multiplied
        by 0 if both units are linked, and by 0.9 if one is.
    RETURNS (Matched): The links. There is only one round for pairs with one or two units on a side, and for those where
        all units of a side are linked after it.
    """
    linked, margin = mutual(sim, valid)
    rows = _any(valid, axis=2)
    columns = _any(valid, axis=1)
    small = np.minimum(rows.sum(axis=1), columns.sum(axis=1)) <= 2
    for _ in range(rounds - 1):
        free_rows = rows & ~_any(linked, axis=2)
        free_columns = columns & ~_any(linked, axis=1)
        active = free_rows.any(axis=1) & free_columns.any(axis=1) & ~small
        if not active.any():
            break
        either = free_rows[:, :, None] | free_columns[:, None, :]
        both = free_rows[:, :, None] & free_columns[:, None, :]
        weight = np.where(both, 1.0, np.where(either, ITERMAX_DISCOUNT, 0.0))
        added, lead = mutual(sim * weight, valid)
        linked = linked | (added & either & active[:, None, None])
        margin = np.minimum(margin, np.where(active, lead, np.inf))
    return Matched(linked, margin)


def max_weight(sim: Float, valid: Bool) -> Matched:
    """Maximum-weight matching (SimAlign, section 2.3), by the assignment problem. No similarity is negative.

    RETURNS (Matched): The matching with the highest total similarity among those with the most links. All units of the
        shorter side are linked, except where a similarity is exactly 0.
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
    RETURNS (float): The loss. In any other assignment some rows pass their columns on in a cycle, or in a chain that
        ends at a free column. So the loss is the shortest cycle in a graph whose nodes are the rows and one node for
        all free columns.
    """
    m, n = weights.shape
    loss = np.full((m + 1, m + 1), np.inf)
    assigned = weights[np.arange(m), partner]
    loss[:m, :m] = assigned[:, None] - weights[:, partner]
    if n > m:
        loss[:m, m] = assigned - np.delete(weights, partner, axis=1).max(axis=1)
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
    """AWESoME: link the units whose probability exceeds a threshold both ways.

    dots (Float): (pairs, rows, columns) dot products, not normalised. threshold (float): Both probabilities of a link
        must exceed this.
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
    # A link needs both, so only the smaller probability decides.
    distance = np.where(valid, np.abs(least / max(threshold, 1e-30) - 1.0), np.inf)
    margin = distance.min(axis=(1, 2), initial=np.inf)
    return Matched(valid & (least > threshold), margin), product
