"""Choosing target spans for source entities: greedily, as in the seed paper's code, or exactly.

The problem (Politov et al. 2025; Shkalikov's thesis): choose (entity, span) pairs of the greatest total score such that
no two chosen spans overlap and every entity has an allowed number of them. Without limits per entity this is weighted
interval scheduling, linear in the number of spans. The limits couple the intervals: `solve_exact` uses the interval
structure and handles the coupling only if entities really compete.
"""

from collections import Counter
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .interfaces import Choice, Option, Options

# A sentence with fewer options than this is solved faster without narrowing them first.
_CROWDED = 150
# Competing entities with more states than this (counts of spans for each of them) are solved by HiGHS.
_MOST_STATES = 64
_EPS = 1e-9
# How long HiGHS may search, and the gap to the bound at which it may stop, as a share of the scores.
_SECONDS, _GAP = 10.0, 1e-6


class Limits(NamedTuple):
    """How many spans an entity gets: at least `low`, at most `high` (None for no limit).

    The lower limit is kept if possible: a solution that misses fewer spans always wins over one with a higher score, so
    that a sentence without room for all spans still has a solution.
    """

    low: int = 0
    high: Optional[int] = 1


def parse_limits(constraint: str, count: int) -> Limits:
    """RETURNS (Limits): The limits that "<=", "=" or ">=" and a count stand for."""
    if constraint == "<=":
        return Limits(0, count)
    return Limits(count, count) if constraint == "=" else Limits(count, None)


def solve_greedy(options: Options, limits: Limits) -> List[Choice]:
    """Take the best pair repeatedly, and remove what overlaps it (the greedy solver of the seed paper).

    The first entity wins a tie, then the earliest and shortest span, exactly as in the seed's code. Lower limits are
    ignored, and only options with scores above 0 are chosen.

    RETURNS (List[Choice]): The choices, best first.
    """
    chosen: List[Choice] = []
    # Scores don't change meanwhile, so the best remaining option is the next one in this order.
    queue = sorted((-w, entity, a, b) for entity, row in enumerate(options) for w, a, b in row if w > 0)
    n_chosen = [0] * len(options)
    taken = bytearray(max((item[3] for item in queue), default=0))
    for negative_score, entity, start, end in queue:
        if (limits.high is None or n_chosen[entity] < limits.high) and taken.find(1, start, end) < 0:
            chosen.append(Choice(entity, start, end, -negative_score))
            n_chosen[entity] += 1
            taken[start:end] = b"\1" * (end - start)
    return chosen


def solve_exact(options: Options, limits: Limits) -> List[Choice]:
    """Choose the spans with the greatest total score, from options with positive scores.

    Three observations do nearly all the work. A span that contains a better span of the same entity is never needed
    (all other chosen spans are disjoint from the larger one, hence from the smaller one). If the entities' best spans
    are disjoint, they are the optimum. And entities whose spans do not overlap can be solved separately. The remaining
    few entities, which compete for the same words, are solved by `solve_component`.

    RETURNS (List[Choice]): The choices, by start.
    """
    if limits.high == 1:
        best = _best(options)
        if best is not None:
            return best
        if sum(map(len, options)) > _CROWDED:
            options = narrow(options, limits.low)
    pruned = [prune_dominated(row) for row in options]
    chosen: List[Choice] = []
    for members in _components(pruned):
        solution = solve_component([pruned[entity] for entity in members], limits)
        chosen += [choice._replace(entity=members[choice.entity]) for choice in solution]
    return sorted(chosen, key=lambda choice: choice.start)


def _best(options: Options) -> Optional[List[Choice]]:
    """RETURNS (Optional[List[Choice]]): The best option of each entity, by start; None if two of them overlap. Of equal
    ones the first is taken that contains no other.
    """
    choices: List[Choice] = []
    for entity, row in enumerate(options):
        if row:
            top = max(row)[0]
            equal = [option for option in row if option[0] == top]
            if len(equal) > 1:
                equal = sorted(prune_dominated(equal), key=itemgetter(1))
            score, start, end = equal[0]
            choices.append(Choice(entity, start, end, score))
    choices.sort(key=attrgetter("start"))
    if any(before.end > after.start for before, after in pairwise(choices)):
        return None
    return choices


