"""The matching problem as an integer program, solved by HiGHS through `scipy.optimize.milp`.

It is the yardstick of the tests and the way out where the structure of the problem does not help.
"""

from typing import List, Optional, Sequence, Tuple

import numpy as np

Option = Tuple[float, int, int]


def solve_milp(
    options: Sequence[Sequence[Option]],
    low: int,
    high: Optional[int],
    time_limit: float = 10.0,
    gap: float = 1e-6,
) -> List[Tuple[int, Option]]:
    """Choose non-overlapping options, `low` to `high` per entity, of the greatest total score.

    Two spans overlap iff they share a word, so non-overlap is one row per word where an option
    starts: of the options that hold it at most one is chosen (the clique form, stronger than the
    pairwise form of the thesis). Lower limits have a slack variable each at a cost above all
    scores.

    options (Sequence[Sequence[Option]]): Per entity its options `(score, start, end)`.
    low (int): Spans that each entity with options should get.
    high (Optional[int]): Spans it gets at most, None for no limit.
    time_limit (float): Seconds; what was found by then is returned.
    gap (float): Relative gap to the bound at which the search may stop.
    RETURNS (List[Tuple[int, Option]]): The chosen options with their entity.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    flat = [(s, o) for s, os in enumerate(options) for o in os]
    if not flat:
        return []
    rows: List[int] = []
    cols: List[int] = []
    lower: List[float] = []
    upper: List[float] = []
    for point in sorted({o[1] for _, o in flat}):
        members = [t for t, (_, o) in enumerate(flat) if o[1] <= point < o[2]]
        rows += [len(upper)] * len(members)
        cols += members
        lower.append(0)
        upper.append(1)
    n_slack = 0
    for s, os in enumerate(options):
        if not os or (high is None and not low):
            continue
        members = [t for t, (owner, _) in enumerate(flat) if owner == s]
        rows += [len(upper)] * len(members)
        cols += members
        if low:
            rows.append(len(upper))
            cols.append(len(flat) + n_slack)
            n_slack += 1
        lower.append(low)
        upper.append(np.inf if high is None else high)
    cost = np.zeros(len(flat) + n_slack)
    cost[: len(flat)] = [-o[0] for _, o in flat]
    if n_slack:
        cost[len(flat) :] = 1.0 + sum(max(o[0] for o in os) * len(os) for os in options if os)
    ceiling = np.ones(len(cost))
    ceiling[len(flat) :] = low
    matrix = coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(upper), len(cost))).tocsr()
    result = milp(
        cost,
        constraints=LinearConstraint(matrix, lower, upper),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, ceiling),
        options={"time_limit": time_limit, "mip_rel_gap": gap},
    )
    if result.x is None:
        return []
    return [flat[t] for t in np.flatnonzero(result.x[: len(flat)] > 0.5)]
