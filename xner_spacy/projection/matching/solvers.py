"""Choosing target spans for source entities: greedily as the seed paper's code does, or exactly.

The problem (Politov et al. 2025; Shkalikov's thesis): choose (entity, span) pairs of the greatest total score such that
no two chosen spans overlap and every entity has as many as it may. Without the limits per entity it is weighted
interval scheduling, linear in the number of spans. The limits couple the intervals; `solve_exact` keeps the interval
structure and pays for the coupling only where entities really compete.
"""

from collections import Counter
from itertools import pairwise
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .interfaces import Choice, Option, Options

# With fewer options than this a sentence is solved faster than narrowed.
_CROWDED = 150
# Entities that compete with more states than this (how many spans each of them has) are left to HiGHS.
_MOST_STATES = 64
_EPS = 1e-9
# How long HiGHS may search, and the gap to the bound at which it may stop, as a share of the scores.
_SECONDS, _GAP = 10.0, 1e-6


class Limits(NamedTuple):
    """How many spans an entity gets: at least `low`, at most `high` (None for no limit).

    The lower limit is kept where it can be: a solution that misses fewer spans always wins over one with a better
    score, so that a sentence without room for all still gets an answer.
    """

    low: int = 0
    high: Optional[int] = 1


def parse_limits(constraint: str, count: int) -> Limits:
    """RETURNS (Limits): The limits that "<=", "=" or ">=" and a count stand for."""
    if constraint == "<=":
        return Limits(0, count)
    return Limits(count, count) if constraint == "=" else Limits(count, None)


def solve_greedy(options: Options, limits: Limits) -> List[Choice]:
    """Take the best pair again and again, striking out what overlaps it (the seed paper's greedy).

    Ties go to the first entity, then to the earliest and shortest span: the seed's choice, label for label. Lower
    limits are not looked at, and what does not score above 0 is never chosen.

    RETURNS (List[Choice]): The choices, best first.
    """
    chosen: List[Choice] = []
    # Scores don't change on the way: the best of what is left is the next in this order.
    queue = sorted((-w, s, a, b) for s, row in enumerate(options) for w, a, b in row if w > 0)
    used = [0] * len(options)
    taken = bytearray(max((item[3] for item in queue), default=0))
    for value, s, a, b in queue:
        if (limits.high is None or used[s] < limits.high) and taken.find(1, a, b) < 0:
            chosen.append(Choice(s, a, b, -value))
            used[s] += 1
            taken[a:b] = b"\1" * (b - a)
    return chosen


def solve_exact(options: Options, limits: Limits) -> List[Choice]:
    """Choose spans of the greatest total score, of options with positive scores.

    Three observations do nearly all the work. A span that contains a better span of the same entity is never needed
    (all else that is chosen is disjoint from the larger, hence from the smaller). If the entities' best spans are
    disjoint, they are the optimum. And entities none of whose spans meet can be solved apart. What is left, a few
    entities that compete for the same words, goes to `solve_component`.

    RETURNS (List[Choice]): The choices, by start.
    """
    if limits.high == 1 and sum(map(len, options)) > _CROWDED:
        options = narrow(options, limits.low)
    slim = [prune_dominated(o) for o in options]
    if limits.high == 1:
        # The best of each entity; of equals the first, then the shortest.
        tops = [(s, min(row, key=lambda o: (-o[0], o[1], o[2]))) for s, row in enumerate(slim) if row]
        best = sorted((Choice(s, a, b, w) for s, (w, a, b) in tops), key=lambda c: c.start)
        if all(left.end <= right.start for left, right in pairwise(best)):
            return best
    chosen: List[Choice] = []
    for members in _components(slim):
        solution = solve_component([slim[s] for s in members], limits)
        chosen += [choice._replace(entity=members[choice.entity]) for choice in solution]
    return sorted(chosen, key=lambda c: c.start)


def narrow(options: Options, low: int) -> Options:
    """Drop the options that are too bad to be in an optimum of at most one span per entity.

    No solution beats giving every entity its best span. If the greedy solution falls short of that by g, an option that
    is more than g below its entity's best is in no better solution. `low`: Spans that each entity should get, 0 or 1.
    """
    greedy = solve_greedy(options, Limits(0, 1))
    if low and len(greedy) < sum(map(bool, options)):
        # Then spans for all come before scores, and the argument does not hold.
        return options
    tops = [max((o[0] for o in row), default=0.0) for row in options]
    gap = sum(tops) - sum(c.score for c in greedy) + _EPS
    return [[o for o in row if o[0] >= top - gap] for row, top in zip(options, tops, strict=True)]


def solve_component(options: Options, limits: Limits) -> List[Choice]:
    """Solve for entities that compete: by states along the sentence where these are few, else by HiGHS. Every missing
    span that a lower limit asks for counts more than all scores together.

    RETURNS (List[Choice]): The choices; of equally good solutions the greedy one.
    """
    low, high = limits
    greedy = solve_greedy(options, limits)
    # Counts above this make no difference, so they are not told apart.
    cap = low if high is None else high
    if (cap + 1) ** len(options) <= _MOST_STATES:
        chosen = _by_states(options, limits, cap)
    else:
        left = narrow(options, low) if high == 1 else options
        relaxed = solve_milp(left, low, high, whole=False)
        chosen = (solve_milp(left, low, high) or []) if relaxed is None else relaxed
    (met, total), (greedy_met, greedy_total) = _worth(chosen, low), _worth(greedy, low)
    return chosen if met > greedy_met or (met == greedy_met and total > greedy_total + _EPS) else greedy