def narrow(options: Options, low: int) -> Options:
    """Drop the options whose scores are too low for an optimum with at most one span per entity.

    No solution beats giving every entity its best span. If the greedy solution is worse than that by g, no better
    solution contains an option that is more than g below its entity's best. `low`: Spans for each entity, 0 or 1.
    """
    greedy = solve_greedy(options, Limits(0, 1))
    if low and len(greedy) < sum(map(bool, options)):
        # Then giving every entity a span matters more than scores, and the argument does not hold.
        return options
    tops = [max((option[0] for option in row), default=0.0) for row in options]
    gap = sum(tops) - sum(choice.score for choice in greedy) + _EPS
    return [[option for option in row if option[0] >= top - gap] for row, top in zip(options, tops, strict=True)]


def solve_component(options: Options, limits: Limits) -> List[Choice]:
    """Solve for entities that compete: by states along the sentence if these are few, else by HiGHS. Each missing span
    that a lower limit requires outweighs all scores together.

    RETURNS (List[Choice]): The choices; the greedy solution wins a tie.
    """
    low, high = limits
    greedy = solve_greedy(options, limits)
    # Counts above this make no difference, so they are not distinguished.
    cap = low if high is None else high
    if (cap + 1) ** len(options) <= _MOST_STATES:
        chosen = _by_states(options, limits, cap)
    else:
        narrowed = narrow(options, low) if high == 1 else options
        relaxed = solve_milp(narrowed, low, high, whole=False)
        chosen = (solve_milp(narrowed, low, high) or []) if relaxed is None else relaxed
    (met, total), (greedy_met, greedy_total) = _worth(chosen, low), _worth(greedy, low)
    return chosen if met > greedy_met or (met == greedy_met and total > greedy_total + _EPS) else greedy


def _worth(chosen: Sequence[Choice], low: int) -> Tuple[int, float]:
    """RETURNS (Tuple[int, float]): How many of the spans that a lower limit requires there are, and the score."""
    counts = Counter(choice.entity for choice in chosen)
    return sum(min(low, count) for count in counts.values()), sum(choice.score for choice in chosen)


def _by_states(options: Options, limits: Limits, cap: int) -> List[Choice]:
    """Dynamic programming along the sentence, over how many spans each entity has so far. `cap`: An entity's spans are
    counted up to this number. RETURNS (List[Choice]): An optimum.
    """
    low, high = limits
    points = sorted({edge for row in options for _, start, end in row for edge in (start, end)})
    index_of = {point: index for index, point in enumerate(points)}
    starts: List[List[Tuple[int, Choice]]] = [[] for _ in points]
    for start, end, entity, score in sorted((a, b, s, w) for s, row in enumerate(options) for w, a, b in row):
        starts[index_of[start]].append((index_of[end], Choice(entity, start, end, score)))
    # A state is one number, with the count of each entity as a digit. The best path to each state is kept: how many
    # spans that lower limits require it has, its score, and its choices, the last one first.
    weights = [(cap + 1) ** entity for entity in range(len(options))]
    layers: List[Dict[int, Tuple[int, float, Optional[tuple]]]] = [{} for _ in points]
    layers[0][0] = (0, 0.0, None)
    for layer_index, starting in enumerate(starts[:-1]):
        layer, layers[layer_index] = layers[layer_index], {}
        for state, best in layer.items():
            _keep(layers[layer_index + 1], state, best)
            met, total, trail = best
            for stop, choice in starting:
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
    """RETURNS (List[Option]): The options without those that contain another one with at least the same score."""
    if len(options) < 2:
        return list(options)
    # By descending start, then ascending end, so that the options within an option come before it. `front` has the ends
    # so far, ascending, with ascending scores: the best score of the options that end there or before.
    kept: List[Option] = []
    front: List[Tuple[int, float]] = []
    for option in sorted(options, key=lambda option: (-option[1], option[2], -option[0])):
        score, _, end = option
        index = len(front)
        while index and front[index - 1][0] > end:
            index -= 1
        if index and front[index - 1][1] >= score:
            continue
        kept.append(option)
        stop = index
        while stop < len(front) and front[stop][1] <= score:
            stop += 1
        if index and front[index - 1][0] == end:
            index -= 1
        front[index:stop] = [(end, score)]
    return kept


