"""Matching methods on their own: the loops of the papers against the arrays."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.alignment.neural.link_matching import (
    MATCHINGS,
    apply_distortion,
    max_weight,
    mutual,
    softmax_matching,
    valid_cells,
)


@st.composite
def batches(draw, longest=6):
    shapes = draw(st.lists(st.tuples(*[st.integers(1, longest)] * 2), min_size=1, max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    coarse = draw(st.booleans())
    random = np.random.default_rng(seed)
    rows, columns = np.array(shapes).T
    sim = random.random((len(shapes), rows.max(), columns.max()))
    return (np.round(sim, 1) if coarse else sim), rows, columns


@given(batches())
@settings(deadline=None, max_examples=60)
def test_padding_and_neighbours_do_not_matter(batch):
    sim, rows, columns = batch
    valid = valid_cells(sim.shape, rows, columns)
    for match in MATCHINGS.values():
        together = match(sim, valid)
        assert not (together.linked & ~valid).any()
        for k, (m, n) in enumerate(zip(rows, columns, strict=True)):
            corner = sim[k : k + 1, :m, :n]
            alone = match(corner, np.ones_like(corner, dtype=bool))
            assert np.array_equal(together.linked[k, :m, :n], alone.linked[0])
            assert together.margin[k] == pytest.approx(alone.margin[0], abs=1e-9)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_max_weight_is_the_best_of_all_and_knows_the_runner_up(m, n, seed):
    sim = np.random.default_rng(seed).random((1, m, n)) + 0.01
    linked, margin = max_weight(sim, np.ones_like(sim, dtype=bool))
    small = sim[0] if m <= n else sim[0].T
    totals = sorted(
        (sum(small[i, j] for i, j in enumerate(chosen)) for chosen in permutations(range(max(m, n)), min(m, n))),
        reverse=True,
    )
    assert sim[linked].sum() == pytest.approx(totals[0])
    second = totals[1] if len(totals) > 1 else -np.inf
    assert margin[0] == pytest.approx(totals[0] - second)


def test_max_weight_leaves_out_what_weighs_nothing():
    sim = np.array([[[0.0, 0.9], [0.0, 0.8]]])
    assert np.argwhere(max_weight(sim, np.ones_like(sim, dtype=bool)).linked).tolist() == [[0, 0, 1]]


def test_ties_go_to_the_first_and_have_no_margin():
    sim = np.full((1, 2, 3), 0.5)
    linked, margin = mutual(sim, np.ones_like(sim, dtype=bool))
    assert np.argwhere(linked).tolist() == [[0, 0, 0]]
    assert margin[0] == 0.0


@given(batches(), st.floats(0.001, 0.4))
@settings(deadline=None, max_examples=40)
def test_softmax_against_the_formula(batch, threshold):
    sim, rows, columns = batch
    dots = sim * 20
    (linked, _), scores = softmax_matching(dots, valid_cells(sim.shape, rows, columns), threshold)
    for k, (m, n) in enumerate(zip(rows, columns, strict=True)):
        odds = np.exp(dots[k, :m, :n])
        there, back = odds / odds.sum(1, keepdims=True), odds / odds.sum(0, keepdims=True)
        assert np.array_equal(linked[k, :m, :n], (there > threshold) & (back > threshold))
        assert np.allclose(scores[k, :m, :n], there * back)


def test_distortion_spares_the_diagonal_and_single_words():
    sim = np.ones((2, 3, 3))
    out = apply_distortion(sim, np.array([3, 1]), np.array([3, 3]), 1.0)
    assert np.allclose(out[0].diagonal(), 1.0)
    assert out[0, 0, 2] == 0.0
    assert np.array_equal(out[1, 0], sim[1, 0])
