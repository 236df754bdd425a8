"""The matching problem as a linear and an integer program, solved by HiGHS through scipy.

It is the yardstick of the tests, and solves the sentences where many entities compete.
"""

from typing import List, Optional

import numpy as np

from .interfaces import Choice, Options


def solve_milp(
    options: Options, low: int, high: Optional[int], whole: bool = True, time_limit: float = 10.0, gap: float = 1e-6
) -> Optional[List[Choice]]:
    """Choose non-overlapping options, `low` to `high` per entity, of the greatest total score.

    Two spans overlap iff they share a word, so non-overlap is one row per word where an option starts: of the options
    that hold it at most one is chosen (the clique form, stronger than the pairwise form of the thesis). Lower limits
    have a slack variable each at a cost above all scores.

    options (Options): Per entity its options.
    low (int): Spans that each entity with options should get.
    high (Optional[int]): Spans it gets at most, None for no limit.
    whole (bool): Ask for whole numbers. Without, the linear program is solved: between intervals its answer is nearly
        always whole, and then it is the optimum.
    time_limit (float): Seconds.
    gap (float): Gap to the bound at which the search for whole numbers may stop, as a share of the scores.
    RETURNS (Optional[List[Choice]]): The choices: the best that were found in time. Without `whole` None if the
        answer is not whole or not the optimum.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    # Columns are the options, then one slack per entity with a lower limit.
    flat = [Choice(s, start, end, score) for s, row in enumerate(options) for score, start, end in row]
    if not flat:
        return []
    owner, start, end, score = (np.array(column) for column in zip(*flat, strict=True))
    points = np.unique(start)
    first = np.searchsorted(points, start)
    count = np.searchsorted(points, end) - first
    cols = np.repeat(np.arange(len(flat)), count)
    rows = np.arange(len(cols)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    lower, upper = np.zeros(len(points)), np.ones(len(points))
    n_slack = 0
    if low or high is not None:
        members, place = np.unique(owner, return_inverse=True)
        n_slack = len(members) if low else 0
        slack_rows = np.arange(n_slack)
        rows = np.concatenate([rows, len(points) + place, len(points) + slack_rows])
        cols = np.concatenate([cols, np.arange(len(flat)), len(flat) + slack_rows])
        lower = np.concatenate([lower, np.full(len(members), float(low))])
        upper = np.concatenate([upper, np.full(len(members), np.inf if high is None else high)])
    # No more scores than words, and none above the best, fit together: a cost no greater than need be keeps the
    # solver's tolerances small.
    penalty = 1.0 + min(float(score.sum()), float(score.max()) * len(points))
    cost = np.concatenate([-score, np.full(n_slack, penalty)])
    matrix = coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(upper), len(cost))).tocsr()
    # What missing spans cost is part of the program's value: the gap is a share of the scores alone.
    relative = gap * score.sum() / (score.sum() + low * n_slack * penalty)
    result = milp(
        cost,
        constraints=LinearConstraint(matrix, lower, upper),
        integrality=np.full(len(cost), int(whole)),
        bounds=Bounds(0, np.concatenate([np.ones(len(flat)), np.full(n_slack, float(low))])),
        options={"time_limit": time_limit, "mip_rel_gap": relative},
    )
    x = result.x
    if not whole and (result.status != 0 or x is None or np.any(np.abs(x - np.round(x)) > 1e-6)):
        return None
    return [] if x is None else [flat[t] for t in np.flatnonzero(x[: len(flat)] > 0.5)]