def _worth(chosen: Sequence[Choice], low: int) -> Tuple[int, float]:
    """RETURNS (Tuple[int, float]): How many spans there are of those that a lower limit asks for, and the score."""
    counts = Counter(choice.entity for choice in chosen)
    return sum(min(low, n) for n in counts.values()), sum(c.score for c in chosen)


def _by_states(options: Options, limits: Limits, cap: int) -> List[Choice]:
    """Go along the sentence with all that entities may have got so far. `cap`: Up to how many spans an entity's are
    counted. RETURNS (List[Choice]): An optimum.
    """
    low, high = limits
    points = sorted({edge for row in options for _, start, end in row for edge in (start, end)})
    place = {point: k for k, point in enumerate(points)}
    starts: List[List[Tuple[int, Choice]]] = [[] for _ in points]
    for start, end, s, score in sorted((a, b, s, w) for s, row in enumerate(options) for w, a, b in row):
        starts[place[start]].append((place[end], Choice(s, start, end, score)))
    # A state is one number, with each entity's count as a digit. Of each the best is kept: spans that lower limits ask
    # for, score, and the choices, the last one first.
    weights = [(cap + 1) ** s for s in range(len(options))]
    layers: List[Dict[int, Tuple[int, float, Optional[tuple]]]] = [{} for _ in points]
    layers[0][0] = (0, 0.0, None)
    for number, here in enumerate(starts[:-1]):
        layer, layers[number] = layers[number], {}
        for state, best in layer.items():
            _keep(layers[number + 1], state, best)
            met, total, trail = best
            for stop, choice in here:
                weight = weights[choice.entity]
                count = state // weight % (cap + 1)
                if count != high:
                    after = state + weight if count < cap else state
                    _keep(layers[stop], after, (met + (count < low), total + choice.score, (choice, trail)))
    node = max(layers[-1].values(), key=lambda best: best[:2])[2]
    chosen: List[Choice] = []
    while node is not None:
        choice, node = node
        chosen.append(choice)
    return chosen


def _keep(layer: dict, state: int, best: Tuple[int, float, Optional[tuple]]) -> None:
    known = layer.get(state)
    if known is None or best[:2] > known[:2]:
        layer[state] = best


def prune_dominated(options: Sequence[Option]) -> List[Option]:
    """RETURNS (List[Option]): The options without those that contain another of at least their score."""
    if len(options) < 2:
        return list(options)
    # By descending start, then ascending end: what an option contains comes before it. `front` holds the ends seen so
    # far, ascending, with ascending scores: the best score that ends by then.
    kept: List[Option] = []
    front: List[Tuple[int, float]] = []
    for option in sorted(options, key=lambda o: (-o[1], o[2], -o[0])):
        score, _, end = option
        place = len(front)
        while place and front[place - 1][0] > end:
            place -= 1
        if place and front[place - 1][1] >= score:
            continue
        kept.append(option)
        stop = place
        while stop < len(front) and front[stop][1] <= score:
            stop += 1
        if place and front[place - 1][0] == end:
            place -= 1
        front[place:stop] = [(end, score)]
    return kept


def _components(options: Options) -> List[List[int]]:
    """RETURNS (List[List[int]]): Groups of entities with options; those of different groups never overlap."""
    group = list(range(len(options)))  # of each entity
    # Sweep by start. All options still open overlap each other's entities' group at this start, so they are one group
    # already and the one that reaches furthest stands for them.
    reach, holder = -1, -1
    for start, end, s in sorted((o[1], o[2], s) for s, row in enumerate(options) for o in row):
        if start < reach and group[s] != group[holder]:
            old, joined = group[s], group[holder]
            group = [joined if number == old else number for number in group]
        if end > reach:
            reach, holder = end, s
    members: Dict[int, List[int]] = {}
    for s, row in enumerate(options):
        if row:
            members.setdefault(group[s], []).append(s)
    return list(members.values())


def solve_milp(options: Options, low: int, high: Optional[int], whole: bool = True) -> Optional[List[Choice]]:
    """Choose non-overlapping options, `low` to `high` per entity, of the greatest total score, by HiGHS through scipy. It
    is the yardstick of the tests, and solves the sentences where many entities compete.

    Two spans overlap iff they share a word, so non-overlap is one row per word where an option starts: of the options
    that hold it at most one is chosen (the clique form, stronger than the pairwise form of the thesis). Lower limits
    have a slack variable each at a cost above all scores.

    low (int), high (Optional[int]): As in `Limits`.
    whole (bool): Ask for whole numbers. Without, the linear program is solved: between intervals its answer is nearly
        always whole, and then it is the optimum.
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
    relative = _GAP * score.sum() / (score.sum() + low * n_slack * penalty)
    result = milp(
        cost,
        constraints=LinearConstraint(matrix, lower, upper),
        integrality=np.full(len(cost), int(whole)),
        bounds=Bounds(0, np.concatenate([np.ones(len(flat)), np.full(n_slack, float(low))])),
        options={"time_limit": _SECONDS, "mip_rel_gap": relative},
    )
    x = result.x
    if not whole and (result.status != 0 or x is None or np.any(np.abs(x - np.round(x)) > 1e-6)):
        return None
    return [] if x is None else [flat[t] for t in np.flatnonzero(x[: len(flat)] > 0.5)]