def _components(options: Options) -> List[List[int]]:
    """RETURNS (List[List[int]]): Groups of entities with options. Options of different groups never overlap."""
    group = list(range(len(options)))  # of each entity
    # Sweep by start. All options that are still open overlap at this start, so their entities are already in one group,
    # represented by the option that reaches furthest.
    reach, holder = -1, -1
    for start, end, entity in sorted((a, b, entity) for entity, row in enumerate(options) for _, a, b in row):
        if start < reach and group[entity] != group[holder]:
            replaced, joined = group[entity], group[holder]
            group = [joined if number == replaced else number for number in group]
        if end > reach:
            reach, holder = end, entity
    members: Dict[int, List[int]] = {}
    for entity, row in enumerate(options):
        if row:
            members.setdefault(group[entity], []).append(entity)
    return list(members.values())


def solve_milp(options: Options, low: int, high: Optional[int], whole: bool = True) -> Optional[List[Choice]]:
    """Choose non-overlapping options, `low` to `high` per entity, with the greatest total score, by HiGHS (scipy). This
    is the reference in tests, and solves the sentences in which many entities compete.

    Two spans overlap iff they share a word, so non-overlap takes one row for each word where an option starts: at most
    one of the options that contain it is chosen (the clique form, stronger than the pairwise form of the thesis). Each
    lower limit has a slack variable with a cost above all scores.

    low (int), high (Optional[int]): As in `Limits`.
    whole (bool): Require integers. Otherwise the linear program is solved: for intervals its solution nearly always
        consists of integers, and then it is the optimum.
    RETURNS (Optional[List[Choice]]): The choices, the best ones within the time limit. Without `whole`, None if the
        solution has fractions or is not the optimum.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    # Columns are the options, then one slack per entity with a lower limit.
    flat = [Choice(entity, start, end, score) for entity, row in enumerate(options) for score, start, end in row]
    if not flat:
        return []
    owner, start, end, score = (np.array(column) for column in zip(*flat, strict=True))
    points = np.unique(start)
    first = np.searchsorted(points, start)
    count = np.searchsorted(points, end) - first
    columns = np.repeat(np.arange(len(flat)), count)
    rows = np.arange(len(columns)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    lower, upper = np.zeros(len(points)), np.ones(len(points))
    n_slack = 0
    if low or high is not None:
        members, member_index = np.unique(owner, return_inverse=True)
        n_slack = len(members) if low else 0
        slack_rows = np.arange(n_slack)
        rows = np.concatenate([rows, len(points) + member_index, len(points) + slack_rows])
        columns = np.concatenate([columns, np.arange(len(flat)), len(flat) + slack_rows])
        lower = np.concatenate([lower, np.full(len(members), float(low))])
        upper = np.concatenate([upper, np.full(len(members), np.inf if high is None else high)])
    # There is room for at most one option per word, each with at most the best score. A cost no greater than necessary
    # keeps the solver's tolerances small.
    penalty = 1.0 + min(float(score.sum()), float(score.max()) * len(points))
    cost = np.concatenate([-score, np.full(n_slack, penalty)])
    matrix = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(upper), len(cost))).tocsr()
    # The program's value includes the cost of missing spans; the gap is a share of the scores only.
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
