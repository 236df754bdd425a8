"""The hidden Markov model against all alignments of small sentences, counted one by one."""

import itertools

import numpy as np
import pytest

from xner_spacy import native
from xner_spacy.alignment.statistical.hmm import Jumps, Statistics, posteriors


def by_hand(emission, empty, jumps, null):
    """Posteriors and likelihood by enumeration: a state is a position and whether it emits."""
    steps, states = emission.shape
    weights, first = jumps.matrix(states), jumps.first(states)
    total, linked = 0.0, np.zeros((steps, states))
    for path in itertools.product(range(2 * states), repeat=steps):
        probability, position = 1.0, None
        for time, state in enumerate(path):
            place, emits = state % states, state < states
            if emits:
                move = first / first.sum() if position is None else weights[position]
                probability *= (1 - null) * emission[time, place] * move[place] / move.sum()
            else:  # the empty word stays where it is; before the first word that is any place
                stays = first[place] / first.sum() if position is None else float(place == position)
                probability *= null * empty[time] * stays
            position = place
        total += probability
        for time, state in enumerate(path):
            if state < states:
                linked[time, state] += probability
    return linked / total, total


@pytest.fixture(params=["compiled", "numpy"])
def path(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(native, "LIBRARY", None)
    elif native.LIBRARY is None:
        pytest.skip("this installation has no compiled part")


@pytest.mark.parametrize("padding", [0, 2])
def test_posteriors(padding: int, path) -> None:
    random = np.random.default_rng(1)
    shapes = [(3, 2), (2, 3), (1, 1)]
    emission = np.zeros((3 + padding, len(shapes), 3 + padding), dtype=np.float32)
    empty = np.full((3 + padding, len(shapes)), 0.3, dtype=np.float32)
    for k, (steps, states) in enumerate(shapes):
        emission[:steps, k, :states] = random.random((steps, states))
        empty[:steps, k] = random.random(steps)
    jumps = Jumps()
    expected = [by_hand(emission[:n, k, :m].astype(float), empty[:n, k], jumps, 0.2) for k, (n, m) in enumerate(shapes)]
    statistics = Statistics()
    found = posteriors(
        emission,
        empty,
        np.array([m for _, m in shapes], dtype=np.int32),
        np.array([n for n, _ in shapes], dtype=np.int32),
        jumps,
        0.2,
        statistics,
    )
    for k, (n, m) in enumerate(shapes):
        assert np.allclose(found[:n, k, :m], expected[k][0], atol=1e-5)
        assert not found[n:, k].any() and not found[:, k, m:].any()
    # One jump per linked word after the first position.
    moves = sum(expected[k][0][1:].sum() for k in range(len(shapes)))
    assert statistics.moved.sum() == pytest.approx(moves, rel=1e-4)
