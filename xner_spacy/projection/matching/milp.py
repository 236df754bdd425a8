"""The matching problem as a linear and an integer program, solved by HiGHS through scipy.

It is the yardstick of the tests, and the way out where many entities compete.
"""

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

Option = Tuple[float, int, int]
Pick = Tuple[int, Option]


class _Program(NamedTuple):
    """Columns are the options, then one slack per entity with a lower limit."""

    flat: List[Pick]
    cost: npt.NDArray[np.float64]
    matrix: Any
    lower: npt.NDArray[np.float64]
    upper: npt.NDArray[np.float64]
    ceiling: npt.NDArray[np.float64]


def _program(options: Sequence[Sequence[Option]], low: int, high: Optional[int]) -> _Program:
    """Write the program down.

    Two spans overlap iff they share a word, so non-overlap is one row per word where an option
    starts: of the options that hold it at most one is chosen (the clique form, stronger than the
    pairwise form of the thesis). Lower limits have a slack variable each at a cost above all
    scores.
    """
    from scipy.sparse import coo_matrix

    flat = [(s, o) for s, os in enumerate(options) for o in os]
    owner = np.array([s for s, _ in flat])
    score = np.array([o[0] for _, o in flat])
    start = np.array([o[1] for _, o in flat])
    end = np.array([o[2] for _, o in flat])
    points = np.unique(start)
    first = np.searchsorted(points, start)
    count = np.searchsorted(points, end) - first
    cols = np.repeat(np.arange(len(flat)), count)
    rows = np.arange(len(cols)) - np.repeat(np.cumsum(count) - count, count)
    rows += np.repeat(first, count)
    lower = np.zeros(len(points))
    upper = np.ones(len(points))
    n_slack = 0
    if low or high is not None:
        members, place = np.unique(owner, return_inverse=True)
        rows = np.concatenate([rows, len(points) + place])
        cols = np.concatenate([cols, np.arange(len(flat))])
        if low:
            n_slack = len(members)
            rows = np.concatenate([rows, len(points) + np.arange(n_slack)])
            cols = np.concatenate([cols, len(flat) + np.arange(n_slack)])
        lower = np.concatenate([lower, np.full(len(members), float(low))])
        upper = np.concatenate([upper, np.full(len(members), np.inf if high is None else high)])
    # No more scores than words, and none above the best, fit together: a cost no greater than need be keeps the
    # solver's tolerances small.
    most = min(float(score.sum()), float(score.max()) * len(points))
    cost = np.concatenate([-score, np.full(n_slack, 1.0 + most)])
    ceiling = np.concatenate([np.ones(len(flat)), np.full(n_slack, float(low))])
    matrix = coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(upper), len(cost))).tocsr()
    return _Program(flat, cost, matrix, lower, upper, ceiling)


def solve_milp(
    options: Sequence[Sequence[Option]],
    low: int,
    high: Optional[int],
    time_limit: float = 10.0,
    gap: float = 1e-6,
) -> List[Tuple[int, Option]]:
    """Choose non-overlapping options, `low` to `high` per entity, of the greatest total score.

    options (Sequence[Sequence[Option]]): Per entity its options `(score, start, end)`.
    low (int): Spans that each entity with options should get.
    high (Optional[int]): Spans it gets at most, None for no limit.
    time_limit (float): Seconds; what was found by then is returned.
    gap (float): Gap to the bound at which the search may stop, as a share of the scores.
    RETURNS (List[Tuple[int, Option]]): The chosen options with their entity.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not any(options):
        return []
    program = _program(options, low, high)
    # What missing spans cost is part of the program's value: the gap is a share of the scores alone.
    slack = program.cost[len(program.flat) :]
    scores = -program.cost[: len(program.flat)].sum()
    result = milp(
        program.cost,
        constraints=LinearConstraint(program.matrix, program.lower, program.upper),
        integrality=np.ones(len(program.cost)),
        bounds=Bounds(0, program.ceiling),
        options={
            "time_limit": time_limit,
            "mip_rel_gap": gap * scores / (scores + low * slack.sum()),
        },
    )
    return _picked(program, result.x)


def solve_relaxed(
    options: Sequence[Sequence[Option]], low: int, high: Optional[int], time_limit: float = 10.0
) -> Optional[List[Pick]]:
    """Solve without asking for whole numbers: between intervals the answer nearly always is whole.

    options, low, high: As in `solve_milp`.
    time_limit (float): Seconds.
    RETURNS (Optional[List[Pick]]): An optimal solution of the matching problem, or None if the
        program's is not whole, or none was found in time.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not any(options):
        return []
    program = _program(options, low, high)
    result = milp(
        program.cost,
        constraints=LinearConstraint(program.matrix, program.lower, program.upper),
        bounds=Bounds(0, program.ceiling),
        options={"time_limit": time_limit},
    )
    x = result.x
    # In time (status 0), or it is no optimum.
    if result.status != 0 or x is None or np.any((x > 1e-6) & (np.abs(x - np.round(x)) > 1e-6)):
        return None
    return _picked(program, x)


def _picked(program: _Program, x: Optional[npt.NDArray[np.float64]]) -> List[Pick]:
    if x is None:
        return []
    return [program.flat[t] for t in np.flatnonzero(x[: len(program.flat)] > 0.5)]
