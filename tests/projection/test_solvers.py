"""The exact solver against HiGHS and brute force; the greedy one against a literal rendering."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.projection.matching.solvers import (
    Limits,
    narrow,
    parse_limits,
    prune_dominated,
    solve_component,
    solve_exact,
    solve_greedy,
    solve_milp,
)

LIMITS = [Limits(0, 1), Limits(1, 1), Limits(0, 2), Limits(2, 2), Limits(0, None), Limits(1, None)]


def random_options(rng, entities, tokens, most):
    options = []
    for _ in range(entities):
        mine = {}
        for _ in range(rng.integers(0, most + 1)):
            start = int(rng.integers(0, tokens))
            end = int(min(tokens, start + rng.integers(1, 8)))
            mine[start, end] = float(rng.choice([rng.random(), rng.integers(1, 5) / 4]))
        options.append([(w, a, b) for (a, b), w in sorted(mine.items())])
    return options


def check_choice(chosen, options, limits):
    taken = sorted((c.start, c.end) for c in chosen)
    assert all(x[1] <= y[0] for x, y in pairwise(taken))
    for s, mine in enumerate(options):
        count = sum(c.entity == s for c in chosen)
        assert limits.high is None or count <= limits.high
        assert all((c.score, c.start, c.end) in mine for c in chosen if c.entity == s)


def worth(entities_and_scores, n, low):
    """Spans that a lower limit asks for first, then the score."""
    counts = [0] * n
    met, total = 0, 0.0
    for s, score in entities_and_scores:
        met += counts[s] < low
        counts[s] += 1
        total += score
    return met, total


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("size", [(3, 12, 6), (6, 20, 8), (12, 60, 12), (12, 20, 15)])
def test_exact_equals_highs(limits, size):
    rng = np.random.default_rng(sum(size) + 7 * limits.low + (limits.high or 0))
    for _ in range(12):
        options = random_options(rng, *size)
        chosen = solve_exact(options, limits)
        check_choice(chosen, options, limits)
        peer = solve_milp(options, limits.low, limits.high)
        ours = worth([(c.entity, c.score) for c in chosen], len(options), limits.low)
        theirs = worth([(c.entity, c.score) for c in peer], len(options), limits.low)
        assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("limits", LIMITS)
def test_exact_equals_brute_force(limits):
    rng = np.random.default_rng(1)
    for _ in range(40):
        options = random_options(rng, 3, 8, 3)
        flat = [(s, o) for s, mine in enumerate(options) for o in mine]
        best = (0, 0.0)
        for size in range(1, len(flat) + 1):
            for some in combinations(flat, size):
                edges = sorted((o[1], o[2]) for _, o in some)
                if any(x[1] > y[0] for x, y in pairwise(edges)):
                    continue
                if limits.high is not None and any(sum(s == t for t, _ in some) > limits.high for s, _ in some):
                    continue
                best = max(best, worth([(s, o[0]) for s, o in some], 3, limits.low))
        chosen = solve_exact(options, limits)
        assert worth([(c.entity, c.score) for c in chosen], 3, limits.low) == pytest.approx(best)


def test_too_many_states_go_to_highs(monkeypatch):
    monkeypatch.setattr("xner_spacy.projection.matching.solvers._MOST_STATES", 0)
    options = [[(1.0, 0, 2), (0.9, 3, 4)], [(1.0, 1, 3)], [(0.9, 2, 4)]]
    assert sum(c.score for c in solve_component(options, Limits(0, 1))) == pytest.approx(1.9)


spans = st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(1, 8))
entity_options = st.lists(spans, max_size=6, unique_by=lambda x: x[:2]).map(
    lambda xs: [(w / 4, a, a + n) for a, n, w in xs]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(entity_options, min_size=1, max_size=5), st.sampled_from(LIMITS), st.randoms())
def test_order_of_entities_does_not_change_the_total(options, limits, random):
    total = sum(c.score for c in solve_exact(options, limits))
    order = list(range(len(options)))
    random.shuffle(order)
    other = solve_exact([options[s] for s in order], limits)
    assert sum(c.score for c in other) == pytest.approx(total)


@settings(max_examples=200, deadline=None)
@given(entity_options)
def test_pruning_keeps_exactly_what_holds_nothing_better(options):
    kept = prune_dominated(options)
    for o in options:
        inside = [x for x in kept if o[1] <= x[1] and x[2] <= o[2] and x[0] >= o[0]]
        assert inside
        if o in kept:
            assert inside == [o]


@settings(max_examples=200, deadline=None)
@given(st.lists(entity_options, min_size=1, max_size=5))
def test_greedy_never_beats_exact_and_takes_first_of_equals(options):
    limits = Limits(0, 1)
    greedy = solve_greedy(options, limits)
    exact = solve_exact(options, limits)
    assert sum(c.score for c in greedy) <= sum(c.score for c in exact) + 1e-9
    # A literal rendering: the best of what is left, the first entity and then the first span of
    # equals.
    left = [(s, a, b, w) for s, mine in enumerate(options) for w, a, b in mine]
    for choice in greedy:
        assert choice == max(left, key=lambda x: (x[3], -x[0], -x[1], -x[2]))
        left = [x for x in left if x[0] != choice.entity and (x[2] <= choice.start or x[1] >= choice.end)]
    assert not left


def test_parse_limits():
    assert parse_limits("<=", 1) == Limits(0, 1)
    assert parse_limits("=", 2) == Limits(2, 2)
    assert parse_limits(">=", 1) == Limits(1, None)


@pytest.mark.parametrize("limits", LIMITS)
def test_many_entities_equal_highs(limits):
    rng = np.random.default_rng(5)
    for _ in range(3):
        options = random_options(rng, 30, 60, 25)
        chosen = solve_exact(options, limits)
        check_choice(chosen, options, limits)
        peer = solve_milp(options, limits.low, limits.high)
        ours = worth([(c.entity, c.score) for c in chosen], len(options), limits.low)
        theirs = worth([(c.entity, c.score) for c in peer], len(options), limits.low)
        assert ours == pytest.approx(theirs, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(st.lists(entity_options, min_size=1, max_size=6), st.sampled_from([0, 1]))
def test_narrowing_keeps_the_optimum(options, low):
    limits = Limits(low, 1)
    total = sum(c.score for c in solve_exact(options, limits))
    assert sum(c.score for c in solve_exact(narrow(options, low), limits)) == pytest.approx(total)


def best_by_states(options, limits):
    """The best (spans that lower limits ask for, score), by every state there is: how many spans each entity has."""
    size = max((o[2] for mine in options for o in mine), default=0)
    most = limits.low if limits.high is None else limits.high
    layers = [{} for _ in range(size + 1)]
    layers[0][(0,) * len(options)] = (0, 0.0)

    def put(layer, state, value):
        layer[state] = max(layer.get(state, value), value)

    starts = [[] for _ in range(size)]
    for s, mine in enumerate(options):
        for w, a, b in mine:
            starts[a].append((s, w, b))
    for place in range(size):
        for state, (met, total) in layers[place].items():
            put(layers[place + 1], state, (met, total))
            for s, w, b in starts[place]:
                if limits.high is None or state[s] < most:
                    after = (*state[:s], min(most, state[s] + 1), *state[s + 1 :])
                    put(layers[b], after, (met + (state[s] < limits.low), total + w))
        layers[place] = {}
    return max(layers[size].values())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(13, 16),
    st.integers(4, 14),
    st.integers(0, 10**6),
    st.sampled_from([Limits(0, 1), Limits(1, 1), Limits(1, None), Limits(2, 2), Limits(0, 0)]),
)
def test_many_entities_that_compete_for_few_words(n, tokens, seed, limits):
    """From 13 entities on the linear program goes first; what it is given must still hold an optimum."""
    rng = np.random.default_rng(seed)
    options = []
    for _ in range(n):
        mine = {}
        for _ in range(rng.integers(1, 4)):
            start = int(rng.integers(0, tokens))
            end = int(min(tokens, start + rng.choice([1, 1, 2, tokens])))
            # Some spans are worth a hundred times as much as others: greed for them costs others their place.
            mine[start, end] = float(rng.choice([0.01, 1.0, 5.0]) * (1 + rng.random()))
        options.append([(w, a, b) for (a, b), w in sorted(mine.items())])
    chosen = solve_exact(options, limits)
    check_choice(chosen, options, limits)
    ours = worth([(c.entity, c.score) for c in chosen], n, limits.low)
    assert ours == pytest.approx(best_by_states(options, limits), abs=1e-6)


def test_each_of_thirteen_gets_its_span():
    """One entity's best span covers all others: a better score, but then twelve have none."""
    options = [[(50.0, 0, 13), (0.1, 0, 1)], *([(1.0, k, k + 1)] for k in range(1, 13))]
    chosen = solve_exact(options, Limits(1, 1))
    assert [(c.entity, c.start, c.end) for c in chosen] == [(k, k, k + 1) for k in range(13)]
    assert [(c.entity, c.end) for c in solve_exact(options, Limits(0, 1))] == [(0, 13)]


@pytest.mark.parametrize("solver", [solve_exact, solve_greedy])
def test_a_count_of_none_places_none(solver):
    assert solver([[(1.0, 0, 1)], [(2.0, 1, 2)]], Limits(0, 0)) == []
