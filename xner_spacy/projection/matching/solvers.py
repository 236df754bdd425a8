"""Choosing target spans for source entities: greedily as the seed paper's code does, or exactly.

The problem (Shkalikov's thesis; METHODS of Politov et al. 2025): choose (entity, span) pairs of the
    greatest total score such that
no two chosen spans overlap and every entity has as many as it may. Without the limits per entity it
is weighted interval scheduling, linear in the number of spans. The limits couple the intervals;
`solve_exact` keeps the interval structure and pays for the coupling only where entities really
compete.
"""

from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from .bounded_dp import Option, solve_component

__all__ = ["Choice", "Limits", "Option", "parse_limits", "solve_exact", "solve_greedy", "take_best"]


# With fewer options than this a sentence is solved faster than narrowed.
_CROWDED = 150


class Choice(NamedTuple):
    """A span chosen for an entity."""

    entity: int
    start: int
    end: int
    score: float


class Limits(NamedTuple):
    """How many spans an entity gets: at least `low`, at most `high` (None for no limit).

    The lower limit is kept where it can be: a solution that misses fewer spans always wins over one
    with a better score, so that a sentence without room for all still gets an answer.
    """

    low: int = 0
    high: Optional[int] = 1


def parse_limits(constraint: str, count: int) -> Limits:
    """RETURNS (Limits): The limits that "<=", "=" or ">=" and a count stand for."""
    if constraint == "<=":
        return Limits(0, count)
    return Limits(count, count) if constraint == "=" else Limits(count, None)


def solve_greedy(scores: npt.NDArray[np.float64], spans: Sequence[Tuple[int, int]], limits: Limits) -> List[Choice]:
    """Take the best pair again and again, striking out what overlaps it (the seed paper's greedy).

    Ties go to the first in row-major order: the first entity, then the first candidate. With
    candidates sorted by start and end this reproduces the seed's choice label for label. Lower
    limits are not looked at.

    scores (ndarray): (entities, candidates), what is not positive is never chosen.
    spans (Sequence[Tuple[int, int]]): The candidates, sorted by start, then end.
    limits (Limits): Spans per entity.
    RETURNS (List[Choice]): The choices, best first.
    """
    matrix = np.asarray(scores, dtype=np.float64)
    return take_best(
        [[(float(row[t]), *spans[t]) for t in np.flatnonzero(row > 0).tolist()] for row in matrix],
        limits,
    )


def take_best(options: Sequence[Sequence[Option]], limits: Limits) -> List[Choice]:
    """The greedy solver on options instead of a matrix; see `solve_greedy`.

    options (Sequence[Sequence[Option]]): Per entity its candidates, by start, then end.
    RETURNS (List[Choice]): The choices, best first.
    """
    chosen: List[Choice] = []
    if limits.high == 0:
        return chosen
    queue = [(-w, s, a, b) for s, mine in enumerate(options) for w, a, b in mine if w > 0]
    # Scores don't change on the way: the best of what is left is the next in this order.
    queue.sort()
    used = [0] * len(options)
    taken = bytearray(max((item[3] for item in queue), default=0))
    for value, s, a, b in queue:
        if (limits.high is None or used[s] < limits.high) and taken.find(1, a, b) < 0:
            chosen.append(Choice(s, a, b, -value))
            used[s] += 1
            taken[a:b] = b"\1" * (b - a)
    return chosen


