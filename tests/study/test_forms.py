"""Forms of the surface: what left-out sizes are predicted with, against fits without them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.study.analysis.forms import (
    FORMS,
    Grid,
    Solution,
    ceiling_of,
    least_squares,
    left_out_errors,
    mean_error,
)

SIZES = [(s, t) for s in (300, 1000, 3000, 10000) for t in (100, 300, 1000)]


def grid_of(languages, dropped=()):
    cells = [(s, t, lang) for lang in range(languages) for s, t in SIZES]
    cells = [cell for number, cell in enumerate(cells) if number not in dropped]
    source, target, lang = (np.array(part) for part in zip(*cells))
    return Grid(source.astype(float), target.astype(float), lang)


@settings(max_examples=25, deadline=None)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 1000),
    dropped=st.sets(st.integers(0, 35), max_size=6),
)
def test_left_out_errors_are_those_of_fits_without_the_sizes(form, seed, dropped):
    random = np.random.default_rng(seed)
    grid = grid_of(3, dropped)
    y = 0.3 + 0.05 * np.log10(grid.source * grid.target)[:, None] + 0.02 * random.normal(size=(len(grid.lang), 2))
    mass = random.uniform(0.5, 3, len(grid.lang))
    exponents = grid.exponents(4)
    features = grid.features(form, *exponents)
    found = left_out_errors(features, y, mass, grid.lang, grid.size)
    errors = []
    for number in np.unique(grid.size):
        rest = grid.size != number
        best, slopes, offsets = least_squares(features[:, rest], y[rest], mass[rest], grid.lang[rest])
        predicted = offsets[grid.lang[~rest]] + np.einsum("smf,fs->ms", features[best][:, ~rest], slopes)
        errors.append((y[~rest] - predicted).mean(axis=0))
    assert found == pytest.approx(np.sqrt(np.mean(np.square(errors), axis=0)), rel=1e-5)


def test_a_language_with_one_cell_does_not_count():
    grid, more = grid_of(2), None
    lang = np.append(grid.lang, 2)
    more = Grid(np.append(grid.source, 1000.0), np.append(grid.target, 300.0), lang)
    y = np.random.default_rng(0).normal(size=(len(lang), 1))
    with_it = left_out_errors(more.features("plane", *more.exponents(3)), y, np.ones(len(lang)), lang, more.size)
    without = left_out_errors(
        grid.features("plane", *grid.exponents(3)), y[:-1], np.ones(len(lang) - 1), grid.lang, grid.size
    )
    assert with_it == pytest.approx(without)


def test_sizes_that_do_not_determine_a_form():
    source = np.array([300.0, 1000, 3000])
    grid = Grid(source, np.full(3, 100.0), np.zeros(3, dtype=int))
    y = np.array([[0.1], [0.2], [0.3]])
    told = {
        f: left_out_errors(grid.features(f, *grid.exponents(3)), y, np.ones(3), grid.lang, grid.size) for f in FORMS
    }
    assert np.isfinite(told["plane"]).all() and np.isinf(told["quadratic"]).all()
    assert mean_error(y, np.ones(3), grid.lang, grid.size) == pytest.approx(np.sqrt((0.15**2 + 0 + 0.15**2) / 3))


def test_a_ceiling_above_one_is_not_chosen():
    grid = grid_of(1)
    y = (0.1 + 0.2 * np.log10(grid.source / 300) + 0.2 * np.log10(grid.target / 100))[:, None]
    solved = grid.solve("power", y, np.ones(len(y)), *grid.exponents(20))
    assert solved.c.max() <= ceiling_of("power") == 1.0
    assert grid.solve("plane", y + 1, np.ones(len(y)), *grid.exponents(20)).c.max() > 1


@settings(max_examples=30, deadline=None)
@given(s=st.floats(100, 50000), t=st.floats(50, 5000), number=st.integers(0, 3))
def test_rates_are_slopes(s, t, number):
    slopes = np.zeros((7, 1))
    slopes[:] = np.array([0.1, 0.05, 0.02, -0.01, -0.02, -0.1, -0.05])[:, None]
    solution = Solution(slopes, np.array([0.5]), np.array([0.4]), np.array([[0.6]]), np.array([number]))
    x, y = np.log10(s / 1000), np.log10(t / 1000)
    of_logs = (0.1 + 0.02 * y - 0.02 * x) / (s * np.log(10)), (0.05 + 0.02 * x - 0.04 * y) / (t * np.log(10))
    expected = of_logs[0] + 0.05 / s * (s / 1000) ** -0.5, of_logs[1] + 0.02 / t * (t / 1000) ** -0.4
    for found, truth in zip(solution.rates(s, t), expected):
        assert found[0] == pytest.approx(truth, rel=1e-3, abs=1e-9)