def solve_exact(options: Sequence[Sequence[Option]], limits: Limits) -> List[Choice]:
    """Choose spans of the greatest total score.

    Three observations do nearly all the work. A span that contains a better span of the same entity
    is never needed (all else that is chosen is disjoint from the larger, hence from the smaller).
    If the entities' best spans are disjoint, they are the optimum. And entities none of whose spans
    meet can be solved apart. What is left, a few entities that compete for the same words, goes to
    `solve_component`.

    options (Sequence[Sequence[Option]]): Per entity its candidates `(score, start, end)`, scores
        positive.
    limits (Limits): Spans per entity.
    RETURNS (List[Choice]): The choices, by start.
    """
    if limits.high == 1 and sum(map(len, options)) > _CROWDED:
        options = narrow(options, limits.low)
    slim = [prune_dominated(o) for o in options]
    if limits.high == 1:
        # The best of each entity; of equals the first, then the shortest.
        best = sorted((o[1], o[2], s, o[0]) for s, os in enumerate(slim) if os for o in [_best(os)])
        if all(x[1] <= y[0] for x, y in pairwise(best)):
            return [Choice(s, a, b, w) for a, b, s, w in best]
    chosen: List[Choice] = []
    for members in _components(slim):
        for m, (score, start, end) in solve_component([slim[s] for s in members], limits.low, limits.high):
            chosen.append(Choice(members[m], start, end, score))
    chosen.sort(key=lambda c: c.start)
    return chosen


def narrow(options: Sequence[Sequence[Option]], low: int) -> List[List[Option]]:
    """Drop the options that are too bad to be in an optimum of at most one span per entity.

    No solution beats giving every entity its best span. If the greedy solution falls short of that
    by g, an option that is more than g below its entity's best is in no better solution.

    options (Sequence[Sequence[Option]]): Per entity its candidates.
    low (int): Spans that each entity should get, 0 or 1.
    RETURNS (List[List[Option]]): What is left.
    """
    heaps = [[(-w, a, b) for w, a, b in mine] for mine in options]
    tops = [0.0] * len(heaps)
    queue: List[Tuple[float, int]] = []
    for s, heap in enumerate(heaps):
        if heap:
            heapify(heap)
            tops[s] = -heap[0][0]
            queue.append((heap[0][0], s))
    heapify(queue)
    taken = bytearray(max((b for mine in options for _, _, b in mine), default=0))
    total, placed = 0.0, 0
    while queue:
        value, s = heappop(queue)
        heap = heaps[s]
        _, a, b = heappop(heap)
        if taken.find(1, a, b) < 0:
            taken[a:b] = b"\1" * (b - a)
            total -= value
            placed += 1
        elif heap:
            heappush(queue, (heap[0][0], s))
    if low and placed < sum(map(bool, options)):
        # Then spans for all come before scores, and the argument does not hold.
        return [list(mine) for mine in options]
    gap = sum(tops) - total + 1e-9
    return [[o for o in mine if o[0] >= top - gap] for mine, top in zip(options, tops, strict=True)]


def _best(options: Sequence[Option]) -> Option:
    return min(options, key=lambda o: (-o[0], o[1], o[2]))


def prune_dominated(options: Sequence[Option]) -> List[Option]:
    """RETURNS (List[Option]): The options without those that contain another of at least their
    score.
    """
    if len(options) < 2:
        return list(options)
    # By descending start, then ascending end: what an option contains comes before it. `front`
    # holds the ends seen so far, ascending, with ascending scores: the best score that ends by
    # then.
    kept: List[Option] = []
    front: List[Tuple[int, float]] = []
    for option in sorted(options, key=lambda o: (-o[1], o[2], -o[0])):
        score, _, end = option
        place = 0
        for place in range(len(front), -1, -1):
            if place == 0 or front[place - 1][0] <= end:
                break
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


def _components(options: Sequence[Sequence[Option]]) -> List[List[int]]:
    """RETURNS (List[List[int]]): Groups of entities with options, such that options of different
    groups never overlap.
    """
    parent = list(range(len(options)))

    def root(s: int) -> int:
        while parent[s] != s:
            parent[s] = parent[parent[s]]
            s = parent[s]
        return s

    events = sorted((o[1], o[2], s) for s, os in enumerate(options) for o in os)
    # Sweep by start. All options still open overlap each other's entities' group at this start, so
    # they are one group already and the one that reaches furthest stands for them.
    reach, holder = -1, -1
    for start, end, s in events:
        if start < reach:
            parent[root(s)] = root(holder)
        if end > reach:
            reach, holder = end, s
    groups: Dict[int, List[int]] = {}
    for s, os in enumerate(options):
        if os:
            groups.setdefault(root(s), []).append(s)
    return list(groups.values())
